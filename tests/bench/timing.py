"""Whole processes by the clock: run in turns, so that what else the machine does falls on all of them alike."""

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import IO


class BenchError(Exception):
    """A command failed or did something else than it should: its time would mean nothing."""


@dataclass(frozen=True, slots=True)
class Ran:
    """A process that ended well; ``memory`` is the peak of it or of the largest of its children, in MB."""

    seconds: float
    memory: float
    out: str


Job = Callable[[], Ran]  # one run, with what prepares and checks it outside the time


def run(command: Sequence[str | Path], environ: Mapping[str, str], folder: Path | None = None) -> Ran:
    """Run it to its end.

    Raises:
        BenchError: it did not exit with 0.

    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        started = time.perf_counter()
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=dict(environ), cwd=folder
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            shown = " ".join(map(str, command))[:300]
            raise BenchError(f"{shown} exited with {process.returncode}:\n{_read(out)[-2000:]}{_read(err)[-2000:]}")
        return Ran(seconds, usage.ru_maxrss / 1024, _read(out))


def _read(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


def check(holds: object, what: str) -> None:
    """Raise BenchError unless it holds."""
    if not holds:
        raise BenchError(what)


def alternate(runs: int, *jobs: Job) -> list[list[Ran]]:
    """Each job so many times, A B A B ..., after one round that does not count."""
    rounds = [[job() for job in jobs] for _ in range(runs + 1)][1:]
    return [list(column) for column in zip(*rounds, strict=True)]


@dataclass(frozen=True, slots=True)
class Figure:
    """A median with the lowest and the highest."""

    median: float
    low: float
    high: float

    def text(self, unit: str, digits: int = 2) -> str:
        """The median, and the spread in brackets."""
        return f"{self.median:.{digits}f} {unit} ({self.low:.{digits}f} to {self.high:.{digits}f})"


def figure(values: Sequence[float]) -> Figure:
    """What these values come to."""
    return Figure(median(values), min(values), max(values))


def seconds(ran: Sequence[Ran]) -> Figure:
    """How long these took."""
    return figure([one.seconds for one in ran])


def ratio(ours: Sequence[Ran], theirs: Sequence[Ran]) -> Figure:
    """The ratio of the medians; its spread is that of the ratios run by run."""
    pairs = [one.seconds / other.seconds for one, other in zip(ours, theirs, strict=True)]
    return Figure(seconds(ours).median / seconds(theirs).median, min(pairs), max(pairs))
