"""Time as a value that is handed on: what waits can be tested without waiting."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime


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
