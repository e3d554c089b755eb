"""Merge requests from creation to closing, with the people whom GitLab keeps on them; merging is in merging.py."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bumper.sandbox.behaviour.branch_updates import abort_auto_merge, diff_ids, publish_head
from bumper.sandbox.behaviour.errors import GitLabError, bad_request, conflict
from bumper.sandbox.behaviour.quick_actions import Actions, mentioned, read_text
from bumper.sandbox.state.identity import Identity
from bumper.sandbox.state.records import MergeRequest, Project, Role, User
from bumper.sandbox.state.world import World, now

_MAX_TITLE = 255
_MAX_DESCRIPTION = 1_048_576
GHOST = "ghost"


@dataclass(frozen=True, slots=True)
class Branches:
    """Where a merge request comes from and goes to: two branches of one project, or of a fork and its parent."""

    source_project: Project
    source: str
    project: Project
    target: str


def create(world: World, author: User, branches: Branches, fields: Mapping[str, Any]) -> MergeRequest:
    """Open a merge request. Raises GitLabError where GitLab refuses: branches, title, a second one for the branches."""
    project, from_fork = branches.project, branches.source_project.id != branches.project.id
    if branches.source == branches.target and not from_fork:
        raise GitLabError(422, {"error": ["You can't use same project/branch for source and target"]})
    head = _tip(world, branches.source_project, "Source", branches.source)
    target = _tip(world, project, "Target", branches.target)
    _require_only_one(world, branches)
    _check_texts(fields)
    iid = 1 + max((found.iid for found in world.merge_requests(project)), default=0)
    publish_head(world, project, branches.source_project, iid, head)
    actions = read_text(world, str(fields.get("description", "")))
    usual = {
        "squash": project.squash_option in {"always", "default_on"},
        "force_remove_source_branch": project.remove_source_branch_after_merge,
    }
    values: dict[str, Any] = {**usual, **_with_people_kept(world, fields), **diff_ids(world, project, head, target)}
    at = now()
    values |= {"description": actions.body, "created_at": at, "updated_at": at}
    values |= {"source_branch": branches.source, "target_branch": branches.target, "author": author.username}
    made = MergeRequest(world.next_id(), iid, project.id, branches.source_project.id, **values)
    world.records.merge_requests[made.id] = made
    world.jobs.add(world.settings.mergeability_delay, lambda: _prepared(world, made.id))
    world.records.mentions.extend(mentioned(world, made.title))
    return carry_out(world, project, author, world.records.merge_requests[made.id], actions)


def update(
    world: World, project: Project, user: User, merge_request: MergeRequest, fields: dict[str, Any]
) -> MergeRequest:
    """Change title, description, labels, people, branches. Raises GitLabError as ``create`` does."""
    _check_texts({"title": merge_request.title, **fields})
    target = fields.get("target_branch", merge_request.target_branch)
    if target != merge_request.target_branch:
        source = world.source_project(merge_request)
        _require_only_one(world, Branches(source, merge_request.source_branch, project, target))
        tip = world.repository(project).branch_tip(target)
        if tip is None:
            raise bad_request({"target_branch": ["does not exist"]})
        fields |= {**diff_ids(world, project, merge_request.sha, tip), "merge_status": "unchecked"}
    actions = read_text(world, str(fields.get("description", merge_request.description)))
    if "description" in fields:
        fields["description"] = actions.body
    changed = world.update(merge_request, **_with_people_kept(world, fields))
    if target != merge_request.target_branch:
        abort_auto_merge(world, user, changed, "target branch was changed")
        changed = world.records.merge_requests[changed.id]
    known = mentioned(world, merge_request.title, merge_request.description)
    named = (*mentioned(world, changed.title), *actions.mentions)
    news = replace(actions, mentions=tuple(name for name in named if name not in known))
    return carry_out(world, project, user, changed, news)


def close(world: World, user: User, merge_request: MergeRequest) -> MergeRequest:
    """Close it, when it is open."""
    if merge_request.state != "opened":
        return merge_request
    world.add_note(merge_request, user.username, "closed", system=True)
    return world.update(
        merge_request, state="closed", closed_by=user.username, closed_at=now(), auto_merge_by=None, in_train=False
    )


def reopen(world: World, project: Project, user: User, merge_request: MergeRequest) -> MergeRequest:
    """Open it again, when it is closed. Raises GitLabError 409 when another is open for the same branches."""
    if merge_request.state != "closed":
        return merge_request
    source_project = world.source_project(merge_request)
    _require_only_one(
        world, Branches(source_project, merge_request.source_branch, project, merge_request.target_branch)
    )
    source = world.repository(source_project).branch_tip(merge_request.source_branch)
    target = world.repository(project).branch_tip(merge_request.target_branch)
    if source is None or target is None:
        raise bad_request({"base": ["Source or target branch does not exist"]})
    world.add_note(merge_request, user.username, "reopened", system=True)
    publish_head(world, project, source_project, merge_request.iid, source)
    ids = diff_ids(world, project, source, target)
    return world.update(merge_request, **ids, state="opened", closed_by=None, closed_at=None, merge_status="unchecked")


def carry_out(
    world: World, project: Project, user: User, merge_request: MergeRequest, actions: Actions
) -> MergeRequest:
    """Do what the quick actions of a text say, as far as the user may, and remember whom it mentions."""
    world.records.mentions.extend(actions.mentions)
    changes: dict[str, Any] = {}
    if actions.labels:
        changes["labels"] = tuple(dict.fromkeys((*merge_request.labels, *actions.labels)))
    if actions.assignees:
        changes["assignees"] = tuple(dict.fromkeys((*merge_request.assignees, *actions.assignees)))
    if "approve" in actions.commands and user.username != merge_request.author:
        changes["approved_by"] = tuple(dict.fromkeys((*merge_request.approved_by, user.username)))
    may_merge = Identity(user, user.role).may_merge(project, merge_request.target_branch)
    if "merge" in actions.commands and may_merge and merge_request.state == "opened":
        changes |= {"auto_merge_by": user.username, "auto_merge_sha": merge_request.sha}
    changed = world.update(merge_request, **changes) if changes else merge_request
    return close(world, user, changed) if "close" in actions.commands else changed


def _tip(world: World, project: Project, side: str, branch: str) -> str:
    tip = world.repository(project).branch_tip(branch)
    if tip is None:
        raise GitLabError(422, {"error": [f'{side} branch "{branch}" does not exist']})
    return tip


def _check_texts(fields: Mapping[str, Any]) -> None:
    title, description = str(fields["title"]), str(fields.get("description", ""))
    if not title.strip():
        raise bad_request({"title": ["can't be blank"]})
    if len(title) > _MAX_TITLE:
        raise bad_request({"title": [f"is too long (maximum is {_MAX_TITLE} characters)"]})
    if len(description) > _MAX_DESCRIPTION:
        raise bad_request({"description": [f"is too long (maximum is {_MAX_DESCRIPTION} characters)"]})


def _prepared(world: World, merge_request_id: int) -> None:
    merge_request = world.records.merge_requests[merge_request_id]
    if merge_request.merge_status == "preparing":
        world.update(merge_request, merge_status="unchecked", updated_at=merge_request.updated_at)


def _with_people_kept(world: World, fields: Mapping[str, Any]) -> dict[str, Any]:
    people = {name: _kept(world, fields[name]) for name in ("assignees", "reviewers") if name in fields}
    return {**fields, **people}


def _require_only_one(world: World, branches: Branches) -> None:
    wanted = ("opened", branches.source_project.id, branches.source, branches.target)
    for found in world.merge_requests(branches.project):
        if (found.state, found.source_project_id, found.source_branch, found.target_branch) == wanted:
            raise conflict([f"Another open merge request already exists for this source branch: !{found.iid}"])


def _kept(world: World, usernames: Sequence[str]) -> tuple[str, ...]:
    """The first one alone on the free tier, and nobody who cannot read the merge request, be it that first one."""
    wanted = usernames[:1] if world.settings.tier == "free" else usernames
    users = (world.records.users.get(name) for name in wanted)
    return tuple(user.username for user in users if user is not None and _may_read(user))


def _may_read(user: User) -> bool:
    return user.admin or user.role >= Role.REPORTER


def move_to_ghost(world: World, username: str) -> None:
    """What happens to the merge requests and notes of a user that is deleted."""
    for merge_request in list(world.records.merge_requests.values()):
        if merge_request.author == username:
            world.update(merge_request, author=GHOST, updated_at=merge_request.updated_at)
    for note in list(world.records.notes.values()):
        if note.author == username:
            world.records.notes[note.id] = replace(note, author=GHOST)
