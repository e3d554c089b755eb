"""What landed on the target branch: by which merge request, at whose request, and which versions a commit really set.

A commit may say anything in its message; the versions are those that its difference sets.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from bumper.environments.gather import FoundPin, pins_of_version
from bumper.environments.images import canonical
from bumper.environments.repository import Target
from bumper.errors import BumperError
from bumper.git.checkout import Checkout
from bumper.git.objects import Commit, read_commits
from bumper.git.past_commits import PastCommit, Touched, fetch_commits
from bumper.gitlab.connection import GitLab
from bumper.gitlab.merge_requests import MergeRequest, newest_merged
from bumper.gitlab.project import merge_request_of
from bumper.image import Repository
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

    def messages(self, requests: Iterable[MergeRequest]) -> Mapping[int, str]:
        """The messages of the requests' heads, by number."""
        return messages_of_heads(self._checkout, requests)


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


def sets_version(target: Target, past: PastCommit, image: Repository, version: str) -> bool:
    """Whether the commit gives the image this tag (or digest) in one of the environment's files."""
    return (canonical(target.setup.config, image), version) in versions_set(target, touched_files(target, past))


def touched_files(target: Target, past: PastCommit) -> list[Touched]:
    """The environment's own values files that the commit changed."""
    files = {path for app in target.environment.apps for path in app.values}
    return [touched for touched in past.touched if touched.path in files]


def versions_set(target: Target, files: list[Touched]) -> set[tuple[str, str]]:
    """Each image, by its canonical name, with the tags and digests that a commit gives it in ``files``."""
    contents = target.checkout.blobs.read({blob for file in files for blob in (file.old_blob, file.new_blob) if blob})
    found = set()
    for file in files:
        old, new = (contents[blob] if blob is not None else b"" for blob in (file.old_blob, file.new_blob))
        before = set(versions_in(target, file.path, old))
        for _, _, image, *version in set(versions_in(target, file.path, new)) - before:
            found |= {(image, part) for part in version if part is not None}
    return found


def versions_in(target: Target, file: str, content: bytes) -> Iterator[tuple[str, str, str, str | None, str | None]]:
    """Application, path, image, tag and digest of each pin in a version of a file."""
    config = target.setup.config
    found: tuple[FoundPin, ...] = pins_of_version(target.environment, config, file, content, target.gathered.values)
    for one in found:
        if one.pin.repository is not None:
            image = canonical(config, one.pin.repository)
            yield one.app, str(one.pin.path), image, one.pin.tag, one.pin.digest


def merged_commit(past: PastCommit) -> Commit:
    """The commit that was merged, or that landed by itself."""
    return past.merged if past.merged is not None else past.commit


def own_record(past: PastCommit) -> Record | None:
    """What the trailers say of the commit, or of the one that it merged."""
    return read_trailers(past.commit.message) or (read_trailers(past.merged.message) if past.merged else None)


def named_request(past: PastCommit) -> int | None:
    """The merge request that a merge commit names."""
    named = _MERGE_MESSAGE.search(past.commit.message)
    return int(named[1]) if named is not None else None


def who_asked(past: PastCommit, record: Record | None) -> str:
    """Who asked for a deployment: as its record says, else who wrote the commit."""
    return (record.requested_by if record is not None else None) or merged_commit(past).author.partition(" <")[0]
