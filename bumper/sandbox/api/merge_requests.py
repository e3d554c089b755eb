"""/projects/:id/merge_requests: list, create, read, update, and what each consists of."""

from datetime import datetime
from typing import Any

from bumper.sandbox.api.call import Answer, Call, page_of
from bumper.sandbox.api.git_views import commit_view, diff_view
from bumper.sandbox.api.parameters import Parameters
from bumper.sandbox.api.views import View, merge_request_view, single_merge_request_view
from bumper.sandbox.behaviour import merge_requests
from bumper.sandbox.behaviour.errors import bad_request, not_found
from bumper.sandbox.behaviour.merge_requests import Branches
from bumper.sandbox.behaviour.mergeability import checked
from bumper.sandbox.behaviour.pipelines import process_auto_merges
from bumper.sandbox.git.history import FileDiff, read_commits, read_diff
from bumper.sandbox.state.records import MergeRequest, Project, Role
from bumper.sandbox.state.world import World

_STATES = ("opened", "closed", "merged", "locked", "all")


def list_all(call: Call) -> Answer:
    """GET: the merge requests that fit the filters, newest first unless asked otherwise."""
    parameters, project = call.parameters, call.project
    state = parameters.choice("state", _STATES, "all")
    order = parameters.choice("order_by", ("created_at", "updated_at", "title", "merged_at"), "created_at")
    descending = parameters.choice("sort", ("asc", "desc"), "desc") == "desc"
    found = [
        one
        for one in call.world.merge_requests(project)
        if state in {"all", one.state} and _fits(one, parameters) and _says(one, parameters)
    ]
    found.sort(key=lambda one: (getattr(one, order) or "", one.id), reverse=descending)
    return page_of(call, found, lambda one: _listed(call, one))


def _listed(call: Call, one: MergeRequest) -> View:
    """As GitLab kept it for this user, unless labels are asked for in full: then it is made anew.

    What is kept counts until the merge request itself changes, which a comment does not always do.
    """
    view = merge_request_view(call.world, call.project, one)
    if call.parameters.flag("with_labels_details"):
        return view | {"labels": [{"id": number, "name": name} for number, name in enumerate(one.labels, 1)]}
    return call.world.kept_for_lists.setdefault((one, call.user.username), view)


def create(call: Call) -> Answer:
    """POST: a new merge request; from a fork with ``target_project_id``."""
    call.require_role(Role.DEVELOPER)
    parameters, project = call.parameters, call.project
    parameters.require("source_branch", "target_branch", "title")
    fields = _fields(call.world, parameters, None)
    target = _target_project(call)
    branches = Branches(project, parameters.text("source_branch"), target, parameters.text("target_branch"))
    made = merge_requests.create(call.world, call.user, branches, fields)
    process_auto_merges(call.world, target, made.sha)
    made = call.world.records.merge_requests[made.id]
    return Answer(single_merge_request_view(call.world, target, made, call.identity), 201)


def show(call: Call) -> Answer:
    """GET: one merge request; looking at it sets its mergeability check going."""
    shown = checked(call.world, call.project, call.merge_request)
    view = single_merge_request_view(call.world, call.project, shown, call.identity)
    if call.parameters.flag("include_rebase_in_progress"):
        view["rebase_in_progress"] = shown.rebase_in_progress
    return Answer(view)


def update(call: Call) -> Answer:
    """PUT: change it, close it or open it again."""
    call.require_role(Role.DEVELOPER)
    world, project, changed = call.world, call.project, call.merge_request
    event = call.parameters.text("state_event")
    if event not in {"", "close", "reopen"}:
        raise bad_request("400 Bad request - state_event does not have a valid value")
    fields = _fields(world, call.parameters, changed)
    if fields:
        changed = merge_requests.update(world, project, call.user, changed, fields)
    if event == "close":
        changed = merge_requests.close(world, call.user, changed)
    if event == "reopen":
        changed = merge_requests.reopen(world, project, call.user, changed)
    process_auto_merges(world, project, changed.sha)
    return Answer(single_merge_request_view(world, project, world.records.merge_requests[changed.id], call.identity))


def _target_project(call: Call) -> Project:
    """The project itself, or the one that it is a fork of."""
    number = call.parameters.number("target_project_id", call.project.id)
    target = call.world.records.projects.get(number)
    if target is None or number not in {call.project.id, call.project.forked_from}:
        raise not_found("Project")
    return target


def _fits(one: MergeRequest, parameters: Parameters) -> bool:
    """Whether it has the branches, numbers, people and labels that are asked for."""
    exact = {"source_branch": one.source_branch, "target_branch": one.target_branch, "author_username": one.author}
    if any(name in parameters and parameters.text(name) != value for name, value in exact.items()):
        return False
    if "iids" in parameters and one.iid not in parameters.numbers("iids"):
        return False
    after = parameters.text("updated_after")
    if after and datetime.fromisoformat(one.updated_at) <= datetime.fromisoformat(after):
        return False
    return set(parameters.names("labels")) <= set(one.labels)


def _says(one: MergeRequest, parameters: Parameters) -> bool:
    """Whether its title or description holds the text that is searched for."""
    texts = {"title": one.title, "description": one.description}
    places = parameters.names("in") or ("title", "description")
    wanted = parameters.text("search").lower()
    return any(wanted in texts.get(place, "").lower() for place in places)


def _fields(world: World, parameters: Parameters, current: MergeRequest | None) -> dict[str, Any]:
    """The record's fields that a create or an update sets."""
    fields: dict[str, Any] = {}
    for name in ("title", "description", "target_branch"):
        if name in parameters and not (name == "target_branch" and current is None):
            fields[name] = parameters.text(name)
    if "squash" in parameters:
        fields["squash"] = parameters.flag("squash")
    if "remove_source_branch" in parameters:
        fields["force_remove_source_branch"] = parameters.flag("remove_source_branch")
    for parameter, name in (("assignee_ids", "assignees"), ("reviewer_ids", "reviewers")):
        if parameter in parameters:
            fields[name] = _usernames(world, parameters.numbers(parameter))
    if {"labels", "add_labels", "remove_labels"} & {
        name for name, value in parameters.values.items() if value is not None
    }:
        fields["labels"] = _labels(parameters, current.labels if current else ())
    return fields


def _labels(parameters: Parameters, current: tuple[str, ...]) -> tuple[str, ...]:
    kept = parameters.names("labels") if "labels" in parameters else current
    removed = parameters.names("remove_labels")
    wanted = dict.fromkeys((*kept, *parameters.names("add_labels")))
    return tuple(sorted(label for label in wanted if label not in removed))


def _usernames(world: World, numbers: tuple[int, ...]) -> tuple[str, ...]:
    """The users with these numbers; unknown ones are passed over, as GitLab does."""
    by_number = {user.id: name for name, user in world.records.users.items()}
    return tuple(by_number[number] for number in numbers if number in by_number)


def commits(call: Call) -> Answer:
    """GET commits: newest first."""
    shown = call.merge_request
    found = read_commits(call.repository, f"{shown.base_sha}..{shown.sha}")
    return page_of(call, found, lambda one: commit_view(call.world, call.project, one))


def diffs(call: Call) -> Answer:
    """GET diffs: one entry for each changed file."""
    return page_of(call, _diffs(call), diff_view)


def changes(call: Call) -> Answer:
    """GET changes: the merge request with its diffs, the older way."""
    view = single_merge_request_view(call.world, call.project, call.merge_request, call.identity)
    return Answer({**view, "changes": [diff_view(one) for one in _diffs(call)], "overflow": False})


def _diffs(call: Call) -> list[FileDiff]:
    shown = call.merge_request
    return read_diff(call.repository, shown.base_sha, shown.sha)
