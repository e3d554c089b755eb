"""Time: a clock that is handed on, so that what waits can be tested without waiting; ages and durations in words."""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

DURATION = r"[0-9]{1,9}(\.[0-9]{1,3})?[smhd]?"
_MINUTE, _HOUR, _DAY, _YEAR = 60, 3600, 86400, 365 * 86400
_LONGEST = 10 * _YEAR
_SECONDS = {"s": 1, "m": _MINUTE, "h": _HOUR, "d": _DAY}


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Clock:
    """``monotonic`` counts seconds from any moment on, ``sleep`` waits for so many, ``now`` is the time in UTC."""

    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], datetime] = _utc_now


SYSTEM_CLOCK = Clock()


def polls(clock: Clock, seconds: float, *, first: float = 0.2, longest: float = 5.0) -> Iterator[float]:
    """Once at once and then after ever longer pauses, until ``seconds`` are over; yields the seconds that are left.

    The last turn comes when no time is left, so that whoever polls looks once more at the very end.
    """
    deadline, pause = clock.monotonic() + seconds, first
    while True:
        left = deadline - clock.monotonic()
        yield max(left, 0.0)
        if left <= 0:
            return
        clock.sleep(min(pause, left))
        pause = min(pause * 1.5, longest)


def relative_age(age: float) -> str:
    """Seconds as people say them: ``5 min``, ``3 h``, ``3 d``, ``2 y``. What lies ahead, by a wrong clock, is now."""
    for unit, name, most in ((_MINUTE, "min", _HOUR), (_HOUR, "h", 2 * _DAY), (_DAY, "d", 2 * _YEAR)):
        if age < most:
            return f"{max(int(age // unit), 0)} {name}"
    return f"{int(age // _YEAR)} y"


def parse_duration(text: object) -> float:
    """Seconds of a duration as people write it: ``90``, ``90s``, ``10m``, ``2h`` or ``1d``.

    Raises:
        ValueError: it is none, or one that no calendar holds.

    """
    written = str(text)
    if re.fullmatch(DURATION, written) is None:
        raise ValueError(f"{written!r} is not a duration; write seconds, or 90s, 10m, 2h, 1d")
    seconds = float(written.rstrip("smhd")) * _SECONDS.get(written[-1], 1)
    if seconds > _LONGEST:
        raise ValueError(f"{written!r} is longer than ten years")
    return seconds


def format_duration(seconds: float) -> str:
    """A duration as people read it, to the second: ``42 s``, ``15 min``, ``1 h 30 min``."""
    left, parts = round(seconds), []
    for unit, size in (("d", _DAY), ("h", _HOUR), ("min", _MINUTE), ("s", 1)):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts) or "0 s"


def show_time(moment: datetime) -> str:
    """A moment to the minute, in UTC."""
    return f"{moment:%Y-%m-%d %H:%M} UTC"
