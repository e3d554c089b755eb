"""Merge requests from creation to closing; merging is in merging.py."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bumper.sandbox.api.auth import Identity
from bumper.sandbox.api.errors import GitLabError, bad_request, conflict
from bumper.sandbox.behaviour.branch_updates import diff_ids, publish_head
from bumper.sandbox.behaviour.quick_actions import Actions, mentioned, read_text
from bumper.sandbox.state.records import MergeRequest, Project, User
from bumper.sandbox.state.world import World, now

_MAX_TITLE = 255
_MAX_DESCRIPTION = 1_048_576


def create(
    world: World, project: Project, author: User, *, source: str, target: str, fields: Mapping[str, Any]
) -> MergeRequest:
    """Open a merge request. Raises GitLabError where GitLab refuses: branches, title, a second one for the branches."""
    if source == target:
        raise GitLabError(422, {"error": ["You can't use same project/branch for source and target"]})
    ids = diff_ids(world, project, _tip(world, project, "Source", source), _tip(world, project, "Target", target))
    _require_only_one(world, project, source, target)
    _check_texts(fields)
    actions = read_text(world, str(fields.get("description", "")))
    usual = {
        "squash": project.squash_option in {"always", "default_on"},
        "force_remove_source_branch": project.remove_source_branch_after_merge,
    }
    values = {**usual, **fields, **ids, "description": actions.body, "created_at": now(), "updated_at": now()}
    iid = 1 + max((found.iid for found in world.merge_requests(project)), default=0)
    made = MergeRequest(
        world.next_id(), iid, project.id, source_branch=source, target_branch=target, author=author.username, **values
    )
    world.records.merge_requests[made.id] = made
    publish_head(world, project, made)
    world.records.mentions.extend(mentioned(world, made.title))
    return carry_out(world, project, author, made, actions)


def update(
    world: World, project: Project, user: User, merge_request: MergeRequest, fields: dict[str, Any]
) -> MergeRequest:
    """Change title, description, labels, people, branches. Raises GitLabError as ``create`` does."""
    _check_texts({"title": merge_request.title, **fields})
    target = fields.get("target_branch", merge_request.target_branch)
    if target != merge_request.target_branch:
        _require_only_one(world, project, merge_request.source_branch, target)
        tip = world.repository(project).branch_tip(target)
        if tip is None:
            raise bad_request({"target_branch": ["does not exist"]})
        fields |= {**diff_ids(world, project, merge_request.sha, tip), "merge_status": "unchecked"}
    actions = read_text(world, str(fields.get("description", merge_request.description)))
    if "description" in fields:
        fields["description"] = actions.body
    changed = world.update(merge_request, **fields)
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
    _require_only_one(world, project, merge_request.source_branch, merge_request.target_branch)
    repository = world.repository(project)
    source = repository.branch_tip(merge_request.source_branch)
    target = repository.branch_tip(merge_request.target_branch)
    if source is None or target is None:
        raise bad_request({"base": ["Source or target branch does not exist"]})
    world.add_note(merge_request, user.username, "reopened", system=True)
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
        changes["auto_merge_by"] = user.username
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


def _require_only_one(world: World, project: Project, source: str, target: str) -> None:
    for found in world.merge_requests(project):
        if (found.state, found.source_branch, found.target_branch) == ("opened", source, target):
            raise conflict([f"Another open merge request already exists for this source branch: !{found.iid}"])
