"""Waiting until a merge request is merged: what can be done without a person is done, the rest is named."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bumper.clock import Clock, polls
from bumper.delivery.merge import ask_to_merge, retargeted, waits_for
from bumper.delivery.rebase import rebased_head
from bumper.environments.repository import Target
from bumper.errors import NotDeployed
from bumper.gitlab import merge_requests
from bumper.gitlab.merge_requests import CHECKING, MergeRequest
from bumper.records.known_requests import KnownRequests

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
    known: KnownRequests, target: Target, awaited: Awaited, seconds: float, clock: Clock, show: Callable[[str], None]
) -> MergeRequest:
    """The merge request as soon as it is merged.

    Raises:
        NotDeployed: it was closed, its branch got other content, or it was not merged within ``seconds``.

    """
    waiting = _Waiting(known, target, awaited, clock, show)
    found = merge_requests.read(known.gitlab, awaited.iid)
    problem = f"; GitLab will not merge it by itself: {awaited.problem}" if awaited.problem is not None else ""
    with named_when_interrupted(found.iid, found.url, show):
        show(f"waiting up to {seconds:g} s for {found.url}{problem}")
        for _ in polls(clock, seconds, first=0.5, longest=_MAX_PAUSE):
            found = merge_requests.read(known.gitlab, awaited.iid)
            if found.target_branch != known.target_branch:
                raise NotDeployed(f"{found.url}: {retargeted(known, found)}", "change it back, and run this again")
            if found.state == "merged":
                return found
            if found.state == "closed":
                raise NotDeployed(f"{found.url} was closed", "reopen it there, or run this again with --reopen")
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

    def __init__(
        self, known: KnownRequests, target: Target, awaited: Awaited, clock: Clock, show: Callable[[str], None]
    ) -> None:
        self._known, self._target, self._awaited, self._clock, self._show = known, target, awaited, clock, show
        self._head = awaited.head
        self._seen = ("", "", False)

    def look_at(self, found: MergeRequest) -> None:
        """Show a new state, and do what is no person's turn: rebase, and set auto-merge that GitLab did not take."""
        state = (found.merge_status, found.sha or "", found.auto_merge)
        if state == self._seen or found.merge_status in CHECKING:
            return
        self._seen = state
        self._show(f"waiting for !{found.iid}: it waits for {waits_for(found)}")
        if not self._awaited.may_write:
            return
        if found.merge_status == "need_rebase":
            branch, iid = self._awaited.branch, found.iid
            head = rebased_head(self._known, self._target, branch, iid, self._head, self._clock)
            self._head = head or self._head
        if self._awaited.auto_merge and not found.auto_merge and found.sha == self._head:
            files = self._target.checkout.entries
            ask_to_merge(self._known, found.iid, self._head, self._awaited.message, files, self._clock)
