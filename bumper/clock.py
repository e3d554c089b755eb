"""Time as a value that is handed on: what waits can be tested without waiting."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

_MINUTE, _HOUR, _DAY, _YEAR = 60, 3600, 86400, 365 * 86400


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
