"""``git push -o merge_request.create …``: merge requests made by a push, and the lines that GitLab sends back."""

from collections.abc import Iterable, Sequence
from typing import Any

from bumper.sandbox.api.auth import Identity
from bumper.sandbox.api.errors import GitLabError, bad_request
from bumper.sandbox.behaviour import merge_requests
from bumper.sandbox.behaviour.branch_updates import RefUpdate
from bumper.sandbox.behaviour.merging import fire_auto_merges
from bumper.sandbox.git.merge import message_of
from bumper.sandbox.git.repository import NO_COMMIT
from bumper.sandbox.state.records import MergeRequest, Project
from bumper.sandbox.state.world import World

_PREFIX = "merge_request."
_RULER = "=" * 72


def lines_after_push(
    world: World, project: Project, identity: Identity, updates: Iterable[RefUpdate], options: Sequence[str]
) -> list[str]:
    """Act on the push options for each branch that moved; the lines for the pusher, errors among them."""
    lines: list[str] = []
    for update in updates:
        if not update.branch or update.new == NO_COMMIT or update.branch == project.default_branch:
            continue
        try:
            _act(world, project, identity, update, options)
        except GitLabError as error:
            lines += _warning(options, error)
        lines += _link(world, project, update.branch)
    return lines


def _act(world: World, project: Project, identity: Identity, update: RefUpdate, options: Sequence[str]) -> None:
    asked = [option.removeprefix(_PREFIX).partition("=")[::2] for option in options if option.startswith(_PREFIX)]
    if not asked:
        return
    single = dict(asked)
    target = single.get("target") or project.default_branch
    open_one = _open_from(world, project, update.branch, target if "target" in single else None)
    if open_one is None and "create" not in single:
        needed = "A merge_request.create push option is required to create a merge request for branch"
        raise bad_request(f"{needed} {update.branch}")
    fields = _fields(world, open_one, asked)
    if open_one is None:
        message = message_of(world.repository(project), update.new)
        subject, _, body = message.partition("\n")
        fields = {"title": subject, "description": body.strip(), **fields}
        _mark_draft(fields, single)
        open_one = merge_requests.create(
            world, project, identity.user, source=update.branch, target=target, fields=fields
        )
    elif fields:
        open_one = merge_requests.update(world, project, identity.user, open_one, fields)
    names = {"merge_when_pipeline_succeeds"} | ({"auto_merge"} if world.knows("17.11") else set())
    if names & set(single) and identity.may_merge(project, open_one.target_branch):
        world.update(open_one, auto_merge_by=identity.user.username)
        fire_auto_merges(world, project)


def _fields(world: World, current: MergeRequest | None, asked: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """The merge request's fields that the options set; a backslash and an n in a description are a new line."""
    fields: dict[str, Any] = {}
    labels = list(current.labels) if current else []
    assignees = list(current.assignees) if current else []
    for name, value in asked:
        if name in {"title", "description"}:
            fields[name] = value.replace("\\n", "\n") if name == "description" else value
        elif name == "label":
            labels += [value]
        elif name == "unlabel":
            labels = [label for label in labels if label != value]
        elif name == "assign":
            assignees += [value.removeprefix("@")] if value.removeprefix("@") in world.records.users else []
        elif name == "remove_source_branch":
            fields["force_remove_source_branch"] = True
    return {**fields, "labels": tuple(dict.fromkeys(labels)), "assignees": tuple(dict.fromkeys(assignees))}


def _mark_draft(fields: dict[str, Any], single: dict[str, str]) -> None:
    if "draft" in single and not fields["title"].lower().startswith("draft:"):
        fields["title"] = f"Draft: {fields['title']}"


def _open_from(world: World, project: Project, branch: str, target: str | None) -> MergeRequest | None:
    found = (one for one in world.merge_requests(project) if (one.state, one.source_branch) == ("opened", branch))
    return next((one for one in found if target in {None, one.target_branch}), None)


def _link(world: World, project: Project, branch: str) -> list[str]:
    found = _open_from(world, project, branch, None)
    page = f"{world.url}/{project.path}/-/merge_requests"
    if found:
        return ["", f"View merge request for {branch}:", f"  {page}/{found.iid}", ""]
    address = f"{page}/new?merge_request%5Bsource_branch%5D={branch.replace('/', '%2F')}"
    return ["", f"To create a merge request for {branch}, visit:", f"  {address}", ""]


def _warning(options: Sequence[str], error: GitLabError) -> list[str]:
    told = error.body.get("message") or error.body.get("error")
    reason = ", ".join(map(str, told)) if isinstance(told, list) else str(told)
    names = "', '".join(option for option in options if option.startswith(_PREFIX))
    return [_RULER, "", "WARNINGS:", "", f"Error encountered with push options '{names}': {reason}", "", _RULER]
