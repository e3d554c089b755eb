"""Merge requests of the GitOps project, changed: opened, updated, merged, commented, closed."""

import contextlib
from dataclasses import dataclass

from bumper.errors import Refused, Unavailable
from bumper.gitlab.connection import PER_PAGE, GitLab, NotMergeable, translated
from bumper.gitlab.merge_requests import MergeRequest, read_merge_request
from bumper.gitlab.project import current_user_id


@dataclass(frozen=True, slots=True)
class People:
    """Whom a merge request is shown to, by user name."""

    reviewers: tuple[str, ...] = ()
    assignees: tuple[str, ...] = ()


NOBODY = People()


@dataclass(frozen=True, slots=True)
class FoundPeople:
    """The ids of people whom GitLab knows, and the names that it does not."""

    reviewers: tuple[int, ...] = ()
    assignees: tuple[int, ...] = ()
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MergeRequestText:
    """What stands on a merge request: its title (255 characters at most), description (Markdown) and labels."""

    title: str
    description: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MergeMessages:
    """Whether the commits are squashed, and the messages of the commits that GitLab makes by merging."""

    squash: bool
    merge: str
    squashed: str


def create(
    gitlab: GitLab, source_branch: str, target_branch: str, text: MergeRequestText, people: FoundPeople, *, squash: bool
) -> MergeRequest:
    """Open a merge request for a branch that has been pushed.

    Raises:
        AlreadyThere: one is open for the branch.

    """
    with translated(gitlab, f"opening a merge request for {source_branch}"):
        made = gitlab.project.mergerequests.create(
            {
                "source_branch": source_branch,
                "target_branch": target_branch,
                "title": text.title,
                "description": text.description,
                "remove_source_branch": True,
                "squash": squash,
                **({"labels": ",".join(text.labels)} if text.labels else {}),
                **({"reviewer_ids": list(people.reviewers)} if people.reviewers else {}),
                **({"assignee_ids": list(people.assignees)} if people.assignees else {}),
            }
        )
        return read_merge_request(made.attributes)


def update(gitlab: GitLab, iid: int, text: MergeRequestText) -> MergeRequest:
    """Give an open merge request another title and description; labels are added to those it has."""
    data: dict[str, object] = {"title": text.title, "description": text.description}
    if text.labels:
        data["add_labels"] = ",".join(text.labels)
    with translated(gitlab, f"updating merge request !{iid}"):
        return read_merge_request(dict(gitlab.project.mergerequests.update(iid, data)))


def merge(gitlab: GitLab, iid: int, sha: str, messages: MergeMessages, *, when_ready: bool) -> None:
    """Merge now, or ``when_ready`` have GitLab merge as soon as all checks pass, if the branch's head is ``sha``.

    Auto-merge has two names: auto_merge since GitLab 17.11, merge_when_pipeline_succeeds before; each version ignores
    the other's. python-gitlab's own merge() knows only the old one.

    Raises:
        NotMergeable: not now, or not at all. AlreadyThere: the head is another (409).

    """
    data: dict[str, object] = {"sha": sha, "should_remove_source_branch": True, "squash": messages.squash}
    data |= {"merge_commit_message": messages.merge, "squash_commit_message": messages.squashed}
    if when_ready:
        data |= {"auto_merge": True, "merge_when_pipeline_succeeds": True}
    with translated(gitlab, f"setting auto-merge on !{iid}" if when_ready else f"merging !{iid}"):
        gitlab.api.http_put(f"{gitlab.path}/merge_requests/{iid}/merge", post_data=data)


def cancel_auto_merge(gitlab: GitLab, iid: int) -> None:
    """Take auto-merge back, before the branch gets content that nobody has seen."""
    with contextlib.suppress(NotMergeable), translated(gitlab, f"cancelling auto-merge of !{iid}"):  # it may be gone
        gitlab.project.mergerequests.get(iid, lazy=True).cancel_merge_when_pipeline_succeeds()


def reset_approvals(gitlab: GitLab, iid: int) -> bool:
    """Take the approvals back; False where GitLab does not let this token (it lets project and group tokens only)."""
    try:
        with translated(gitlab, f"resetting the approvals of !{iid}"):
            gitlab.project.mergerequests.get(iid, lazy=True).reset_approvals()
    except (Refused, Unavailable):
        return False
    return True


def rebase(gitlab: GitLab, iid: int) -> None:
    """Have GitLab put the branch on the target's newest commit.

    Raises:
        AlreadyThere: a rebase is under way (409).

    """
    with translated(gitlab, f"rebasing !{iid}"):
        gitlab.project.mergerequests.get(iid, lazy=True).rebase()


def close(gitlab: GitLab, iid: int, description: str | None) -> None:
    """Close a merge request, and give it another description where there is one."""
    data = {"state_event": "close"} | ({"description": description} if description is not None else {})
    with translated(gitlab, f"closing merge request !{iid}"):
        gitlab.project.mergerequests.update(iid, data)


def comment(gitlab: GitLab, iid: int, text: str) -> None:
    """Comment on a merge request."""
    with translated(gitlab, f"commenting on merge request !{iid}"):
        gitlab.project.mergerequests.get(iid, lazy=True).notes.create({"body": text})


def keep_note(gitlab: GitLab, iid: int, marker: str, text: str, *, create: bool) -> None:
    """Have the token's user's one comment that begins with ``marker`` say ``text``; one that says it already stays.

    Without ``create`` none is made where there is none.
    """
    body = f"{marker}\n{text}"
    user = current_user_id(gitlab)
    with translated(gitlab, f"keeping the note on merge request !{iid}"):
        notes = gitlab.project.mergerequests.get(iid, lazy=True).notes
        found = notes.list(iterator=True, per_page=PER_PAGE)
        own = next((one for one in found if one.author["id"] == user and str(one.body).startswith(marker)), None)
        if own is None and create:
            notes.create({"body": body})
        elif own is not None and str(own.body).strip() != body.strip():
            notes.update(own.get_id(), {"body": body})


def find_people(gitlab: GitLab, people: People) -> FoundPeople:
    """The users of these names, each looked up once; nothing is asked where nobody is named."""
    names = dict.fromkeys((*people.reviewers, *people.assignees))
    with translated(gitlab, "looking up reviewers"):
        ids = {name: _user_id(gitlab, name) for name in names}
    found = {name: number for name, number in ids.items() if number is not None}
    return FoundPeople(
        tuple(found[name] for name in people.reviewers if name in found),
        tuple(found[name] for name in people.assignees if name in found),
        tuple(name for name in names if name not in found),
    )


def _user_id(gitlab: GitLab, name: str) -> int | None:
    found = gitlab.api.users.list(username=name, get_all=False)
    return next((int(user.get_id() or 0) for user in found), None)
