"""Merge requests of the GitOps project, read: what GitLab says of them."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bumper.clock import Clock, polls
from bumper.errors import Refused, Unavailable
from bumper.gitlab.connection import PER_PAGE, AlreadyThere, GitLab, NotMergeable, NotShown, current_user_id, translated

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
class Recent:
    """The merge requests that changed last, in every state; ``complete`` where there are no others."""

    merge_requests: tuple[MergeRequest, ...]
    complete: bool


def find_of_branch(gitlab: GitLab, source_branch: str, target_branch: str) -> list[MergeRequest]:
    """The merge requests of a branch in every state, the newest first."""
    return _list(gitlab, state="all", source_branch=source_branch, target_branch=target_branch)


def find_open(gitlab: GitLab, target_branch: str) -> list[MergeRequest]:
    """All open merge requests for the target branch, the newest first."""
    return _list(gitlab, state="opened", target_branch=target_branch)


def find_recent(gitlab: GitLab, target_branch: str) -> Recent:
    """The hundred merge requests for the target branch that changed last."""
    found, complete = _page(gitlab, 1, {"state": "all", "target_branch": target_branch, "order_by": "updated_at"})
    return Recent(tuple(found), complete)


def newest_merged(gitlab: GitLab, target_branch: str) -> Iterator[MergeRequest]:
    """The merge requests that were merged last, as far as the caller goes on reading, within bounds."""
    for page in range(1, _MAX_PAGES + 1):
        query = {"state": "merged", "target_branch": target_branch, "order_by": "updated_at"}
        found, complete = _page(gitlab, page, query)
        yield from found
        if complete:
            return


def merged_since(gitlab: GitLab, target_branch: str, since: datetime) -> list[MergeRequest]:
    """The merge requests for the target branch that changed after ``since`` and are merged."""
    return _list(gitlab, state="merged", target_branch=target_branch, updated_after=since.isoformat())


def _list(gitlab: GitLab, **filters: str) -> list[MergeRequest]:
    query: dict[str, str | int] = {"per_page": PER_PAGE, "order_by": "created_at", "sort": "desc", **filters}
    with translated(gitlab, "listing merge requests"):
        found = gitlab.project.mergerequests.list(get_all=True, iterator=False, query_parameters=query)
        return list(_own(one.attributes for one in found))


def _page(gitlab: GitLab, page: int, filters: dict[str, str]) -> tuple[list[MergeRequest], bool]:
    """One page, and whether it is the last."""
    query: dict[str, str | int] = {"per_page": PER_PAGE, "page": page, "sort": "desc", **filters}
    with translated(gitlab, "listing merge requests"):
        found = gitlab.project.mergerequests.list(get_all=False, iterator=False, query_parameters=query)
        return list(_own(one.attributes for one in found)), len(found) < PER_PAGE


def _own(found: Iterator[dict[str, Any]]) -> Iterator[MergeRequest]:
    """Those whose branch is in the project itself: a project's list has the merge requests of its forks, too."""
    return (read_merge_request(data) for data in found if data["source_project_id"] == data["target_project_id"])


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


def read_at_head(gitlab: GitLab, iid: int, head: str, clock: Clock, seconds: float) -> MergeRequest | None:
    """One merge request once it shows ``head``; None where it does not within ``seconds``.

    After a push a background job of GitLab's brings the new head to the merge request, some seconds later.
    """
    for _ in polls(clock, seconds):
        found = read(gitlab, iid)
        if found.sha == head or found.state != "opened":
            return found
    return None


def notes_of(gitlab: GitLab, iid: int) -> list[tuple[User, str]]:
    """Author and text of the comments on a merge request, the newest first; GitLab's own (system) notes left out."""
    with translated(gitlab, f"reading the comments of !{iid}"):
        lazy = gitlab.project.mergerequests.get(iid, lazy=True)
        found = lazy.notes.list(get_all=False, query_parameters={"per_page": PER_PAGE, "sort": "desc"})
        return [
            (read_user(note.attributes.get("author")), str(note.attributes.get("body") or ""))
            for note in found
            if not note.attributes.get("system")
        ]


def is_approved(gitlab: GitLab, iid: int) -> bool:
    """Whether somebody has approved the merge request."""
    with translated(gitlab, f"reading the approvals of !{iid}"):
        approvals = gitlab.project.mergerequests.get(iid, lazy=True).approvals.get()
    return bool(approvals.attributes.get("approved_by"))


def read_merge_request(data: dict[str, Any]) -> MergeRequest:
    """A merge request from GitLab's JSON of it.

    Raises:
        Unavailable: the JSON is no merge request's.

    """
    try:
        return _read(data)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Unavailable(
            f"GitLab described a merge request whose {error} is missing or has the wrong type", "check --gitlab-url"
        ) from error


def _read(data: dict[str, Any]) -> MergeRequest:
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
        sha=str(data["sha"]) if data.get("sha") else None,
        merge_status=status,
        has_conflict=bool(data.get("has_conflicts")) or status == "conflict",
        auto_merge=bool(data.get("merge_when_pipeline_succeeds")),
        is_draft=bool(data.get("draft")),
        author=read_user(data.get("author")),
        comments=int(data.get("user_notes_count") or 0),
        labels=tuple(str(label) for label in data.get("labels") or ()),
        reviewers=tuple(read_user(user).username for user in data.get("reviewers") or ()),
        assignees=tuple(read_user(user).username for user in data.get("assignees") or ()),
        merge_commit=str(data["merge_commit_sha"]) if data.get("merge_commit_sha") else None,
        squash_commit=str(data["squash_commit_sha"]) if data.get("squash_commit_sha") else None,
        pipeline=str((data["head_pipeline"] or {}).get("status") or "") if "head_pipeline" in data else None,
        can_merge=bool(data["user"]["can_merge"]) if "can_merge" in (data.get("user") or {}) else None,
        merge_error=str(data["merge_error"]) if data.get("merge_error") else None,
        merged_at=datetime.fromisoformat(data["merged_at"]) if data.get("merged_at") else None,
    )


def read_user(data: dict[str, Any] | None) -> User:
    """A user from GitLab's JSON, which shows none where the user is gone."""
    known = data or {}
    return User(int(known.get("id") or 0), str(known.get("username") or ""), bool(known.get("bot")))


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


# A car's states in which GitLab works on it; a merged or dropped one is no longer queued.
_QUEUED = frozenset({"idle", "stale", "fresh", "merging"})


def join_train(gitlab: GitLab, iid: int, sha: str, *, squash: bool) -> None:
    """Queue the merge request, now or as soon as its checks have passed, if the branch is still at ``sha``.

    The plain merge call would bypass the train. Auto-merge has two names, as in ``merge``.

    Raises:
        NotMergeable: not now, or not at all.
        AlreadyThere: the branch has moved on.

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
            car: Any = gitlab.api.http_get(_train(gitlab, iid))
            return car.get("status") in _QUEUED
    except NotShown:  # never on a train, or a project without
        return False


def _train(gitlab: GitLab, iid: int) -> str:
    return f"{gitlab.path}/merge_trains/merge_requests/{iid}"
