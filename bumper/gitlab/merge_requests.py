"""Merge requests of the GitOps project, read: what GitLab says of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bumper.clock import Clock, polls
from bumper.gitlab.connection import PER_PAGE, GitLab, translated

# What GitLab answers while it still looks at a merge request; what comes of it shows a moment later.
CHECKING = frozenset({"unchecked", "checking", "preparing", "approvals_syncing", "merging"})
_CHECK_TIMEOUT = 15.0  # seconds
_MAX_PAGES = 5


@dataclass(frozen=True, slots=True)
class User:
    """A user as GitLab names one beside what they made; ``is_bot`` where GitLab says so (access tokens' users are)."""

    id: int
    username: str
    is_bot: bool


@dataclass(frozen=True, slots=True)
class MergeRequest:
    """A merge request; ``sha`` is its source branch's head as GitLab last saw it, which may be late after a push.

    While GitLab merges it (GitLab's state ``locked``) it is an open one, whose ``merge_status`` is ``merging``.

    What only the single merge request has is None in one that came from a list: ``pipeline`` (the head's, by its
    status; "" where there is none), ``can_merge`` (whether this token's user may), ``merge_error``.
    """

    iid: int
    url: str
    state: str  # opened, closed or merged
    title: str
    description: str
    source_branch: str
    target_branch: str
    sha: str | None
    merge_status: str  # GitLab's detailed_merge_status
    has_conflict: bool
    auto_merge: bool
    author: User
    comments: int
    is_draft: bool = False
    labels: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()
    assignees: tuple[str, ...] = ()
    merge_commit: str | None = None
    squash_commit: str | None = None
    pipeline: str | None = None
    can_merge: bool | None = None
    merge_error: str | None = None
    merged_at: datetime | None = None

    @property
    def merged_as(self) -> str | None:
        """The merge or squash commit of a merged one; a fast-forward has neither."""
        return self.merge_commit or self.squash_commit if self.state == "merged" else None


@dataclass(frozen=True, slots=True)
class Listing:
    """Merge requests as GitLab lists them; ``complete`` where there are no others."""

    merge_requests: tuple[MergeRequest, ...]
    complete: bool


def find_of_branch(gitlab: GitLab, source_branch: str, target_branch: str) -> tuple[MergeRequest, ...]:
    """The merge requests of a branch in every state, the newest first."""
    return _list(gitlab, state="all", source_branch=source_branch, target_branch=target_branch).merge_requests


def find_open(gitlab: GitLab, target_branch: str) -> tuple[MergeRequest, ...]:
    """All open merge requests for the target branch, the newest first."""
    return _list(gitlab, state="opened", target_branch=target_branch).merge_requests


def find_recent(gitlab: GitLab, target_branch: str) -> Listing:
    """The hundred merge requests for the target branch that changed last, in every state."""
    return _list(gitlab, page=1, state="all", target_branch=target_branch, order_by="updated_at")


def newest_merged(gitlab: GitLab, target_branch: str) -> Iterator[MergeRequest]:
    """The merge requests that were merged last, as far as the caller goes on reading, within bounds."""
    for page in range(1, _MAX_PAGES + 1):
        found = _list(gitlab, page, state="merged", target_branch=target_branch, order_by="updated_at")
        yield from found.merge_requests
        if found.complete:
            return


def merged_since(gitlab: GitLab, target_branch: str, since: datetime) -> tuple[MergeRequest, ...]:
    """The merge requests for the target branch that changed after ``since`` and are merged."""
    return _list(gitlab, state="merged", target_branch=target_branch, updated_after=since.isoformat()).merge_requests


def _list(gitlab: GitLab, page: int | None = None, **filters: str) -> Listing:
    """All pages or one; without those of forks, which a project's list has, too.

    GitLab keeps what it lists for hours, until the merge request changes, and a comment soon after a change does not
    count as one. What it lists with the labels' details it makes anew (render_merge_requests in its source).
    """
    query: dict[str, str | int] = {"per_page": PER_PAGE, "order_by": "created_at", "sort": "desc", **filters}
    query["with_labels_details"] = "true"
    if page is not None:
        query["page"] = page
    with translated(gitlab, "listing merge requests"):
        listed = gitlab.project.mergerequests.list(get_all=page is None, iterator=False, query_parameters=query)
        found = [one.attributes for one in listed]
        own = [one for one in found if one["source_project_id"] == one["target_project_id"]]
        return Listing(tuple(map(read_merge_request, own)), complete=len(found) < PER_PAGE)


def read(gitlab: GitLab, iid: int) -> MergeRequest:
    """One merge request as it is now; asking makes GitLab check whether it can be merged."""
    with translated(gitlab, f"reading merge request !{iid}"):
        return read_merge_request(gitlab.project.mergerequests.get(iid).attributes)


def read_settled(gitlab: GitLab, iid: int, clock: Clock) -> MergeRequest:
    """One merge request once GitLab has checked whether it can be merged, which it begins when it is first asked."""
    for _ in polls(clock, _CHECK_TIMEOUT, first=0.1):
        found = read(gitlab, iid)
        if found.merge_status not in CHECKING:
            break
    return found


def notes_of(gitlab: GitLab, iid: int) -> list[tuple[User, str]]:
    """Author and text of the comments on a merge request, the newest first; GitLab's own (system) notes left out."""
    with translated(gitlab, f"reading the comments of !{iid}"):
        query = {"per_page": PER_PAGE, "sort": "desc"}
        listed = gitlab.merge_request(iid).notes.list(get_all=False, query_parameters=query)
        notes = [note.attributes for note in listed if not note.attributes.get("system")]
        return [(read_user(note.get("author")), str(note.get("body") or "")) for note in notes]


def is_approved(gitlab: GitLab, iid: int) -> bool:
    """Whether somebody has approved the merge request."""
    with translated(gitlab, f"reading the approvals of !{iid}"):
        return bool(gitlab.merge_request(iid).approvals.get().attributes.get("approved_by"))


def read_merge_request(data: dict[str, Any]) -> MergeRequest:
    """A merge request from GitLab's JSON of it; what is missing or of another type is for ``translated`` to explain."""
    is_merging = data["state"] == "locked"
    status = "merging" if is_merging else str(data.get("detailed_merge_status") or "")
    return MergeRequest(
        iid=int(data["iid"]),
        url=str(data["web_url"]),
        state="opened" if is_merging else str(data["state"]),
        title=str(data["title"]),
        description=str(data.get("description") or ""),
        source_branch=str(data["source_branch"]),
        target_branch=str(data["target_branch"]),
        sha=_text(data, "sha"),
        merge_status=status,
        has_conflict=bool(data.get("has_conflicts")) or status == "conflict",
        auto_merge=bool(data.get("merge_when_pipeline_succeeds")),
        is_draft=bool(data.get("draft")),
        author=read_user(data.get("author")),
        comments=int(data.get("user_notes_count") or 0),
        labels=tuple(str(one["name"] if isinstance(one, dict) else one) for one in data.get("labels") or ()),
        reviewers=tuple(read_user(user).username for user in data.get("reviewers") or ()),
        assignees=tuple(read_user(user).username for user in data.get("assignees") or ()),
        merge_commit=_text(data, "merge_commit_sha"),
        squash_commit=_text(data, "squash_commit_sha"),
        pipeline=str((data["head_pipeline"] or {}).get("status") or "") if "head_pipeline" in data else None,
        can_merge=bool(data["user"]["can_merge"]) if "can_merge" in (data.get("user") or {}) else None,
        merge_error=_text(data, "merge_error"),
        merged_at=datetime.fromisoformat(data["merged_at"]) if data.get("merged_at") else None,
    )


def _text(data: dict[str, Any], key: str) -> str | None:
    return str(data[key]) if data.get(key) else None


def read_user(data: dict[str, Any] | None) -> User:
    """A user from GitLab's JSON, which shows none where the user is gone."""
    known = data or {}
    return User(int(known.get("id") or 0), str(known.get("username") or ""), bool(known.get("bot")))
