"""What became of a deployment, as a note on its merge request: for people, and as a comment that programs read.

Everybody may comment on a merge request, so a note counts only where one of bumper's own users wrote it.
"""

import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Literal, TypeAlias

from pydantic import BaseModel, ValidationError

from bumper.clock import format_duration
from bumper.gitlab.merge_requests import notes_of
from bumper.records.description import dump
from bumper.records.known_requests import KnownRequests
from bumper.records.record import one_line

# watching: somebody does at this moment. interrupted: whoever did was ended. The others are those of argocd.sequence.
WatchState: TypeAlias = Literal["watching", "interrupted", "well", "sick", "late", "silent", "missing"]
_THREADS = 8
_NOTE = re.compile(r"<!-- bumper: watch (\{.*\}) -->")


class WatchRecord(BaseModel):
    """What a watch came to: ``healthy_after`` so many seconds, ``steady`` for so many, and ``reason`` in words.

    ``until`` is when the watch is over at the latest.
    """

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
    "sick": "not well",
    "late": "not well in time",
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
    for author, text in notes_of(known.gitlab, iid):
        noted = _NOTE.search(text)
        if noted is not None and known.is_bumpers(author):
            return _read(noted[1], now)
    return None


def _read(text: str, now: datetime) -> WatchRecord | None:
    try:
        record = WatchRecord.model_validate_json(text)
    except ValidationError:
        return None
    until = record.until.replace(tzinfo=record.until.tzinfo or UTC) if record.until is not None else None
    is_over = record.state == "watching" and until is not None and until < now
    state: WatchState = "interrupted" if is_over else record.state
    return record.model_copy(update={"state": state, "until": until, "reason": one_line(record.reason)})
