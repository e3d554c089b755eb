"""Status as a table: a row for each application's image, a cell for each environment. Pure."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bumper.commands.status.overview import Overview
from bumper.commands.status.status import Status
from bumper.gitlab.merge_requests import MergeRequest
from bumper.values.change import Version


@dataclass(frozen=True, slots=True)
class Running:
    """What pins of one cell hold; ``held`` is the hold's reason, ``changed`` when the newest of them got it."""

    version: Version
    held: str | None
    changed: datetime | None


@dataclass(frozen=True, slots=True)
class Proposed:
    """What an open merge request would put there."""

    version: Version
    request: MergeRequest


@dataclass(slots=True)
class Cell:
    """An image of an application in one environment; ``differs_from`` names those that it differs from."""

    running: list[Running] = field(default_factory=list)
    proposed: list[Proposed] = field(default_factory=list)
    differs_from: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class TableRow:
    """An image of an application, with its cells by environment."""

    app: str
    image: str
    cells: Mapping[str, Cell]

    @property
    def differs(self) -> bool:
        """Whether a cell differs from one that it is compared with."""
        return any(cell.differs_from for cell in self.cells.values())

    @property
    def held(self) -> bool:
        """Whether a hold stands in one of the cells."""
        return any(one.held is not None for cell in self.cells.values() for one in cell.running)

    @property
    def proposed(self) -> bool:
        """Whether an open merge request would change one of the cells."""
        return any(cell.proposed for cell in self.cells.values())


_Cells = defaultdict[tuple[str, str], defaultdict[str, Cell]]


def table_rows(status: Status) -> list[TableRow]:
    """Every row, those that differ, are held or are proposed first; then by application and image."""
    cells: _Cells = defaultdict(lambda: defaultdict(Cell))
    overview = status.overview
    for name in overview.environments:
        for key, running in _running(overview, name, status.ages):
            cells[key][name].running = list(running.values())
    for key, name, proposed in _proposed(status):
        if key in cells and proposed not in cells[key][name].proposed:
            cells[key][name].proposed.append(proposed)
    for one in overview.drift:
        source, *others = one.tags
        for name in others:
            if one.tags[name] != one.tags[source]:
                cells[one.app, one.image][name].differs_from.append(source)
    rows = [TableRow(app, image, cells[app, image]) for app, image in sorted(cells)]
    return sorted(rows, key=lambda row: not (row.differs or row.held or row.proposed))


def _running(
    overview: Overview, environment: str, ages: Mapping[tuple[str, str, str], datetime]
) -> Iterator[tuple[tuple[str, str], dict[tuple[Version, str | None], Running]]]:
    """By application and image, what runs in an environment; pins that hold the same are shown as one."""
    found: defaultdict[tuple[str, str], dict[tuple[Version, str | None], Running]] = defaultdict(dict)
    for row in overview.environments[environment]:
        version, held = Version(row.tag, row.digest), row.held
        same = found[row.app, overview.one_name.get(row.image, row.image)]
        known = same[version, held].changed if (version, held) in same else None
        times = [time for time in (known, ages.get((environment, row.file, row.path))) if time is not None]
        same[version, held] = Running(version, held, max(times, default=None))
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
