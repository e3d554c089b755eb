"""When a freeze of bumper.yaml begins or ends: a day of the week or a date, with a time. Pure."""

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_WEEKLY = re.compile(r"(?P<day>[A-Za-z]{3,9}) +(?P<time>\d{1,2}:\d{2})", re.ASCII)
_DATED = re.compile(r"(?P<date>\d{4}-\d{2}-\d{2})[ T]+(?P<time>\d{1,2}:\d{2})", re.ASCII)


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
