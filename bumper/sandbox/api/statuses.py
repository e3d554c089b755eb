"""/projects/:id/statuses/:sha and pipelines: what an external CI reports about commits."""

from bumper.sandbox.api.call import Answer, Call, page_of
from bumper.sandbox.api.views import View, pipeline_view, user_view
from bumper.sandbox.behaviour.errors import bad_parameter, not_found
from bumper.sandbox.behaviour.pipelines import add_pipeline, set_status
from bumper.sandbox.state.records import CommitStatus, Pipeline, Role
from bumper.sandbox.state.world import now

_STATES = ("pending", "running", "success", "failed", "canceled", "skipped")
_GRAVEST_FIRST = ("running", "pending", "failed", "canceled", "success", "skipped")


def report(call: Call) -> Answer:
    """POST statuses/:sha: a status by name; together they are the commit's pipeline, made by the first of them."""
    call.require_role(Role.DEVELOPER)
    call.parameters.require("state")
    world, project, parameters = call.world, call.project, call.parameters
    state = parameters.text("state")
    if state not in _STATES:
        raise bad_parameter("state does not have a valid value")
    sha = call.repository.commit_id(call.arguments["sha"])
    if sha is None:
        raise not_found("Commit")
    ref = parameters.text("ref") or _branch_of(call, sha)
    pipeline = _pipeline(call, sha, ref)
    name = parameters.text("name") or parameters.text("context") or "default"
    earlier = [one for one in _statuses(call, pipeline) if one.name == name]
    status = CommitStatus(
        earlier[0].id if earlier else world.next_id(), project.id, pipeline.id, sha, ref, name, state,
        call.user.username, now(), parameters.text("description") or None, parameters.text("target_url") or None,
    )  # fmt: skip
    world.records.statuses[status.id] = status
    states = {one.status for one in _statuses(call, pipeline)}
    together = next(one for one in _GRAVEST_FIRST if one in states)
    set_status(world, pipeline, together)
    return Answer(_view(call, status), 201)


def list_of_commit(call: Call) -> Answer:
    """GET repository/commits/:sha/statuses."""
    sha = call.repository.commit_id(call.arguments["sha"])
    if sha is None:
        raise not_found("Commit")
    found = [one for one in call.world.records.statuses.values() if (one.project_id, one.sha) == (call.project.id, sha)]
    return page_of(call, found, lambda one: _view(call, one))


def list_of_merge_request(call: Call) -> Answer:
    """GET merge_requests/:iid/pipelines, newest first."""
    shown = call.merge_request
    found = [one for one in call.world.records.pipelines.values() if one.project_id == shown.project_id]
    own = [one for one in reversed(found) if one.sha == shown.sha or one.ref == shown.source_branch]
    return page_of(call, own, lambda one: pipeline_view(call.world, one))


def list_pipelines(call: Call) -> Answer:
    """GET pipelines, newest first, by ``sha``, ``ref`` and ``status``."""
    wanted = {name: call.parameters.text(name) for name in ("sha", "ref", "status") if name in call.parameters}
    found = [one for one in call.world.records.pipelines.values() if one.project_id == call.project.id]
    fitting = [one for one in reversed(found) if all(getattr(one, name) == value for name, value in wanted.items())]
    return page_of(call, fitting, lambda one: pipeline_view(call.world, one))


def _pipeline(call: Call, sha: str, ref: str) -> Pipeline:
    """The newest of the commit, whoever started it, or else a new one of the external CI."""
    wanted = (call.project.id, sha, ref)
    known = [one for one in call.world.records.pipelines.values() if (one.project_id, one.sha, one.ref) == wanted]
    return known[-1] if known else add_pipeline(call.world, call.project, ref, sha, source="external")


def _statuses(call: Call, pipeline: Pipeline) -> list[CommitStatus]:
    return [one for one in call.world.records.statuses.values() if one.pipeline_id == pipeline.id]


def _branch_of(call: Call, sha: str) -> str:
    tips = [name for name, tip in call.repository.branches().items() if tip == sha]
    return tips[0] if tips else call.project.default_branch


def _view(call: Call, status: CommitStatus) -> View:
    same = ("id", "sha", "ref", "status", "name", "target_url", "description", "created_at", "pipeline_id")
    return {**{name: getattr(status, name) for name in same}, "author": user_view(call.world, status.author)}
