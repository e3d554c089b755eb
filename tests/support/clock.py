"""A clock that tests put in the place of the machine's."""

import time

from bumper.clock import Clock


class _Skipping:
    def __init__(self) -> None:
        self._slept = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self._slept

    def sleep(self, seconds: float) -> None:
        self._slept += seconds


class _Counting(_Skipping):
    def monotonic(self) -> float:
        return self._slept


def counting_clock() -> Clock:
    """A clock on which no time passes but the pauses that were asked for, however slow the machine is."""
    counting = _Counting()
    return Clock(counting.monotonic, counting.sleep)


def skipping_clock() -> Clock:
    """The machine's clock, ahead of it by all pauses that were asked for: they pass at once."""
    skipping = _Skipping()
    return Clock(skipping.monotonic, skipping.sleep)
