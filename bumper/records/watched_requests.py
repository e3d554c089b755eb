"""The merged merge requests whose deployments somebody watched, and those that were left without an outcome."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from bumper.gitlab.merge_requests import MergeRequest
from bumper.records.known_requests import KnownRequests, recorded_requests
from bumper.records.record import Record
from bumper.records.watch_note import WatchRecord, read_watches

_MAX_READ = 30  # merge requests whose notes are read


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
