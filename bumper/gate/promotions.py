"""Whether a version may be promoted: whether the source environment ran it, has not taken it back, and for how long.

That is judged at the target branch's tip: what was rolled back or is held there by now does not go on. A rollback is
known by its record, and by what it does: the application is at a tag again that it ran before. How long a version has
to have been in the source environment is `soak` in bumper.yaml.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bumper.clock import format_duration, show_time
from bumper.environments.applications import Sources
from bumper.environments.layout import Environment
from bumper.environments.repository import Target
from bumper.gate.rules import Broken, Rule, Waiting
from bumper.image import ImageReference
from bumper.records.line import Line
from bumper.records.record import Command
from bumper.records.runs import Period, Place, place_of, read_periods
from bumper.values.change import Change


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
    target: Environment, changes: Sequence[Change], sources: Iterable[Target], line: Line
) -> list[Judged]:  # fmt: skip
    """Whether each of the changes of ``target`` may be promoted from one of the ``sources``, opened at the tip.

    ``line`` is the target branch's first-parent line. Refused where an application may be several of a source's.
    """
    found = [_judge_by(source, target, changes, line) for source in sources]
    judged: list[Judged] = []
    for number, change in enumerate(changes):
        answers = [by_source[number] for by_source in found]
        ran = tuple(one for one in answers if isinstance(one, Ran))
        broken = tuple(one for one in answers if isinstance(one, Broken))
        judged.append(Judged(change, ran, () if ran else broken))
    return judged


def _judge_by(source: Target, target: Environment, changes: Sequence[Change], line: Line) -> list[Ran | Broken]:
    """Whether the source environment ran the version of each change, and has not taken it back since."""
    apps, names = {app.app: app for app in target.apps}, (source.environment.name, target.name)
    known, places = Sources(source.gathered.applications, names), list[Place | None]()
    wanted: dict[Place, list[ImageReference]] = {}
    for change in changes:
        app = known.of(apps[change.app])
        place = place_of(source.setup.config, app, change.image) if app is not None else None
        places.append(place)
        if place is not None:
            wanted.setdefault(place, []).append(change.reference)
    periods = read_periods(source, line, wanted)
    return [
        _judge(change, source, target.name, line, place, periods[place]) if place is not None
        else Broken(
            Rule.PROMOTE_FROM, f"{names[1]} takes {change.app} from {names[0]}, which has no such application",
            f"add it to {names[0]}, deploy it there, and run `{_promote(names, change.app)}`",
        )
        for change, place in zip(changes, places, strict=True)
    ]  # fmt: skip


def _promote(names: tuple[str, str], app: str) -> str:
    return f"bumper promote {names[0]} {names[1]} --app {app}"


def _judge(
    change: Change, source: Target, target: str, line: Line, place: Place, periods: Sequence[Period]
) -> Ran | Broken:  # fmt: skip
    name, version, app = source.environment.name, change.reference, change.app
    promote, run = _promote((name, target), app), _newest_run(periods, version)
    if run is None:
        where = "as far back as can be read" if line.is_cut else f"on {line.branch}"
        rules = source.environment.config.promote_from
        first = f"promote {rules[0]} {name} --app {place[0]}" if rules else f"bump {name} {version}"
        what = f"{target} takes {app} from {name}, which has not run {version} {where}"
        return Broken(Rule.PROMOTE_FROM, what, f"run `bumper {first}`, then `{promote}`")
    held = _hold(source, place)
    if held is not None:
        unhold = f"run `bumper unhold {name} --app {place[0]}` once it may go on"
        return Broken(Rule.PROMOTE_FROM, f"{version} of {app} is held in {name}: {held}", unhold)
    back = _rolled_back(periods, run)
    if back is not None:
        when = f"{back.since:%Y-%m-%d %H:%M} UTC, by {(back.commit or '')[:12]}"
        what = f"{version} of {app} was rolled back in {name} ({when})"
        return Broken(Rule.PROMOTE_FROM, what, f"run `{promote}`, which takes what {name} runs now")
    return Ran(name, periods[run.stop - 1].since, periods[run.start - 1].since if run.start > 0 else None)


def _hold(source: Target, place: Place) -> str | None:
    """Why a hold keeps the application's image in the source as it is."""
    for found in source.gathered.with_shared:
        repository = found.pin.repository
        if found.held is None or repository is None:
            continue
        if place_of(source.setup.config, found.app, repository) == place:
            return found.held
    return None


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
    """The period by which a version that ran in the periods of ``run`` was taken back.

    An application may run its image at several places: what ran beside the version all the time is no way back, unless
    nothing else is left.
    """
    before, during = (_tags(part) for part in (periods[run.stop :], periods[run.start : run.stop]))
    began = {periods[number].commit for number in run}
    for period in periods[: run.start]:
        record = period.record
        is_rollback = record is not None and record.command is Command.ROLLBACK
        undone = is_rollback and record is not None and not began.isdisjoint(record.undoes)
        ended_it = is_rollback and period is periods[run.start - 1]
        now = _tags([period])
        if undone or ended_it or now & (before - during) or (now and now <= before):
            return period
    return None


def _tags(periods: Iterable[Period]) -> set[str | None]:
    return {version.tag or version.digest for period in periods for version in period.versions}


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
