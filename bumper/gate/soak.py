"""How long a version has to have stood in the environment that it is promoted from: bumper.yaml's ``soak``. Pure."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from bumper.clock import format_duration
from bumper.gate.ran import Judged, Ran
from bumper.gate.rules import Broken, Rule, Waiting


def unsoaked(judged: Iterable[Judged], soak: float | None, now: datetime) -> Iterator[Waiting]:
    """The changes whose version may be promoted, and has not stood for ``soak`` seconds where it comes from.

    One that ran for too short a time and runs no more waits without an end.
    """
    if soak is None:
        return
    needed = timedelta(seconds=soak)
    for one in judged:
        if one.ran and all(_stood(ran, now) < needed for ran in one.ran):
            best = max(one.ran, key=lambda ran: (ran.until is None, _stood(ran, now)))
            until = best.since + needed if best.until is None else None
            fix = f"wait until {show_time(until)}, or add --urgent REASON" if until else "promote what runs there now"
            yield Waiting(one.change.app, _explain(one, best, soak), until, fix)


def broken_soak(waiting: Iterable[Waiting], source: str, target: str) -> Iterator[Broken]:
    """The rule that each of the waiting changes breaks."""
    for one in waiting:
        again = f"run `bumper promote {source} {target} --app {one.app}`"
        fix = f"{again} after {show_time(one.until)}" if one.until else f"{again}, which takes what {source} runs now"
        yield Broken(Rule.SOAK, one.reason, fix)


def _stood(ran: Ran, now: datetime) -> timedelta:
    return (ran.until or now) - ran.since


def _explain(one: Judged, ran: Ran, soak: float) -> str:
    version, needed = f"{one.change.app} {one.change.after}", f"and has to be for {format_duration(soak)} (soak)"
    if ran.until is None:
        return f"{version} has been in {ran.source} since {show_time(ran.since)}, {needed}"
    return f"{version} was in {ran.source} from {show_time(ran.since)} to {show_time(ran.until)} only, {needed}"


def show_time(moment: datetime) -> str:
    """A moment to the minute, in UTC."""
    return f"{moment:%Y-%m-%d %H:%M} UTC"
