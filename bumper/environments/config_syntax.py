"""Texts of bumper.yaml with a syntax of their own: ``at``, ``tags``, and when a freeze begins or ends. Pure."""

import math
import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import TypeAlias

import regex

from bumper.environments.path_pattern import APP
from bumper.errors import Refused
from bumper.values.pin import PinPath, parse_path

Section: TypeAlias = PinPath  # {app} in it stands for every key there

_HIDDEN = "\ue000app\ue001"
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_WEEKLY = re.compile(r"(?P<day>[A-Za-z]{3,9}) +(?P<time>\d{1,2}:\d{2})", re.ASCII)
_DATED = re.compile(r"(?P<date>[1-9]\d{3}-\d{2}-\d{2})[ T]+(?P<time>\d{1,2}:\d{2})", re.ASCII)
_COUNT = regex.compile(r"(\)?)\{(\d+)")  # of a repetition; of a group, where a parenthesis is before it
_MAX_COUNT = 100_000  # repetitions inside one another are written out when an expression is compiled
_TIMEOUT = 1.0  # seconds for one tag: an expression like (a+)+ takes longer than anybody waits


def parse_section(at: str | None, app: str = APP) -> Section:
    """The section that bumper.yaml's ``at`` names, with the name of ``app`` in it; all of the file without ``at``.

    Raises:
        ValueError: it is not a path.

    """
    if at is None:
        return ()
    steps = parse_path(at.replace(APP, _HIDDEN))
    return tuple(step.replace(_HIDDEN, app) if isinstance(step, str) else step for step in steps)


def are_apart(one: Section, other: Section) -> bool:
    """Whether no pin can be in both sections."""
    return any(
        here != there and APP not in str(here) and APP not in str(there)
        for here, there in zip(one, other, strict=False)
    )


@dataclass(frozen=True, slots=True)
class WeekTime:
    """A time on a day of the week; Monday is 0."""

    day: int
    time: time

    def before(self, local: datetime) -> datetime:
        """The last such time at or before a local time."""
        found = datetime.combine(local.date() - timedelta((local.weekday() - self.day) % 7), self.time)
        return found if found <= local else found - timedelta(7)

    def after(self, local: datetime) -> datetime:
        """The next such time after a local time."""
        return self.before(local) + timedelta(7)


def parse_moment(text: str) -> WeekTime | datetime:
    """``Fri 17:00`` or ``2026-12-28 18:00``.

    Raises:
        ValueError: it is neither.

    """
    try:
        if (weekly := _WEEKLY.fullmatch(text.strip())) is not None:
            return WeekTime(_day(weekly["day"]), _time(weekly["time"]))
        if (dated := _DATED.fullmatch(text.strip())) is not None:
            return datetime.combine(date.fromisoformat(dated["date"]), _time(dated["time"]))
    except ValueError as error:
        raise ValueError(f"{text!r} is not a time: {error}") from error
    raise ValueError(f"{text!r} is not a time of a freeze; write Fri 17:00, or 2026-12-28 18:00")


def _day(name: str) -> int:
    found = [number for number, day in enumerate(_DAYS) if name.lower() in (day, day[:3])]
    if not found:
        raise ValueError(f"{name} is not a day of the week; write Mon, Tue, Wed, Thu, Fri, Sat or Sun")
    return found[0]


def _time(text: str) -> time:
    hours, minutes = map(int, text.split(":"))
    if hours > 23 or minutes > 59:  # noqa: PLR2004 - a day's hours, an hour's minutes
        raise ValueError(f"{text} is not between 00:00 and 23:59")
    return time(hours, minutes)


def in_zone(local: datetime, zone: tzinfo, *, later: bool = False) -> datetime:
    """A local time with its zone; of two that it means when clocks are put back the earlier one, unless ``later``."""
    return local.replace(tzinfo=zone, fold=1 if later else 0)


@lru_cache
def compile_expression(expression: str) -> regex.Pattern[str]:
    """``expression``, whose classes (digits, letters, blanks) are ASCII's: a tag has no other characters.

    Raises:
        ValueError: it is no regular expression, or repeats something too often.

    """
    counts = [(bool(group), int(count[:9])) for group, count in _COUNT.findall(expression)]
    largest = max((count for _, count in counts), default=1)
    if largest * math.prod(count for of_group, count in counts if of_group and count) > _MAX_COUNT:
        raise ValueError("it repeats something too often")
    try:
        return regex.compile(expression, regex.ASCII)
    except (regex.error, OverflowError, RecursionError) as error:
        raise ValueError(str(error)) from error


def matches_as_a_whole(expression: str, tag: str) -> bool:
    """Whether ``expression`` matches all of ``tag``.

    Raises:
        Refused: it needs too long to tell.

    """
    try:
        return compile_expression(expression).fullmatch(tag, timeout=_TIMEOUT) is not None
    except TimeoutError as error:
        raise Refused(
            f"the expression {expression!r} (tags in bumper.yaml) needs more than {_TIMEOUT:.0f} s to match {tag!r}",
            "write it without a repetition inside a repetition",
        ) from error
