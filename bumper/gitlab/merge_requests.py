"""Merge requests on GitLab: find, open, update, comment, close."""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from bumper.errors import Refused, Unavailable
from bumper.gitlab.connection import GitLab, NotMergeable, translated
from bumper.planning.proposal import Proposal
from bumper.records.description import read_comment
from bumper.records.record import Record

_CHECKING = frozenset({"unchecked", "checking", "preparing"})
_PAUSES = (0.1, 0.2, 0.5, 1, 2, 3, 5)  # seconds between questions while GitLab checks a merge request
_PER_PAGE = 100  # GitLab's most
_MAX_PAGES = 5


@dataclass(frozen=True, slots=True)
class MergeRequest:
    """A merge request as GitLab tells of it; ``sha`` is its source branch's head."""

    iid: int
    url: str
    state: str  # opened, closed, merged or locked
    title: str
    description: str
    source_branch: str
    sha: str | None
    merge_status: str  # GitLab's detailed_merge_status
    has_conflict: bool
    auto_merge: bool
    record: Record | None = field(repr=False)
    merged_as: str | None = None  # the merge or squash commit; a fast-forward has none


@dataclass(frozen=True, slots=True)
class People:
    """Whom a merge request is shown to, by user name."""

    reviewers: tuple[str, ...] = ()
    assignees: tuple[str, ...] = ()


NOBODY = People()


def find(gitlab: GitLab, source_branch: str, target_branch: str) -> list[MergeRequest]:
    """The merge requests of a branch in every state, the newest first."""
    return _list(gitlab, state="all", source_branch=source_branch, target_branch=target_branch)


def newest_merged(gitlab: GitLab, target_branch: str) -> Iterator[MergeRequest]:
    """The merge requests that were merged last, as far as the caller goes on reading, within bounds."""
    for page in range(1, _MAX_PAGES + 1):
        found = _list(gitlab, page=page, state="merged", target_branch=target_branch, order_by="updated_at")
        yield from found
        if len(found) < _PER_PAGE:
            return


def find_open(gitlab: GitLab, target_branch: str) -> list[MergeRequest]:
    """All open merge requests for the target branch, the newest first."""
    return _list(gitlab, state="opened", target_branch=target_branch)


def _list(gitlab: GitLab, page: int | None = None, **filters: str) -> list[MergeRequest]:
    """One page, or all of them."""
    query: dict[str, str | int] = {"per_page": _PER_PAGE, "order_by": "created_at", "sort": "desc", **filters}
    with translated(gitlab, "listing merge requests"):
        found = gitlab.project.mergerequests.list(
            get_all=page is None, iterator=False, query_parameters=query | ({"page": page} if page is not None else {})
        )
        return [read_merge_request(one.attributes) for one in found]


def read(gitlab: GitLab, iid: int) -> MergeRequest:
    """One merge request as it is now; asking makes GitLab check whether it can be merged."""
    with translated(gitlab, f"reading merge request !{iid}"):
        return read_merge_request(gitlab.project.mergerequests.get(iid).attributes)


def read_settled(gitlab: GitLab, iid: int) -> MergeRequest:
    """The same once GitLab has checked whether it can be merged, which it does after the first question."""
    for pause in _PAUSES:
        found = read(gitlab, iid)
        if found.merge_status not in _CHECKING:
            break
        time.sleep(pause)
    return found


def create(gitlab: GitLab, proposal: Proposal, people: People) -> MergeRequest:
    """Open a merge request for a branch that has been pushed.

    Raises:
        AlreadyThere: one is open for the branch.

    """
    with translated(gitlab, f"opening a merge request for {proposal.branch}"):
        made = gitlab.project.mergerequests.create(
            {
                "source_branch": proposal.branch,
                "target_branch": proposal.target_branch,
                "remove_source_branch": True,
                "squash": False,
                **_content(proposal),
                **_people(gitlab, people),
            }
        )
        return read_merge_request(made.attributes)


def update(gitlab: GitLab, iid: int, proposal: Proposal) -> MergeRequest:
    """Give an open merge request the proposal's title, description and labels."""
    with translated(gitlab, f"updating merge request !{iid}"):
        return read_merge_request(dict(gitlab.project.mergerequests.update(iid, _content(proposal, add=True))))


def merge_when_ready(gitlab: GitLab, iid: int, sha: str) -> None:
    """Merge, or have GitLab merge as soon as nothing stands against it, if the branch is still at ``sha``.

    Both names of the wish are sent: auto_merge since 17.11, merge_when_pipeline_succeeds before; each version ignores
    the other's. python-gitlab's own merge() knows only the old one.

    Raises:
        NotMergeable: not now (just made, or a person's turn), or not at all.

    """
    wish = {"auto_merge": True, "merge_when_pipeline_succeeds": True, "sha": sha, "should_remove_source_branch": True}
    with translated(gitlab, f"setting auto-merge on !{iid}"):
        path = f"/projects/{gitlab.project.encoded_id}/merge_requests/{iid}/merge"
        gitlab.project.manager.gitlab.http_put(path, post_data=wish)


def cancel_auto_merge(gitlab: GitLab, iid: int) -> None:
    """Take auto-merge back, before the branch gets content that nobody has seen."""
    with (
        translated(gitlab, f"cancelling auto-merge of !{iid}"),
        contextlib.suppress(NotMergeable),
    ):  # it is gone already
        gitlab.project.mergerequests.get(iid, lazy=True).cancel_merge_when_pipeline_succeeds()


def is_approved(gitlab: GitLab, iid: int) -> bool:
    """Whether somebody has approved the merge request."""
    with translated(gitlab, f"reading the approvals of !{iid}"):
        approvals = gitlab.project.mergerequests.get(iid, lazy=True).approvals.get()
    return bool(approvals.attributes.get("approved_by"))


def reset_approvals(gitlab: GitLab, iid: int) -> bool:
    """Take the approvals back; False where GitLab does not let this token (it lets project and group tokens only)."""
    try:
        with translated(gitlab, f"resetting the approvals of !{iid}"):
            gitlab.project.mergerequests.get(iid, lazy=True).reset_approvals()
    except (Refused, Unavailable):
        return False
    return True


def rebase(gitlab: GitLab, iid: int) -> None:
    """Have GitLab put the branch on the target's newest commit."""
    with translated(gitlab, f"rebasing !{iid}"):
        gitlab.project.mergerequests.get(iid, lazy=True).rebase()


def describe(gitlab: GitLab, iid: int, description: str) -> None:
    """Give a merge request another description and nothing else."""
    with translated(gitlab, f"updating merge request !{iid}"):
        gitlab.project.mergerequests.update(iid, {"description": description})


def close(gitlab: GitLab, iid: int, description: str | None) -> None:
    """Close a merge request, and give it another description where there is one."""
    data = {"state_event": "close"} | ({"description": description} if description is not None else {})
    with translated(gitlab, f"closing merge request !{iid}"):
        gitlab.project.mergerequests.update(iid, data)


def say(gitlab: GitLab, iid: int, text: str) -> None:
    """Comment on a merge request."""
    with translated(gitlab, f"commenting on merge request !{iid}"):
        gitlab.project.mergerequests.get(iid, lazy=True).notes.create({"body": text})


def messages_between(gitlab: GitLab, target_branch: str, branch: str) -> list[tuple[str, str]]:
    """Author and message of the commits that ``branch`` has and ``target_branch`` has not."""
    with translated(gitlab, f"comparing {branch} with {target_branch}"):
        compared = gitlab.project.repository_compare(target_branch, branch)
        commits: list[dict[str, Any]] = compared["commits"] if isinstance(compared, dict) else []
        return [(f"{commit['author_name']} <{commit['author_email']}>", commit["message"]) for commit in commits]


def unknown_people(gitlab: GitLab, people: People) -> list[str]:
    """The user names that GitLab does not know; nothing is asked where nobody is named."""
    names = dict.fromkeys((*people.reviewers, *people.assignees))
    with translated(gitlab, "looking up reviewers"):
        return [name for name in names if _user_id(gitlab, name) is None]


def _people(gitlab: GitLab, people: People) -> dict[str, list[int]]:
    ids = {
        "reviewer_ids": [_user_id(gitlab, name) for name in people.reviewers],
        "assignee_ids": [_user_id(gitlab, name) for name in people.assignees],
    }
    return {key: [number for number in numbers if number is not None] for key, numbers in ids.items() if numbers}


def _user_id(gitlab: GitLab, name: str) -> int | None:
    found = gitlab.project.manager.gitlab.users.list(username=name, get_all=False)
    return next((int(user.get_id() or 0) for user in found), None)


def _content(proposal: Proposal, *, add: bool = False) -> dict[str, object]:
    labels = {"add_labels" if add else "labels": ",".join(proposal.labels)} if proposal.labels else {}
    return {"title": proposal.title, "description": proposal.description, **labels}


def read_merge_request(data: dict[str, Any]) -> MergeRequest:
    """A merge request from GitLab's JSON of it."""
    description = data.get("description") or ""
    return MergeRequest(
        iid=int(data["iid"]),
        url=str(data["web_url"]),
        state=str(data["state"]),
        title=str(data["title"]),
        description=description,
        source_branch=str(data["source_branch"]),
        sha=data.get("sha"),
        merge_status=str(data.get("detailed_merge_status") or ""),
        has_conflict=bool(data.get("has_conflicts")) or data.get("detailed_merge_status") == "conflict",
        auto_merge=bool(data.get("merge_when_pipeline_succeeds")),
        record=read_comment(description),
        merged_as=_merged_as(data),
    )


def _merged_as(data: dict[str, Any]) -> str | None:
    if data["state"] != "merged":
        return None
    return data.get("merge_commit_sha") or data.get("squash_commit_sha")
