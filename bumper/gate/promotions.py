"""Whether a version may be promoted: whether the source environment ran it, has not taken it back, and for how long.

That is judged at the target branch's tip: what was rolled back or is held there by now does not go on. A rollback is
known by its record, and by what it does: the application is at a tag again that it ran before. How long a version has
to have been in the source environment is `soak` in bumper.yaml.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bumper.clock import format_duration, show_time
from bumper.environments.applications import AppFiles, match_source
from bumper.environments.layout import Environment
from bumper.environments.repository import Target
from bumper.gate.rules import Broken, Rule, Waiting
from bumper.image import ImageReference
from bumper.records.line import Line
from bumper.records.record import Command
from bumper.records.runs import Period, Place, place_of, read_periods
from bumper.values.change import Change
from bumper.values.pin import Version


@dataclass(frozen=True, slots=True)
class Ran:
    """A version that a source environment ran, from when until when (None: it still does)."""

    source: str
    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Judged:
    """A change, and where it may come from; ``broken`` says why from nowhere."""

    change: Change
    ran: tuple[Ran, ...]
    broken: tuple[Broken, ...]


def judge_promotions(
    target: Environment, apps: Sequence[AppFiles], changes: Iterable[Change], sources: Sequence[Target], line: Line
) -> list[Judged]:
    """Whether each of the changes of ``target`` may be promoted from one of the ``sources``, opened at the tip.

    ``apps`` are the target's applications, ``line`` is the target branch's first-parent line.

    Raises:
        Refused: an application of the target may be several of a source's.

    """
    listed = list(changes)
    by_name = {app.app: app for app in apps}
    judges = [_Judge(source, target.name, [(one, by_name[one.app]) for one in listed], line) for source in sources]
    judged: list[Judged] = []
    for change in listed:
        found = [judge.judge(change) for judge in judges]
        ran = tuple(one for one in found if isinstance(one, Ran))
        broken = tuple(one for one in found if isinstance(one, Broken))
        judged.append(Judged(change, ran, () if ran else broken))
    return judged


class _Judge:
    """One source environment, and what it ran of the images that are to be promoted."""

    def __init__(self, source: Target, target: str, changes: Sequence[tuple[Change, AppFiles]], line: Line) -> None:
        self._source, self._target, self._line = source, target, line
        known = source.gathered.applications
        self._names = {
            change.app: find_source(app, known, (source.environment.name, target)) for change, app in changes
        }
        wanted: dict[Place, list[ImageReference]] = {}
        for change, _ in changes:
            if (place := self._place(change)) is not None:
                wanted.setdefault(place, []).append(change.reference)
        self._periods: Mapping[Place, Sequence[Period]] = read_periods(source, line, wanted)

    def _place(self, change: Change) -> Place | None:
        """The change's application and image, as the source has them."""
        name = self._names[change.app]
        return place_of(self._source.setup.config, name, change.image) if name is not None else None

    def judge(self, change: Change) -> Ran | Broken:
        name, place = self._source.environment.name, self._place(change)
        promote = f"bumper promote {name} {self._target} --app {change.app}"
        if place is None:
            return Broken(
                Rule.PROMOTE_FROM, f"{self._target} takes {change.app} from {name}, which has no such application",
                f"add it to {name}, deploy it there, and run `{promote}`",
            )  # fmt: skip
        periods = self._periods[place]
        run = _newest_run(periods, change.reference)
        if run is None:
            where = "as far back as can be read" if self._line.is_cut else f"on {self._line.branch}"
            rules = self._source.environment.config.promote_from
            first = f"promote {rules[0]} {name} --app {place[0]}" if rules else f"bump {name} {change.reference}"
            return Broken(
                Rule.PROMOTE_FROM,
                f"{self._target} takes {change.app} from {name}, which has not run {change.reference} {where}",
                f"run `bumper {first}`, then `{promote}`",
            )
        held = self._hold(place)
        if held is not None:
            return Broken(
                Rule.PROMOTE_FROM, f"{change.reference} of {change.app} is held in {name}: {held}",
                f"run `bumper unhold {name} --app {place[0]}` once it may go on",
            )  # fmt: skip
        back = _rolled_back(periods, run)
        if back is not None:
            when = f"{back.since:%Y-%m-%d %H:%M} UTC, by {(back.commit or '')[:12]}"
            return Broken(
                Rule.PROMOTE_FROM, f"{change.reference} of {change.app} was rolled back in {name} ({when})",
                f"run `{promote}`, which takes what {name} runs now",
            )  # fmt: skip
        until = periods[run.start - 1].since if run.start > 0 else None
        return Ran(name, periods[run.stop - 1].since, until)

    def _hold(self, place: Place) -> str | None:
        """Why a hold keeps the application's image in the source as it is."""
        config, gathered = self._source.setup.config, self._source.gathered
        return next(
            (
                found.held
                for found in gathered.with_shared
                if found.held is not None and found.pin.repository is not None
                and place_of(config, found.app, found.pin.repository) == place
            ),
            None,
        )  # fmt: skip


def find_source(target: AppFiles, sources: Iterable[AppFiles], names: tuple[str, str]) -> str | None:
    """The name of the source's application that ``target`` is promoted from; ``names`` are the two environments'.

    Raises:
        Refused: several are meant.

    """
    found = match_source(target, [one for one in sources if one.identity.app == target.identity.app], names)
    return found.app if found is not None else None


def _newest_run(periods: Sequence[Period], image: ImageReference) -> range | None:
    """The numbers of the periods of the newest time in which the image's version ran; the newest is 0."""
    for first, period in enumerate(periods):
        version = period.version_of(image)
        if version is not None:
            last = first
            while last + 1 < len(periods) and version in periods[last + 1].versions:
                last += 1
            return range(first, last + 1)
    return None


def _rolled_back(periods: Sequence[Period], run: range) -> Period | None:
    """The period by which a version that ran in the periods of ``run`` was taken back."""
    before = {_tag(version) for period in periods[run.stop :] for version in period.versions}
    began = {periods[number].commit for number in run}
    for period in periods[: run.start]:
        record = period.record
        is_rollback = record is not None and record.command is Command.ROLLBACK
        undone = is_rollback and record is not None and not began.isdisjoint(record.undoes)
        ended_it = is_rollback and period is periods[run.start - 1]
        if undone or ended_it or not before.isdisjoint(map(_tag, period.versions)):
            return period
    return None


def _tag(version: Version) -> str | None:
    return version.tag or version.digest


def unsoaked(judged: Iterable[Judged], target: str, soak: float | None, now: datetime) -> Iterator[Waiting]:
    """The changes whose version may be promoted, but has not been for ``soak`` seconds where it comes from.

    One that ran for too short a time and runs no more waits without an end.
    """
    if soak is None:
        return
    needed = timedelta(seconds=soak)
    for one in judged:
        if one.ran and all(_time_there(ran, now) < needed for ran in one.ran):
            best = max(one.ran, key=lambda ran: (ran.until is None, _time_there(ran, now)))
            until = best.since + needed if best.until is None else None
            fix = f"wait until {show_time(until)}, or add --urgent REASON" if until else "promote what runs there now"
            reason = f"{_explain(one, best)}, but {target} asks for {format_duration(soak)} (soak)"
            yield Waiting(one.change.app, reason, until, fix)


def broken_soak(waiting: Iterable[Waiting], source: str, target: str) -> Iterator[Broken]:
    """The rule that each of the waiting changes breaks."""
    for one in waiting:
        again = f"run `bumper promote {source} {target} --app {one.app}`"
        fix = f"{again} after {show_time(one.until)}" if one.until else f"{again}, which takes what {source} runs now"
        yield Broken(Rule.SOAK, one.reason, fix)


def _time_there(ran: Ran, now: datetime) -> timedelta:
    return (ran.until or now) - ran.since


def _explain(one: Judged, ran: Ran) -> str:
    version = f"{one.change.app} {one.change.after}"
    if ran.until is None:
        return f"{version} has been in {ran.source} since {show_time(ran.since)}"
    return f"{version} was in {ran.source} only from {show_time(ran.since)} to {show_time(ran.until)}"
