"""/projects/:id/merge_requests/:iid/merge: merge now or automatically, cancel that, rebase; and merge trains."""

from bumper.sandbox.api.call import Answer, Call
from bumper.sandbox.api.views import single_merge_request_view
from bumper.sandbox.behaviour.errors import conflict, forbidden, not_allowed, not_found, unauthorized, unprocessable
from bumper.sandbox.behaviour.mergeability import checked, detailed_status
from bumper.sandbox.behaviour.merging import merge
from bumper.sandbox.behaviour.pipelines import can_be_set, process_auto_merges
from bumper.sandbox.behaviour.rebasing import start_rebase
from bumper.sandbox.state.records import MergeRequest, Role


def merge_now_or_later(call: Call) -> Answer:
    """PUT merge: merges when it can be, or sets auto-merge where that is asked for and something is still awaited.

    In GitLab's order: 401 no right to merge, 405 not mergeable, 409 another head, 422 the merge fails. Where auto-merge
    is asked for and a pipeline has not succeeded, nothing is merged at once: without a pipeline that is a 405.
    """
    world, project = call.world, call.project
    if not call.identity.may_merge(project, call.merge_request.target_branch):
        raise unauthorized()
    merge_request = checked(world, project, call.merge_request)
    status = detailed_status(world, project, merge_request)
    asked = _asks_auto_merge(call)
    later = asked and can_be_set(world, merge_request, status)
    at_once = status in {"mergeable", "conflict", "need_rebase"} and (not asked or _needs_no_pipeline(call))
    if not later and not at_once:
        raise not_allowed()
    _require_head(call, merge_request)
    chosen = _chosen(call, merge_request)
    if later:
        world.update(chosen, auto_merge_by=call.user.username, auto_merge_sha=merge_request.sha)
    elif status == "mergeable":
        merge(world, project, call.user, chosen)
    else:
        raise unprocessable("Branch cannot be merged")
    return _shown(call)


def cancel_auto_merge(call: Call) -> Answer:
    """POST cancel_merge_when_pipeline_succeeds: 405 where nothing is to be cancelled."""
    merge_request = call.merge_request
    if not call.identity.may_merge(call.project, merge_request.target_branch):
        raise unauthorized()
    if merge_request.auto_merge_by is None:
        raise not_allowed()
    call.world.update(merge_request, auto_merge_by=None, in_train=False)
    call.world.add_note(merge_request, call.user.username, "canceled the automatic merge", system=True)
    return Answer(_shown(call).body, 201)


def rebase(call: Call) -> Answer:
    """PUT rebase: a job makes the commits anew on the target branch; the merge request shows how that went."""
    call.require_role(Role.DEVELOPER)
    merge_request = call.merge_request
    own = merge_request.source_project_id == call.project.id
    if not own or not call.identity.may_push(call.project, merge_request.source_branch):
        raise forbidden("Cannot push to source branch")
    if merge_request.state != "opened":
        raise not_allowed()
    start_rebase(call.world, call.user, merge_request)
    return Answer({"rebase_in_progress": True}, 202)


def join_train(call: Call) -> Answer:
    """POST merge_trains/merge_requests/:iid: merge when its turn has come and its pipeline is green."""
    world, project, merge_request = call.world, call.project, call.merge_request
    if not project.merge_trains_enabled or not call.identity.may_merge(project, merge_request.target_branch):
        raise forbidden()
    _require_head(call, merge_request)
    chosen = _chosen(call, merge_request)
    world.update(chosen, auto_merge_by=call.user.username, auto_merge_sha=merge_request.sha, in_train=True)
    process_auto_merges(world, project, merge_request.sha)
    return Answer([_car(call)], 201)


def show_train_car(call: Call) -> Answer:
    """GET merge_trains/merge_requests/:iid: 404 for one that is on no train."""
    if call.merge_request.state == "opened" and not call.merge_request.in_train:
        raise not_found()
    return Answer(_car(call))


def list_train(call: Call) -> Answer:
    """GET merge_trains: what waits on a train."""
    waiting = [one for one in call.world.merge_requests(call.project) if one.in_train]
    return Answer([{"merge_request": {"iid": one.iid, "title": one.title}, "status": "fresh"} for one in waiting])


def _asks_auto_merge(call: Call) -> bool:
    """GitLab 17.11 renamed the parameter; a server passes over the one that it does not know."""
    renamed = call.world.knows("17.11") and call.parameters.flag("auto_merge")
    return renamed or call.parameters.flag("merge_when_pipeline_succeeds")


def _needs_no_pipeline(call: Call) -> bool:
    """Whether a request for auto-merge merges at once: after a pipeline that succeeded, or by the feature flag."""
    pipeline = call.world.head_pipeline(call.merge_request)
    if pipeline is None:
        return call.world.settings.auto_merge_without_pipeline
    return pipeline.status == "success"


def _require_head(call: Call, merge_request: MergeRequest) -> None:
    if "sha" in call.parameters and call.parameters.text("sha") != merge_request.sha:
        raise conflict(f"SHA does not match HEAD of source branch: {merge_request.sha}")


def _chosen(call: Call, merge_request: MergeRequest) -> MergeRequest:
    """The merge request with what the merge was asked to do."""
    parameters = call.parameters
    return call.world.update(
        merge_request,
        squash=parameters.flag("squash", default=merge_request.squash),
        should_remove_source_branch=parameters.flag("should_remove_source_branch")
        if "should_remove_source_branch" in parameters
        else merge_request.should_remove_source_branch,
        merge_commit_message=parameters.text("merge_commit_message") or None,
        squash_commit_message=parameters.text("squash_commit_message") or None,
    )


def _shown(call: Call) -> Answer:
    return Answer(single_merge_request_view(call.world, call.project, call.merge_request, call.identity))


def _car(call: Call) -> dict[str, object]:
    merge_request = call.merge_request
    status = {"opened": "fresh", "merged": "merged"}.get(merge_request.state, "idle")
    return {
        "id": merge_request.id,
        "merge_request": {"iid": merge_request.iid, "title": merge_request.title, "state": merge_request.state},
        "target_branch": merge_request.target_branch,
        "status": status,
    }
