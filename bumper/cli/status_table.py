"""Status as a table for the page: an application's images, each with a cell for every stage on the way. Pure."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from bumper.commands.status import Status
from bumper.gate.rules import Waiting
from bumper.gitlab.merge_requests import MergeRequest
from bumper.records.runs import TagChange
from bumper.values.pin import Version

_NUMBERED = re.compile(r"v?(\d+(?:\.\d+)*)(?:[-+.](.+))?")
_MAX_DIGITS = 18  # of a number in a version: a longer one is none
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Comparison(StrEnum):
    """How a stage compares with the one before it; a filter of the page finds it by this name."""

    SAME = "same"
    WAITING = "wait"  # the stage before has something newer
    GATED = "gate"  # which may not come yet
    AHEAD = "ahead"  # this one has something that the stage before has not


@dataclass(slots=True)
class Running:
    """What pins of a cell hold; ``held`` is the hold's reason, ``change`` how the newest of them got it."""

    version: Version
    held: str | None
    change: TagChange | None

    @property
    def since(self) -> datetime:
        """When it came; long ago, where nobody knows."""
        return self.change.at if self.change is not None else _LONG_AGO


@dataclass(slots=True)
class Cell:
    """An image of an application in one stage, and what open merge requests would put there.

    ``before`` is the stage that it is compared with, ``waits_since`` how long that has had what waits, ``gate`` why it
    may not come yet.
    """

    running: list[Running] = field(default_factory=list)
    proposed: list[tuple[Version, MergeRequest]] = field(default_factory=list)
    comparison: Comparison | None = None
    before: str | None = None
    waits_since: datetime | None = None
    gate: Waiting | None = None

    @property
    def held(self) -> str | None:
        """Why a hold keeps something in this cell."""
        return next((one.held for one in self.running if one.held is not None), None)

    @property
    def needs_somebody(self) -> bool:
        """Whether it is a person's turn: to promote, to merge, or to look why this stage is ahead."""
        differs = self.comparison in {Comparison.WAITING, Comparison.AHEAD}
        return bool(self.proposed) or (differs and self.held is None)

    @property
    def newest(self) -> Running:
        """What came last."""
        return max(self.running, key=lambda one: one.since)

    def add(self, version: Version, held: str | None, change: TagChange | None) -> None:
        """A pin; pins that hold the same are shown as one."""
        for one in self.running:
            if (one.version, one.held) == (version, held):
                one.change = max(filter(None, (one.change, change)), key=lambda known: known.at, default=None)
                return
        self.running.append(Running(version, held, change))

    def compare(self, name: str | None, before: "Cell | None", gate: Waiting | None) -> None:
        """Find out how it compares with the stage ``before`` it; ``gate`` is what keeps the application there."""
        if before is None or not before.running or not self.running:
            return
        self.before = name
        ours, theirs = ({one.version.tag or one.version.digest for one in cell.running} for cell in (self, before))
        if ours == theirs:
            self.comparison = Comparison.SAME
        elif _is_ahead(self.newest, before.newest):
            self.comparison = Comparison.AHEAD
        else:
            self.comparison = Comparison.WAITING if gate is None else Comparison.GATED
            self.waits_since, self.gate = before.newest.change.at if before.newest.change is not None else None, gate


@dataclass(frozen=True, slots=True)
class Application:
    """An application with its images, each with its cells by environment."""

    name: str
    images: Mapping[str, Mapping[str, Cell]]

    @property
    def cells(self) -> Iterator[tuple[str, Cell]]:
        """Every cell, with its environment."""
        return ((name, cell) for cells in self.images.values() for name, cell in cells.items())

    @property
    def kinds(self) -> frozenset[str]:
        """What a filter finds it by: ``wait-prod``, ``ahead-prod``, ``gate-prod``, ``held``, ``open``."""
        compared = {
            f"{cell.comparison}-{name}" for name, cell in self.cells if cell.comparison not in {None, Comparison.SAME}
        }
        held = {"held" for _, cell in self.cells if cell.held is not None}
        return frozenset(compared | held | {"open" for _, cell in self.cells if cell.proposed})

    @property
    def urgency(self) -> tuple[int, datetime]:
        """Where something waits for somebody the longest comes first."""
        needed = [cell.waits_since or _LONG_AGO for _, cell in self.cells if cell.needs_somebody]
        return (0, min(needed)) if needed else (1 if self.kinds else 2, _LONG_AGO)


def applications(status: Status) -> list[Application]:
    """Every application: where something waits for somebody the longest first, then by name."""
    environments, one_name = status.overview.environments, status.overview.one_name
    cells: defaultdict[str, defaultdict[str, defaultdict[str, Cell]]]
    cells = defaultdict(lambda: defaultdict(lambda: defaultdict(Cell)))
    for name, rows in environments.items():
        for row in rows:
            cell = cells[row.app][one_name.get(row.image, row.image)][name]
            cell.add(Version(row.tag, row.digest), row.held, status.ages.get((name, row.file, row.path)))
    for recorded in status.merge_requests:
        name, request = recorded.record.environment, recorded.merge_request
        for change in recorded.record.changes if name in environments else ():
            image = one_name.get(str(change.image), str(change.image))
            if change.app in cells and image in cells[change.app]:
                proposed = cells[change.app][image][name].proposed
                if (change.after, request) not in proposed:
                    proposed.append((change.after, request))
    stages = status.stages or dict(zip(environments, [None, *environments], strict=False))
    gates = {(name, one.app): one for name, waiting in status.waiting.items() for one in waiting}
    for app, images in cells.items():
        for by_stage in images.values():
            for name, cell in by_stage.items():
                before = stages.get(name)
                cell.compare(before, by_stage.get(before or ""), gates.get((name, app)))
    return sorted((Application(app, cells[app]) for app in sorted(cells)), key=lambda app: app.urgency)


def _is_ahead(ours: Running, theirs: Running) -> bool:
    """By their numbers, where both tags are versions; else whichever was set last is ahead."""
    keys = [_key(one.version.tag or "") for one in (ours, theirs)]
    if keys[0] is not None and keys[1] is not None:
        return keys[0] > keys[1]
    return ours.change is not None and theirs.change is not None and ours.change.at > theirs.change.at


def _key(tag: str) -> tuple[tuple[int, ...], bool, tuple[tuple[int, str], ...]] | None:
    """What versions are compared by; a release comes after its candidates."""
    found = _NUMBERED.fullmatch(tag)
    if found is None:
        return None
    numbers = tuple(int(number) for number in found[1].split(".") if len(number) <= _MAX_DIGITS)
    suffix = re.findall(r"\d{1,18}|\D+", found[2] or "")
    return numbers, not suffix, tuple((int(part), "") if part.isdecimal() else (-1, part) for part in suffix)
