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
from bumper.records.tag_ages import TagChange
from bumper.values.pin import Version

_NUMBERED = re.compile(r"v?(\d+(?:\.\d+)*)(?:[-+.](.+))?")
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Direction(StrEnum):
    """How a stage compares with the one before it."""

    SAME = "same"
    WAITING = "waiting"  # the stage before has something newer
    AHEAD = "ahead"  # this one has something that the stage before has not


@dataclass(frozen=True, slots=True)
class Running:
    """What pins of one cell hold; ``held`` is the hold's reason, ``change`` how the newest of them got it."""

    version: Version
    held: str | None
    change: TagChange | None


@dataclass(frozen=True, slots=True)
class Proposed:
    """What an open merge request would put there."""

    version: Version
    request: MergeRequest


@dataclass(slots=True)
class Cell:
    """An image of an application in one stage; ``since`` is how long the stage before has had what waits."""

    running: list[Running] = field(default_factory=list)
    proposed: list[Proposed] = field(default_factory=list)
    direction: Direction | None = None
    before: str | None = None
    since: datetime | None = None
    gate: Waiting | None = None  # why it may not come yet

    @property
    def held(self) -> bool:
        """Whether a hold keeps something in this cell."""
        return any(one.held is not None for one in self.running)

    @property
    def needs_somebody(self) -> bool:
        """Whether it is a person's turn: to promote, to merge, or to look why this stage is ahead."""
        if self.proposed:
            return True
        return self.direction in (Direction.WAITING, Direction.AHEAD) and not self.held and self.gate is None


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
        found = set()
        for name, cell in self.cells:
            if cell.direction is Direction.WAITING:
                found.add(f"gate-{name}" if cell.gate is not None else f"wait-{name}")
            found |= {f"ahead-{name}"} if cell.direction is Direction.AHEAD else set()
            found |= {"held"} if cell.held else set()
            found |= {"open"} if cell.proposed else set()
        return frozenset(found)


_Cells = defaultdict[str, defaultdict[str, defaultdict[str, Cell]]]


def applications(status: Status) -> list[Application]:
    """Every application: where something waits for somebody the longest first, then by name."""
    cells: _Cells = defaultdict(lambda: defaultdict(lambda: defaultdict(Cell)))
    for name in status.overview.environments:
        for (app, image), running in _running(status, name):
            cells[app][image][name].running = list(running.values())
    for (app, image), name, proposed in _proposed(status):
        if app in cells and image in cells[app] and proposed not in cells[app][image][name].proposed:
            cells[app][image][name].proposed.append(proposed)
    before = status.stages or dict(_neighbours(status))
    gates = {(name, one.app): one for name, waiting in status.waiting.items() for one in waiting}
    for app, images in cells.items():
        for by_stage in images.values():
            for name, cell in by_stage.items():
                _compare(cell, by_stage.get(before.get(name) or ""), before.get(name), gates.get((name, app)))
    made = [Application(app, cells[app]) for app in sorted(cells)]
    return sorted(made, key=_urgency)


def _neighbours(status: Status) -> Iterator[tuple[str, str | None]]:
    before = None
    for name in status.overview.environments:
        yield name, before
        before = name


def _urgency(app: Application) -> tuple[int, datetime]:
    needed = [cell.since or _LONG_AGO for _, cell in app.cells if cell.needs_somebody]
    if needed:
        return 0, min(needed)
    return (1 if app.kinds else 2), _LONG_AGO


def _compare(cell: Cell, before: Cell | None, name: str | None, gate: Waiting | None) -> None:
    if before is None or not before.running or not cell.running:
        return
    cell.before = name
    ours, theirs = ({one.version.tag or one.version.digest for one in each.running} for each in (cell, before))
    if ours == theirs:
        cell.direction = Direction.SAME
        return
    newest, newest_before = _newest(cell), _newest(before)
    cell.direction = Direction.AHEAD if _is_ahead(newest, newest_before) else Direction.WAITING
    if cell.direction is Direction.WAITING:
        cell.since, cell.gate = (newest_before.change.at if newest_before.change is not None else None), gate


def _newest(cell: Cell) -> Running:
    return max(cell.running, key=lambda one: one.change.at if one.change is not None else _LONG_AGO)


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
    suffix = re.findall(r"\d{1,18}|\D+", found[2] or "")
    parts = tuple((int(part), "") if part.isdecimal() else (-1, part) for part in suffix)
    return tuple(int(number) for number in found[1].split(".") if len(number) < 19), not suffix, parts  # noqa: PLR2004


def _running(
    status: Status, environment: str
) -> Iterator[tuple[tuple[str, str], dict[tuple[Version, str | None], Running]]]:
    """By application and image, what runs in an environment; pins that hold the same are shown as one."""
    found: defaultdict[tuple[str, str], dict[tuple[Version, str | None], Running]] = defaultdict(dict)
    for row in status.overview.environments[environment]:
        version, held = Version(row.tag, row.digest), row.held
        same = found[row.app, status.overview.one_name.get(row.image, row.image)]
        known = same[version, held].change if (version, held) in same else None
        changes = [one for one in (known, status.ages.get((environment, row.file, row.path))) if one is not None]
        same[version, held] = Running(version, held, max(changes, key=lambda one: one.at, default=None))
    yield from found.items()


def _proposed(status: Status) -> Iterator[tuple[tuple[str, str], str, Proposed]]:
    """What each open merge request changes: application and image, environment, and to what."""
    one_name = status.overview.one_name
    for recorded in status.merge_requests:
        record = recorded.record
        if record.environment in status.overview.environments:
            for change in record.changes:
                image = one_name.get(str(change.image), str(change.image))
                yield (change.app, image), record.environment, Proposed(change.after, recorded.merge_request)
