"""What became of deployments that somebody watched, as notes on their merge requests.

A note has words for people, and a comment that programs read. Everybody may comment on a merge request, so a note
counts only where one of bumper's own users wrote it.
"""

import re
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, ValidationError

from bumper.clock import format_duration
from bumper.gitlab.merge_requests import MergeRequest, notes_of
from bumper.records.known_requests import KnownRequests, recorded_requests
from bumper.records.record import Record, dump, one_line

# watching: somebody does at this moment. interrupted: whoever did was ended. replaced: another version came meanwhile.
# The others are those of argocd.verdict.
WatchState: TypeAlias = Literal["watching", "interrupted", "replaced", "well", "sick", "late", "silent", "missing"]
_THREADS = 8
_NOTE = re.compile(r"<!-- bumper: watch (\{.*\}) -->")
_MAX_READ = 30  # merge requests whose notes are read


class WatchRecord(BaseModel):
    """What a watch came to: ``healthy_after`` so many seconds, ``steady`` for so many, and ``reason`` in words.

    ``until`` is when the watch is over at the latest.
    """

    model_config = ConfigDict(defer_build=True)

    state: WatchState
    until: datetime | None = None
    healthy_after: float | None = None
    steady: float = 0.0
    reason: str = ""

    @property
    def words(self) -> str:
        """The outcome in a few words."""
        if self.state != "well":
            return _WORDS[self.state]
        steady = f", steady for {format_duration(self.steady)}" if self.steady else ""
        return f"healthy after {format_duration(self.healthy_after or 0.0)}{steady}"


_WORDS: dict[WatchState, str] = {
    "watching": "being watched",
    "interrupted": "left unwatched",
    "replaced": "replaced while it was watched",
    "sick": "not healthy",
    "late": "not healthy in time",
    "silent": "not known",
    "missing": "not known",
}


def write_note(record: WatchRecord, text: str) -> str:
    """The note: ``text`` for people, and the record."""
    return f"{text}\n\n<!-- bumper: watch {dump(record.model_dump(mode='json'))} -->"


def read_watches(known: KnownRequests, iids: Iterable[int], now: datetime) -> dict[int, WatchRecord]:
    """What became of merge requests, by their numbers: of those about which bumper's own users noted it.

    A watch whose time is over without an outcome was interrupted by what left no time for a word about it.
    """
    asked = tuple(dict.fromkeys(iids))
    with ThreadPoolExecutor(_THREADS) as pool:
        found = pool.map(lambda iid: _read_newest(known, iid, now), asked)
        return {iid: watch for iid, watch in zip(asked, found, strict=True) if watch is not None}


def _read_newest(known: KnownRequests, iid: int, now: datetime) -> WatchRecord | None:
    noted = (
        match[1]
        for author, text in notes_of(known.gitlab, iid)
        if (match := _NOTE.search(text)) is not None and known.is_bumpers(author)
    )
    try:
        record = WatchRecord.model_validate_json(next(noted, ""))
    except ValidationError:
        return None
    until = record.until.replace(tzinfo=record.until.tzinfo or UTC) if record.until is not None else None
    is_over = record.state == "watching" and until is not None and until < now
    state: WatchState = "interrupted" if is_over else record.state
    return record.model_copy(update={"state": state, "until": until, "reason": one_line(record.reason)})


@dataclass(frozen=True, slots=True)
class WatchedRequest:
    """The last deployment of some applications, and what became of it; None where nothing was noted."""

    merge_request: MergeRequest
    record: Record
    watch: WatchRecord | None

    @property
    def outcome(self) -> str:
        """What became of the deployment, in a few words."""
        return self.watch.words if self.watch is not None else "left unwatched"

    def explain_left(self) -> str | None:
        """That the deployment was left unwatched, as a sentence; None where it was not."""
        versions = ", ".join(dict.fromkeys(f"{one.app} {one.after}" for one in self.record.changes))
        named = f"the deployment of {versions} to {self.record.environment} by !{self.merge_request.iid}"
        look = "look at it in Argo CD"
        if self.watch is None or self.watch.state == "interrupted":
            return f"{named} was left unwatched: its job ended before the outcome was known; {look}."
        if self.watch.state == "watching" and self.watch.until is not None:
            until = self.watch.until.strftime("%H:%M UTC")
            return (
                f"{named} has no outcome yet: its job watches it until {until}, or was cancelled and left it unwatched."
            )
        return None


def newest_watched(known: KnownRequests, environments: Collection[str], now: datetime) -> list[WatchedRequest]:
    """Of each application the last merge request that was to be watched, the newest first."""
    seen: set[tuple[str, str]] = set()
    newest = []
    for one in recorded_requests(known.merged_lately):
        places = {(one.record.environment, change.app) for change in one.record.changes}
        if one.record.environment in environments and places - seen and one.record.watched is not None:
            newest.append(one)
        seen |= places
    watches = read_watches(known, [one.merge_request.iid for one in newest[:_MAX_READ]], now)
    return [
        WatchedRequest(one.merge_request, one.record, watches.get(one.merge_request.iid)) for one in newest[:_MAX_READ]
    ]
