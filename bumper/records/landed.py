"""What landed on the target branch: by which merge request, at whose request, and what bumper recorded of it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from bumper.errors import BumperError
from bumper.git.checkout import Checkout
from bumper.git.objects import read_commits
from bumper.git.past_commits import PastCommit, fetch_commits
from bumper.gitlab.connection import GitLab
from bumper.gitlab.merge_requests import MergeRequest, newest_merged
from bumper.gitlab.project import merge_request_of
from bumper.records.record import Record, read_trailers

# GitLab's default message of a merge commit ends with this line.
_MERGE_MESSAGE = re.compile(r"See merge request \S*!(\d{1,15})\b")
_FEW = 3  # commits that GitLab is asked about one by one; for more its list of merged requests is read


class LandedRequests:
    """The merged merge requests by the commits as which they landed, read from GitLab as far as they are asked for."""

    __slots__ = ("_by_commit", "_checkout", "_gitlab", "_unread")

    def __init__(self, gitlab: GitLab, checkout: Checkout) -> None:
        self._gitlab = gitlab
        self._checkout = checkout
        self._unread = newest_merged(gitlab, checkout.branch)
        self._by_commit: dict[str, MergeRequest] = {}

    def find(self, commits: Sequence[str]) -> Mapping[str, MergeRequest]:
        """The merge request of each commit that came by one, as far as GitLab's newest tell."""
        if len(commits) <= _FEW:
            with ThreadPoolExecutor(_FEW) as pool:
                branch = self._checkout.branch
                requests = pool.map(lambda commit: merge_request_of(self._gitlab, commit, branch), commits)
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


def own_message(past: PastCommit) -> str:
    """The message that holds bumper's record: the commit's, or that of the one that it merged; else empty."""
    messages = (past.commit.message, past.merged.message if past.merged is not None else "")
    return next((message for message in messages if read_trailers(message) is not None), "")


def named_request(past: PastCommit) -> int | None:
    """The merge request that a merge commit names."""
    named = _MERGE_MESSAGE.search(past.commit.message)
    return int(named[1]) if named is not None else None


def who_asked(past: PastCommit, record: Record | None) -> str:
    """Who asked for a deployment: as its record says, else who wrote the commit."""
    author = (past.merged or past.commit).author.partition(" <")[0]
    return (record.requested_by if record is not None else None) or author
