"""Merge requests of the GitOps project, changed: opened, updated, merged, commented, closed."""

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from bumper.errors import Refused, Unavailable
from bumper.gitlab.connection import (
    PER_PAGE,
    AlreadyThere,
    GitLab,
    NotMergeable,
    NotShown,
    current_user_id,
    translated,
)
from bumper.gitlab.merge_requests import MergeRequest, read_merge_request

# States in which GitLab works on an entry of a merge train; a merged or dropped one is no longer queued.
_QUEUED = frozenset({"idle", "stale", "fresh", "merging"})


@dataclass(frozen=True, slots=True)
class People:
    """Whom a merge request is shown to, by user name."""

    reviewers: tuple[str, ...] = ()
    assignees: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Text:
    """What is written on a merge request: its title (255 characters at most), description (Markdown) and labels."""

    title: str
    description: str
    labels: tuple[str, ...] = ()


def find_user_ids(gitlab: GitLab, names: Iterable[str]) -> dict[str, int]:
    """The ids of those whom GitLab knows, by their names, each looked up once."""
    with translated(gitlab, "looking up reviewers"):
        listed = {name: gitlab.api.users.list(username=name, get_all=False) for name in dict.fromkeys(names)}
        return {name: int(user.get_id() or 0) for name, users in listed.items() for user in users[:1]}


def create(
    gitlab: GitLab, source: str, target: str, text: Text, reviewers: Sequence[int], assignees: Sequence[int],
    *, squash: bool,
) -> MergeRequest:  # fmt: skip
    """Open a merge request for the branch ``source``, which has been pushed; ``AlreadyThere`` where one is open."""
    optional = {"labels": ",".join(text.labels), "reviewer_ids": reviewers, "assignee_ids": assignees}
    data = {
        "source_branch": source, "target_branch": target, "title": text.title, "description": text.description,
        "remove_source_branch": True, "squash": squash,
        **{key: value for key, value in optional.items() if value},
    }  # fmt: skip
    with translated(gitlab, f"opening a merge request for {source}"):
        return read_merge_request(gitlab.project.mergerequests.create(data).attributes)


def update(gitlab: GitLab, iid: int, text: Text) -> MergeRequest:
    """Give an open merge request another title and description; labels are added to those it has."""
    data = {"title": text.title, "description": text.description}
    if text.labels:
        data["add_labels"] = ",".join(text.labels)
    with translated(gitlab, f"updating merge request !{iid}"):
        return read_merge_request(dict(gitlab.project.mergerequests.update(iid, data)))


def merge(gitlab: GitLab, iid: int, sha: str, message: str, *, squash: bool, when_ready: bool) -> None:
    """Merge now, or ``when_ready`` have GitLab merge as soon as all checks pass, if the branch's head is ``sha``.

    ``message`` is given to the merge commit and to the squash commit. Auto-merge has two names: auto_merge since GitLab
    17.11, merge_when_pipeline_succeeds before; each version ignores the other's. python-gitlab's own merge() knows only
    the old one. Raises ``NotMergeable``: not now, or not at all; ``AlreadyThere``: the head is another (409).
    """
    data = {"sha": sha, "should_remove_source_branch": True, "squash": squash}
    data |= {"merge_commit_message": message, "squash_commit_message": message}
    if when_ready:
        data |= {"auto_merge": True, "merge_when_pipeline_succeeds": True}
    with translated(gitlab, f"setting auto-merge on !{iid}" if when_ready else f"merging !{iid}"):
        gitlab.api.http_put(f"{gitlab.path}/merge_requests/{iid}/merge", post_data=data)


def join_train(gitlab: GitLab, iid: int, sha: str, *, squash: bool) -> None:
    """Queue it on the merge train, at once or as soon as its checks have passed, if the branch's head is ``sha``.

    For projects with merge trains (GitLab Premium), which the plain merge call would bypass. Raises as ``merge`` does.
    """
    data = {"auto_merge": True, "when_pipeline_succeeds": True, "sha": sha, "squash": squash}
    try:
        with translated(gitlab, f"putting !{iid} on the merge train"):
            gitlab.api.http_post(_train(gitlab, iid), post_data=data)
    except (AlreadyThere, NotMergeable):
        raise
    except Refused as error:  # 400: the train takes it not yet
        raise NotMergeable(str(error)) from error


def is_on_train(gitlab: GitLab, iid: int) -> bool:
    """Whether the merge request is on a train, where GitLab alone decides about its commits."""
    try:
        with translated(gitlab, f"looking for !{iid} on the merge train"):
            entry: Any = gitlab.api.http_get(_train(gitlab, iid))
            return entry.get("status") in _QUEUED
    except NotShown:  # never on a train, or a project without
        return False


def _train(gitlab: GitLab, iid: int) -> str:
    return f"{gitlab.path}/merge_trains/merge_requests/{iid}"


def cancel_auto_merge(gitlab: GitLab, iid: int) -> None:
    """Take auto-merge back, before the branch gets content that nobody has seen."""
    with contextlib.suppress(NotMergeable), translated(gitlab, f"cancelling auto-merge of !{iid}"):  # it may be gone
        gitlab.merge_request(iid).cancel_merge_when_pipeline_succeeds()


def reset_approvals(gitlab: GitLab, iid: int) -> bool:
    """Take the approvals back; False where GitLab does not let this token (it lets project and group tokens only)."""
    try:
        with translated(gitlab, f"resetting the approvals of !{iid}"):
            gitlab.merge_request(iid).reset_approvals()
    except (Refused, Unavailable):
        return False
    return True


def rebase(gitlab: GitLab, iid: int) -> None:
    """Have GitLab put the branch on the target's newest commit, unless it is doing so already (409)."""
    with contextlib.suppress(AlreadyThere), translated(gitlab, f"rebasing !{iid}"):
        gitlab.merge_request(iid).rebase()


def close(gitlab: GitLab, iid: int, description: str | None) -> None:
    """Close a merge request, and give it another description where there is one."""
    data = {"state_event": "close"} | ({"description": description} if description is not None else {})
    with translated(gitlab, f"closing merge request !{iid}"):
        gitlab.project.mergerequests.update(iid, data)


def comment(gitlab: GitLab, iid: int, text: str) -> None:
    """Comment on a merge request."""
    with translated(gitlab, f"commenting on merge request !{iid}"):
        gitlab.merge_request(iid).notes.create({"body": text})


def keep_note(gitlab: GitLab, iid: int, marker: str, text: str, *, create: bool) -> None:
    """Have the token's user's one comment that begins with ``marker`` say ``text``; one that says it already stays.

    Without ``create`` none is made where there is none.
    """
    body, user = f"{marker}\n{text}", current_user_id(gitlab)
    with translated(gitlab, f"keeping the note on merge request !{iid}"):
        notes = gitlab.merge_request(iid).notes
        found = notes.list(iterator=True, per_page=PER_PAGE)
        own = next((one for one in found if one.author["id"] == user and str(one.body).startswith(marker)), None)
        if own is None and create:
            notes.create({"body": body})
        elif own is not None and str(own.body).strip() != body.strip():
            notes.update(own.get_id(), {"body": body})
