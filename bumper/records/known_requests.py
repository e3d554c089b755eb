"""What GitLab knows of the project's merge requests: asked for once a run, and only as far as somebody needs it."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from bumper.errors import BumperError
from bumper.git.checkout import Checkout
from bumper.git.objects import Commit, read_commits
from bumper.git.past_commits import fetch_commits
from bumper.gitlab.connection import GitLab, current_user_id, translated
from bumper.gitlab.merge_requests import (
    Listing,
    MergeRequest,
    User,
    find_of_branch,
    find_open,
    find_recent,
    newest_merged,
)
from bumper.gitlab.project import ProjectSettings, merge_request_of, pushers_of, read_project
from bumper.records.record import Command, Record, Sealed, make_sealer, read_comment

_FEW = 3  # commits that GitLab is asked about one by one; for more its list of merged requests is read
# The user that GitLab makes for a project's or a group's access token (GitLab's documentation of access tokens).
_TOKEN_USER = re.compile(r"(?P<kind>project|group)_(?P<id>\d+)_bot(?:_\w+|\d*)")


@dataclass(frozen=True, slots=True)
class Ahead:
    """What every change needs of GitLab, asked while the values files are fetched: two requests less to wait for."""

    recent: Future[Listing]
    project: Future[ProjectSettings]


def ask_ahead(gitlab: GitLab, target_branch: str) -> Ahead:
    """Ask now; nobody waits for answers that turn out not to be needed."""
    pool = ThreadPoolExecutor(1)
    ahead = Ahead(pool.submit(find_recent, gitlab, target_branch), pool.submit(read_project, gitlab))
    pool.shutdown(wait=False)
    return ahead


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """A merge request, and the record that its description shows: what it is about, as far as nobody edited it."""

    merge_request: MergeRequest
    record: Record


def recorded_requests(found: Iterable[MergeRequest]) -> tuple[RecordedRequest, ...]:
    """Those whose descriptions hold a record."""
    pairs = ((one, read_comment(one.description)) for one in found)
    return tuple(RecordedRequest(one, record) for one, record in pairs if record is not None)


def _is_of_same_request(branch: str, other: str) -> bool:
    """Whether two branches of bumper's end with the same digits, which say of which request they are."""
    return branch.rpartition("-")[2] == other.rpartition("-")[2]


class KnownRequests:
    """The merge requests of the GitOps project for one target branch, and whose of them are bumper's own."""

    def __init__(
        self, gitlab: GitLab, target_branch: str, prefix: str, bots: Collection[str] = (), ahead: Ahead | None = None
    ) -> None:
        """Bumper's branches start with ``prefix``; ``bots`` are users that bumper.yaml lets speak for it."""
        self._ahead = ahead
        self.gitlab = gitlab
        self.target_branch = target_branch
        self.sealer = make_sealer(gitlab.settings, target_branch)
        self._prefix = prefix
        self._bots = frozenset(bots)
        self._authors: dict[int, bool] = {}

    @cached_property
    def project(self) -> ProjectSettings:
        """The project's settings. Raises ``Refused`` where it has moved."""
        return read_project(self.gitlab) if self._ahead is None else self._ahead.project.result()

    @cached_property
    def _recent(self) -> Listing:
        if self._ahead is None:
            return find_recent(self.gitlab, self.target_branch)
        self._ahead.project.exception()  # waits for that, too: the connection to GitLab's API is one
        return self._ahead.recent.result()

    @cached_property
    def opened(self) -> tuple[MergeRequest, ...]:
        """The open ones on bumper's branches, the newest first."""
        return self._ours(self._recent.merge_requests, "opened") if self._recent.complete else self.opened_now()

    @property
    def merged_lately(self) -> tuple[MergeRequest, ...]:
        """Those on bumper's branches that are merged, as far as they are among the hundred that changed last."""
        return self._ours(self._recent.merge_requests, "merged")

    def opened_now(self) -> tuple[MergeRequest, ...]:
        """The open ones on bumper's branches, asked for again: others may have opened some in the meantime."""
        return self._ours(find_open(self.gitlab, self.target_branch), "opened")

    def _ours(self, found: Iterable[MergeRequest], state: str) -> tuple[MergeRequest, ...]:
        ours = (one for one in found if one.state == state and one.source_branch.startswith(self._prefix))
        return tuple(sorted(ours, key=lambda one: one.iid, reverse=True))

    def is_by(self, command: Command, branch: str) -> bool:
        """Whether a branch is called as those of this command are."""
        return branch.startswith(f"{self._prefix}{command}-")

    def branch_of(self, branch: str) -> str:
        """The branch whose merge request is open for the request of ``branch``: its slug may be an older one.

        The digits at the end say which request it is; the slug names applications, which come and go.
        """
        same = [one.source_branch for one in self.opened if _is_of_same_request(one.source_branch, branch)]
        return branch if branch in same else next(iter(same), branch)

    def of_branch(self, branch: str) -> list[MergeRequest]:
        """Those of a branch's request in every state, the newest first."""
        found = {one.iid: one for one in self._recent.merge_requests if _is_of_same_request(one.source_branch, branch)}
        if not self._recent.complete:
            listed = find_of_branch(self.gitlab, branch, self.target_branch)
            found |= {one.iid: one for one in listed}
        return sorted(found.values(), key=lambda one: one.iid, reverse=True)

    def that_landed(self, commit: str) -> MergeRequest | None:
        """The merged one that brought ``commit`` to the target branch: as its head, its merge or its squash commit."""
        merged = (one for one in self._recent.merge_requests if one.state == "merged")
        found = next((one for one in merged if commit in (one.sha, one.merge_commit, one.squash_commit)), None)
        if found is not None or self._recent.complete:
            return found
        return merge_request_of(self.gitlab, commit, self.target_branch)

    def is_bumpers(self, author: User) -> bool:
        """Whether a user's words count as bumper's: this token's user, bumper.yaml's bots, the project's token users.

        A token's user is a bot named after the project or one of its groups; a person can take such a name, but not
        become a bot.
        """
        if author.username in self._bots:
            return True
        if author.id not in self._authors:
            self._authors[author.id] = self._is_token_user(author) or author.id == self._own_id
        return self._authors[author.id]

    def made_head(self, branch: str, head: Commit, author: User | None) -> bool:
        """Whether bumper's own users made the head of a branch, by its seal, else by who pushed it there.

        Where GitLab does not show who pushed, it counts in a merge request of another of bumper's users (``author``):
        what this token makes is sealed.
        """
        sealed = self.sealer.check(head.message)
        if sealed is not Sealed.UNKNOWN:
            return sealed is Sealed.OURS
        pushers = pushers_of(self.gitlab, branch, head.id)
        if pushers is None:
            return author is not None and author.id != self._own_id and self.is_bumpers(author)
        return any(map(self.is_bumpers, pushers))

    @cached_property
    def _own_id(self) -> int:
        return current_user_id(self.gitlab)

    def _is_token_user(self, author: User) -> bool:
        named = _TOKEN_USER.fullmatch(author.username)
        if named is None:
            return False
        number = int(named["id"]) if len(named["id"]) < 20 else 0  # noqa: PLR2004 - GitLab's ids are 64 bits wide
        if number not in ({self.project.id} if named["kind"] == "project" else self._group_ids):
            return False
        # Lists name an author without saying whether it is a bot; the user itself does.
        data = {"bot": True} if author.is_bot else self._get(f"/users/{author.id}")
        return isinstance(data, dict) and data.get("bot") is True

    @cached_property
    def _group_ids(self) -> set[int]:
        return {int(group["id"]) for group in self._get(f"{self.gitlab.path}/groups")}

    def _get(self, path: str) -> Any:  # noqa: ANN401 - JSON
        try:
            with translated(self.gitlab, "asking whose merge request it is"):
                return self.gitlab.api.http_get(path)
        except BumperError:  # what GitLab does not show is nobody's word
            return []


class LandedRequests:
    """The merged merge requests by the commits as which they landed, read from GitLab as far as they are asked for."""

    def __init__(self, gitlab: GitLab | None, branch: str) -> None:
        self._gitlab, self._branch = gitlab, branch
        self._unread = newest_merged(gitlab, branch) if gitlab is not None else iter(())
        self._by_commit: dict[str, MergeRequest] = {}

    def find(self, commits: Sequence[str]) -> Mapping[str, MergeRequest]:
        """The merge request of each commit that came by one, as far as GitLab's newest tell; none without its API."""
        gitlab, branch = self._gitlab, self._branch
        if gitlab is not None and len(commits) <= _FEW:
            with ThreadPoolExecutor(_FEW) as pool:
                requests = pool.map(lambda commit: merge_request_of(gitlab, commit, branch), commits)
                return {commit: one for commit, one in zip(commits, requests, strict=True) if one is not None}
        for request in self._unread:
            for commit in (request.merged_as, request.sha):  # a fast-forward lands as the branch's head
                if commit is not None:
                    self._by_commit.setdefault(commit, request)
            if all(commit in self._by_commit for commit in commits):
                break
        return {commit: self._by_commit[commit] for commit in commits if commit in self._by_commit}


def messages_of_heads(checkout: Checkout, requests: Iterable[MergeRequest]) -> Mapping[int, str]:
    """The messages of merge requests' heads, which a squash leaves out and no edit reaches; by number."""
    heads = {request.sha: request.iid for request in requests if request.sha is not None}
    if not heads:
        return {}
    try:
        fetch_commits(checkout, heads, "--depth=1", "--filter=tree:0")
    except BumperError:  # a head that GitLab no longer has: then nobody knows
        return {}
    return {heads[commit.id]: commit.message for commit in read_commits(checkout.git, list(heads))}
