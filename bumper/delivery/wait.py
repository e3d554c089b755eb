"""Waiting until a merge request is merged, and the commit by which it came to the target branch.

What can be done without a person is done meanwhile, the rest is named. By the merge method the commit is a merge
commit, a squash commit or the branch's own; where GitLab rebases before it merges, that one has become another, which
only its trailers tell.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from bumper.clock import polls
from bumper.delivery.merge import ask_to_merge, rebased_head, retargeted, waits_for
from bumper.delivery.session import Session
from bumper.environments.gather import pins_of_version
from bumper.environments.repository import Target
from bumper.errors import NotDeployed
from bumper.git.checkout import at_commit, read_files, refreshed
from bumper.git.past_commits import fetch_commits, newest_commits
from bumper.gitlab import merge_requests
from bumper.gitlab.merge_requests import CHECKING, MergeRequest
from bumper.records.description import read_comment
from bumper.records.known_requests import KnownRequests
from bumper.records.record import COMMAND_TRAILER
from bumper.values.change import Change
from bumper.values.pin import Version, format_path

_MAX_PAUSE = 5.0  # seconds between two looks


@dataclass(frozen=True, slots=True)
class Awaited:
    """A merge request to wait for; ``auto_merge`` where bumper itself sees to the merge, and not a person."""

    iid: int
    branch: str
    head: str
    message: str
    auto_merge: bool
    problem: str | None = None  # why GitLab will not merge by itself although it was asked to
    may_write: bool = True  # a job's token only reads merge requests


def wait_until_merged(
    known: KnownRequests, target: Target, awaited: Awaited, seconds: float, session: Session
) -> MergeRequest:
    """The merge request as soon as it is merged.

    Raises:
        NotDeployed: it was closed, its branch got other content, or it was not merged within ``seconds``.

    """
    show, waiting = session.show, _Waiting(known, target, awaited, session)
    found = merge_requests.read(known.gitlab, awaited.iid)
    problem = f"; GitLab will not merge it by itself: {awaited.problem}" if awaited.problem is not None else ""
    with named_when_interrupted(found.iid, found.url, show):
        show(f"waiting up to {seconds:g} s for {found.url}{problem}")
        for _ in polls(session.clock, seconds, first=0.5, longest=_MAX_PAUSE):
            found = merge_requests.read(known.gitlab, awaited.iid)
            if found.target_branch != known.target_branch:
                raise NotDeployed(f"{found.url}: {retargeted(known, found)}", "change it back, and run this again")
            if found.state == "merged":
                return found
            if found.state == "closed":
                raise _closed(found)
            waiting.look_at(found)
    raise _not_in_time(found, awaited, seconds)


@contextlib.contextmanager
def named_when_interrupted(iid: int, url: str, show: Callable[[str], None]) -> Iterator[None]:
    """Whoever interrupts the waiting is shown what is left behind."""
    try:
        yield
    except KeyboardInterrupt:
        show(f"!{iid} stays open: {url}")
        raise


def _closed(found: MergeRequest) -> NotDeployed:
    """By a person, or by bumper itself, which says so in the description."""
    record = read_comment(found.description)
    if record is None or record.superseded_by is None:
        return NotDeployed(f"{found.url} was closed", "reopen it there, or run this again with --reopen")
    by = f"!{record.superseded_by}" if record.superseded_by else f"what {found.target_branch} holds by now"
    return NotDeployed(f"{found.url} was closed by bumper, because {by} replaces it", "look at its last comment")


def _not_in_time(found: MergeRequest, awaited: Awaited, seconds: float) -> NotDeployed:
    if found.merge_status == "mergeable" and not awaited.auto_merge:
        return NotDeployed(
            f"{found.url} was not merged within {seconds:g} s: nobody has merged it yet",
            "add --auto-merge, or merge it there",
        )
    reason = found.merge_error or awaited.problem or f"it waits for {waits_for(found)}"
    return NotDeployed(
        f"{found.url} was not merged within {seconds:g} s: {reason}", "resolve that, and run this again to keep waiting"
    )


class _Waiting:
    """What is remembered from one look to the next: the state that was shown, the head that is bumper's."""

    def __init__(self, known: KnownRequests, target: Target, awaited: Awaited, session: Session) -> None:
        self._known, self._target, self._awaited, self._session = known, target, awaited, session
        self._head = awaited.head
        self._seen: tuple[object, ...] = ()
        self._shown = ""

    def look_at(self, found: MergeRequest) -> None:
        """Show a new state, and do what is no person's turn: rebase, and set auto-merge that GitLab did not take."""
        state = (found.merge_status, found.sha, found.auto_merge, found.pipeline)
        if state == self._seen or found.merge_status in CHECKING:
            return
        self._seen = state
        if self._shown != (reason := waits_for(found)):
            self._session.show(f"waiting for !{found.iid}: it waits for {reason}")
            self._shown = reason
        if not self._awaited.may_write:
            return
        if found.merge_status == "need_rebase":
            branch, iid = self._awaited.branch, found.iid
            head = rebased_head(self._known, self._target, branch, iid, self._head, self._session.clock)
            self._head = head or self._head
        if self._awaited.auto_merge and not found.auto_merge and found.sha == self._head:
            files = self._target.checkout.entries
            ask_to_merge(self._known, found.iid, self._head, self._awaited.message, files, self._session.clock)


def landed_commit(target: Target, merged: MergeRequest, message: str) -> str:
    """The target branch's commit that a merged merge request made of a commit with ``message``."""
    if merged.merged_as is not None:
        return merged.merged_as
    now = refreshed(target.checkout)
    commits = newest_commits(now)
    if merged.sha in {commit.id for commit in commits}:
        return str(merged.sha)
    wanted = _trailers(message)
    return next((commit.id for commit in commits if _trailers(commit.message) == wanted), now.tip)


def _trailers(message: str) -> list[str]:
    last = message.rstrip("\n").rpartition("\n\n")[2].splitlines()
    return last if any(line.startswith(f"{COMMAND_TRAILER}: ") for line in last) else [message]


def require_content(target: Target, commit: str, changes: Iterable[Change], url: str) -> None:
    """Check that ``commit`` holds what ``changes`` asked for: the files count, not what a description says of them.

    Raises:
        NotDeployed: it holds something else.

    """
    fetch_commits(target.checkout, [commit])
    landed = at_commit(target.checkout, commit)
    wanted = list(changes)
    contents = read_files(landed, {change.file for change in wanted if change.file in landed.entries})
    for change in wanted:
        if change.file not in contents or change.after not in _held(target, change, contents[change.file]):
            raise NotDeployed(
                f"{url} was merged with other content than this request's: {change.file}: {change.path} is not at "
                f"{change.after}",
                "look at its commits",
            )


def _held(target: Target, change: Change, content: bytes) -> set[Version]:
    """What the pin at the change's place holds in a version of its file; without a digest, with any."""
    pins = pins_of_version(target.environment, target.setup.config, change.file, content, target.gathered.values)
    found = [one.pin for one in pins if format_path(one.pin.path) == change.path]
    held = {pin.version for pin in found}
    return held | {Version(pin.tag, change.after.digest) for pin in found if pin.digest is None}
