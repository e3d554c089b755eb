"""The target branch's first-parent line, with the time at which each of its commits landed there.

A commit landed at the latest committer date among it and its first-parent ancestors, or when its merge request was
merged, if that was later: a fast-forward brings commits that were made long before. A date in the future counts as now.
"""

from collections.abc import Iterator
from datetime import datetime

from bumper.errors import LookedFarEnough
from bumper.git.checkout import Checkout
from bumper.git.past_commits import PastCommit, read_log
from bumper.gitlab.commits import commits_of
from bumper.gitlab.connection import GitLab
from bumper.gitlab.merge_requests import merged_since

_ENOUGH = 10  # commits that are older than what matters


class Line:
    """The first-parent commits from the tip back, read in stretches as far as somebody goes on reading."""

    __slots__ = ("_gitlab", "_landed", "_log", "_merged", "_read", "branch", "checkout", "is_cut", "now", "since")

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
        self._merged: dict[str, datetime] | None = None

    def stretches(self) -> Iterator[list[PastCommit]]:
        """The commits, the newest first; what was read before is not read again."""
        number = 0
        while number < len(self._read) or self._read_on():
            yield self._read[number]
            number += 1

    @property
    def is_old_enough(self) -> bool:
        """Whether the oldest commit that was read is older than the time from which on landing times have to be right.

        Committers' clocks go wrong, and anybody can write any date: one old commit among newer ones does not count.
        """
        if self.since is None:
            return True
        oldest = [past for stretch in self._read for past in stretch][-_ENOUGH:]
        return bool(oldest) and max(map(self._landed_at, oldest)) < self.since

    def landed_at(self, commit: str) -> datetime:
        """When a commit that was read landed."""
        if commit not in self._landed:
            latest: datetime | None = None
            for past in reversed([past for stretch in self._read for past in stretch]):
                latest = max(filter(None, (latest, self._landed_at(past))))
                self._landed[past.commit.id] = latest
        return self._landed[commit]

    def _read_on(self) -> bool:
        try:
            found = next(self._log, None)
        except LookedFarEnough:
            self.is_cut, found = True, None
        if found is None:
            return False
        self._read.append(found)
        self._landed.clear()
        return True

    def _landed_at(self, past: PastCommit) -> datetime:
        """By the commit alone."""
        return min(self.now, max(past.commit.at, self._merged_at().get(past.commit.id, past.commit.at)))

    def _merged_at(self) -> dict[str, datetime]:
        """When the commits of the merge requests that were merged lately came to the branch."""
        if self._merged is None:
            self._merged = {}
            if self._gitlab is not None and self.since is not None:
                for request in merged_since(self._gitlab, self.branch, self.since):
                    if request.merged_at is not None and request.merged_at >= self.since:
                        self._merged |= dict.fromkeys(commits_of(self._gitlab, request), request.merged_at)
        return self._merged
