"""``git push -o merge_request.create …``: merge requests made by a push, and the lines that GitLab sends back."""

from collections.abc import Iterable, Sequence
from typing import Any

from bumper.sandbox.behaviour import merge_requests
from bumper.sandbox.behaviour.branch_updates import RefUpdate
from bumper.sandbox.behaviour.errors import GitLabError, bad_request
from bumper.sandbox.git.merge import message_of
from bumper.sandbox.git.repository import NO_COMMIT
from bumper.sandbox.state.identity import Identity
from bumper.sandbox.state.records import MergeRequest, Project
from bumper.sandbox.state.world import World

_PREFIX = "merge_request."
_WIDTH = 72  # of 80 columns git takes eight for "remote: "
_TEXT_WIDTH = _WIDTH - 4


def lines_after_push(
    world: World, project: Project, identity: Identity, updates: Iterable[RefUpdate], options: Sequence[str]
) -> list[str]:
    """Act on the push options for each branch that moved; the lines for the pusher, errors among them."""
    moved = [update for update in updates if update.branch and update.new != NO_COMMIT]
    own = [update for update in moved if update.branch != project.default_branch]
    errors: list[str] = []
    for update in own:
        try:
            _act(world, project, identity, update, options)
        except GitLabError as error:
            errors.append(_reason(error))
    lines = _alert(options, errors) if errors else []
    for update in own:
        lines += _link(world, project, update.branch)
    return lines


def moved_lines(world: World, project: Project, path: str) -> list[str]:
    """What a push to the old path of a moved project prints besides."""
    if path not in project.former_paths:
        return []
    url = f"{world.url}/{project.path}.git"
    intro = f"Project '{path}' was moved to '{project.path}'."
    return ["", intro, "", "Please update your Git remote:", "", f"  git remote set-url origin {url}", ""]


def _act(world: World, project: Project, identity: Identity, update: RefUpdate, options: Sequence[str]) -> None:
    asked = [option.removeprefix(_PREFIX).partition("=")[::2] for option in options if option.startswith(_PREFIX)]
    if not asked:
        return
    single = dict(asked)
    if single.get("target") and world.repository(project).branch_tip(single["target"]) is None:
        raise bad_request(f"Target branch {project.path}:{single['target']} does not exist")
    target = single.get("target") or project.default_branch
    open_one = _open_from(world, project, update.branch, target if "target" in single else None)
    if open_one is None and "create" not in single:
        needed = "A merge_request.create push option is required to create a merge request for branch"
        raise bad_request(f"{needed} {update.branch}")
    fields = _fields(world, open_one, asked)
    if "squash" in single and world.knows("17.2"):
        fields["squash"] = single["squash"] != "false"
    if open_one is None:
        message = message_of(world.repository(project), update.new)
        subject, _, body = message.partition("\n")
        fields = {"title": subject, "description": body.strip(), **fields}
        _mark_draft(fields, single)
        branches = merge_requests.Branches(project, update.branch, project, target)
        open_one = merge_requests.create(world, identity.user, branches, fields)
    elif fields:
        open_one = merge_requests.update(world, project, identity.user, open_one, fields)
    names = {"merge_when_pipeline_succeeds"} | ({"auto_merge"} if world.knows("17.11") else set())
    if names & set(single) and identity.may_merge(project, open_one.target_branch):
        # Nothing but an event of its pipeline, its approvals or its draft state makes GitLab look at it again.
        world.update(open_one, auto_merge_by=identity.user.username, auto_merge_sha=update.new)


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


def _reason(error: GitLabError) -> str:
    reasons = error.body.get("message") or error.body.get("error")
    if isinstance(reasons, dict):
        return ", ".join(f"{name.capitalize()} {text}" for name, texts in reasons.items() for text in texts)
    return ", ".join(map(str, reasons)) if isinstance(reasons, list) else str(reasons)


def _alert(options: Sequence[str], errors: Sequence[str]) -> list[str]:
    """The block that Rails composes and Gitaly prints: all words in one flow, wrapped and centred between rulers."""
    names = " ".join(f"'{option}'" for option in options)
    text = f"WARNINGS: Error encountered with push options {names}: {' '.join(errors)}"
    ruler = "=" * _WIDTH
    return ["", ruler, "", *map(_centred, _wrapped(text.split())), "", ruler, ""]


def _wrapped(words: Iterable[str]) -> list[str]:
    """Lines of whole words; a word that is too long has a line of its own."""
    lines = [""]
    for word in words:
        if len(lines[-1]) + 1 + len(word) > _TEXT_WIDTH:
            lines.append("")
        lines[-1] += f"{word} "
    return lines


def _centred(line: str) -> str:
    text = line.strip()
    return " " * max(0, (_WIDTH - len(text)) // 2) + text
