"""Which merge requests brought commits to the target branch, and what their own commits say of them."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from bumper.errors import BumperError
from bumper.git.checkout import Checkout
from bumper.git.objects import read_commits
from bumper.git.past_commits import fetch_commits
from bumper.gitlab.commits import merge_request_of
from bumper.gitlab.connection import GitLab
from bumper.gitlab.merge_requests import MergeRequest, newest_merged

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
                requests = pool.map(lambda commit: merge_request_of(self._gitlab, commit), commits)
                return {commit: one for commit, one in zip(commits, requests, strict=True) if one is not None}
        for request in self._unread:
            for commit in (request.merged_as, request.sha):  # a fast-forward lands as the branch's head
                if commit is not None:
                    self._by_commit.setdefault(commit, request)
            if all(commit in self._by_commit for commit in commits):
                break
        return {commit: self._by_commit[commit] for commit in commits if commit in self._by_commit}

    def messages(self, requests: Sequence[MergeRequest]) -> Mapping[int, str]:
        """The messages of the requests' heads, which a squash leaves out and no edit reaches; by number."""
        heads = {request.sha: request.iid for request in requests if request.sha is not None}
        if not heads:
            return {}
        try:
            fetch_commits(self._checkout, heads, "--depth=1", "--filter=tree:0")
        except BumperError:  # a head that GitLab no longer has: then nobody knows
            return {}
        return {heads[commit.id]: commit.message for commit in read_commits(self._checkout.git, list(heads))}
