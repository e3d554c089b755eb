"""A clock that tests put in the place of the machine's."""

import time


class Clock:
    """The machine's monotonic clock, ahead of it by all pauses that were asked for: they pass at once."""

    def __init__(self) -> None:
        self.slept = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.slept

    def sleep(self, seconds: float) -> None:
        self.slept += seconds
