"""GitLab's background jobs: what a request sets going and another one finds done."""

import math
from collections.abc import Callable
from dataclasses import dataclass

Work = Callable[[], None]


@dataclass(frozen=True, slots=True)
class _Job:
    due: float
    work: Work


class Jobs:
    """The jobs that wait for their time on ``clock``; used under the world's lock."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._waiting: list[_Job] = []

    def add(self, delay: float, work: Work) -> None:
        """Do this after ``delay`` seconds of the clock; at once where that is none."""
        if delay <= 0:
            work()
        else:
            self._waiting.append(_Job(self._clock() + delay, work))

    def run_due(self) -> None:
        """Do what is due by now, in the order of the times, and what that makes due."""
        if self._waiting:
            self._run_until(self._clock())

    def run_all(self) -> None:
        """Do everything that will ever be due, as if all the time it needs had passed."""
        self._run_until(math.nextafter(math.inf, 0))

    def _run_until(self, time: float) -> None:
        while due := [job for job in self._waiting if job.due <= time]:
            job = min(due, key=lambda one: one.due)
            self._waiting.remove(job)
            job.work()
