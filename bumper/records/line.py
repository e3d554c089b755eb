"""The target branch's first-parent line: when each of its commits landed there, and which of them `--as-of` means.

A commit landed at the latest committer date among it and its first-parent ancestors, or when its merge request was
merged, if that was later: a fast-forward brings commits that were made long before. A date in the future counts as now.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import cached_property
from itertools import accumulate, chain

from bumper.clock import show_time
from bumper.errors import LookedFarEnough, Refused, WrongUsage
from bumper.git.checkout import Checkout
from bumper.git.command import NETWORK_TIMEOUT, GitFailed
from bumper.git.past_commits import PastCommit, read_log
from bumper.gitlab.connection import GitLab, NotShown
from bumper.gitlab.merge_requests import merged_since
from bumper.gitlab.project import commits_of, merge_requests_of, message_of

_ENOUGH = 10  # commits that are older than what matters
_COMMIT = re.compile(r"[0-9a-f]{7,64}")


class Line:
    """The first-parent commits from the tip back, read in stretches as far as somebody goes on reading."""

    def __init__(
        self, checkout: Checkout, now: datetime, since: datetime | None, gitlab: GitLab | None,
        log: Iterator[list[PastCommit]] | None = None,
    ) -> None:  # fmt: skip
        """``since`` is from when on landing times have to be right (None: they do not matter); without ``gitlab`` the
        committer dates tell.

        ``log`` are the commits in stretches, by default fetched from the remote.
        """
        self.checkout, self.now, self.since, self.branch = checkout, now, since, checkout.branch
        self.is_cut = False  # once everything was read that can be: there are older commits
        self._gitlab = gitlab
        self._log = log if log is not None else read_log(checkout)
        self._read: list[list[PastCommit]] = []
        self._landed: dict[str, datetime] = {}

    def stretches(self) -> Iterator[list[PastCommit]]:
        """The commits, the newest first; what was read before is not read again."""
        number = 0
        while number < len(self._read) or self._read_on():
            yield self._read[number]
            number += 1

    def is_old_enough(self, stretch: Sequence[PastCommit]) -> bool:
        """Whether nothing before the stretch can be younger than the time from which on landing times have to be right.

        Committers' clocks go wrong, and anybody can write any date: one old commit among newer ones does not count.
        """
        if self.since is None:
            return True
        return max(map(self._by_itself, stretch[-_ENOUGH:]), default=self.now) < self.since

    def landed_at(self, commit: str) -> datetime:
        """When a commit that was read landed."""
        if commit not in self._landed:
            oldest_first = list(chain.from_iterable(self._read))[::-1]
            latest = accumulate(map(self._by_itself, oldest_first), max)
            self._landed = {past.commit.id: at for past, at in zip(oldest_first, latest, strict=True)}
        return self._landed[commit]

    def _read_on(self) -> bool:
        try:
            found = next(self._log, None)
        except LookedFarEnough:
            self.is_cut, found = True, None
        if found is not None:
            self._read.append(found)
            self._landed.clear()
        return found is not None

    def _by_itself(self, past: PastCommit) -> datetime:
        """When a commit landed, whatever its ancestors say: its own date, or when its merge request was merged."""
        return min(self.now, max(past.commit.at, self._merged_at.get(past.commit.id, past.commit.at)))

    @cached_property
    def _merged_at(self) -> dict[str, datetime]:
        merged: dict[str, datetime] = {}
        if self._gitlab is not None and self.since is not None:
            for request in merged_since(self._gitlab, self.branch, self.since):
                if request.merged_at is not None and request.merged_at >= self.since:
                    merged |= dict.fromkeys(commits_of(self._gitlab, request), request.merged_at)
        return merged


def parse_as_of(text: str, now: datetime) -> str | datetime:
    """A commit's id, or a moment in UTC: a time needs a zone, and to be past."""
    if _COMMIT.fullmatch(text.lower()) is not None:
        return text.lower()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise WrongUsage(
            f"--as-of {text!r} is neither a commit nor a time",
            "give a commit's id (BUMPER_COMMIT), or a time like 2026-01-31T12:00+03:00",
        ) from None
    if moment.tzinfo is None:
        raise WrongUsage(
            f"--as-of {text!r} has no time zone", "write it like 2026-01-31T12:00+03:00, or with Z for UTC"
        )
    if moment > now:
        raise WrongUsage(f"--as-of {text!r} is in the future", "give a time in the past")
    return moment.astimezone(UTC)


def commit_as_of(wanted: str | datetime, line: Line, gitlab: GitLab | None) -> str:
    """The first-parent commit that is meant; of a time the newest that had landed by then.

    A commit that was merged in stands for the first-parent commit that brought it, and the head of a squashed merge
    request for the commit as which that landed.
    """
    if isinstance(wanted, datetime):
        for past in chain.from_iterable(line.stretches()):
            if line.landed_at(past.commit.id) <= wanted:
                return past.commit.id
        raise Refused(
            f"the history of {line.branch} that can be read begins after {show_time(wanted)}",
            "give a later time, or a commit",
        )
    read: list[PastCommit] = []
    landed: str | None = None
    for stretch in line.stretches():
        asked_gitlab, read = bool(read), [*read, *stretch]
        found = _of_line(wanted, read)
        if found is None and not asked_gitlab and gitlab is not None:
            landed = _landed_as(wanted, line.branch, gitlab)
        found = found or (_of_line(landed, read) if landed is not None else None) or _brought_by(wanted, line, read)
        if found is not None:
            return found
    rebased = _rebased(wanted, read, gitlab) if gitlab is not None else None
    if rebased is not None:
        return rebased
    where = "in the newest part of the history that can be read" if line.is_cut else f"on {line.branch}"
    squashed = "" if gitlab is not None else "; whether a merge request was squashed into one only GitLab's API tells"
    raise Refused(
        f"there is no commit {wanted[:12]} {where}{squashed}", "give a commit that landed there (BUMPER_COMMIT)"
    )


def _of_line(wanted: str, read: Sequence[PastCommit]) -> str | None:
    found = [past.commit.id for past in read if past.commit.id.startswith(wanted)]
    if len(found) > 1:
        raise Refused(f"{wanted} may be several commits", "give more of its id")
    return found[0] if found else None


def _brought_by(wanted: str, line: Line, read: Sequence[PastCommit]) -> str | None:
    """The oldest of the first-parent commits that were made on top of the commit, as far as is fetched."""
    try:
        listed = line.checkout.git.text(
            "rev-list", "--ancestry-path", f"{wanted}..{line.checkout.tip}", "--", timeout=NETWORK_TIMEOUT
        )
    except GitFailed:  # it is not there
        return None
    on_top = set(listed.split())
    return next((past.commit.id for past in reversed(read) if past.commit.id in on_top), None)


def _landed_as(wanted: str, branch: str, gitlab: GitLab) -> str | None:
    """The commit that landed of a merge request whose head this is."""
    try:
        requests = merge_requests_of(gitlab, wanted)
    except NotShown:
        return None
    merged = (one for one in requests if one.state == "merged" and one.target_branch == branch)
    return next((one.merged_as for one in merged if one.sha is not None and one.sha.startswith(wanted)), None)


def _rebased(wanted: str, read: Sequence[PastCommit], gitlab: GitLab) -> str | None:
    """The commit that GitLab made of a merge request's head when it rebased it, by bumper's trailers in the message."""
    message = message_of(gitlab, wanted).rstrip()
    if "\nBumper-Command: " not in message:
        return None
    return next((past.commit.id for past in read if past.commit.message.rstrip() == message), None)
