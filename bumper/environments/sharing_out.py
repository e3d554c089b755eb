"""Work shared out among the machine's cores, where it is worth their start."""

import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

Item = TypeVar("Item")
Done = TypeVar("Done")

_MAX_PROCESSES = 4
_CAN_FORK = sys.platform == "linux"  # elsewhere a fork of a process with threads may not survive

_inherited: tuple[Callable[[Any], Any], Sequence[Any]]  # in a forked process: neither is ever sent


def chunks(items: Sequence[Item], size: int) -> list[Sequence[Item]]:
    """``items`` in their order, ``size`` of them together."""
    return [items[start : start + size] for start in range(0, len(items), size)]


def map_in_processes(work: Callable[[Item], Done], items: Sequence[Item]) -> list[Done]:
    """What ``work`` makes of every item, in their order; what it returns (or raises) has to be picklable.

    The processes are forked, so that ``work`` and the items, however large, are there already.
    """
    processes = min(_MAX_PROCESSES, len(items), _cores()) if _CAN_FORK else 1
    if processes < 2:  # noqa: PLR2004 - nobody to share with
        return list(map(work, items))
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import get_context

    try:
        with ProcessPoolExecutor(processes, get_context("fork"), _inherit, (work, items)) as pool:
            return list(pool.map(_work_on, range(len(items))))
    except (BrokenProcessPool, OSError):  # one was killed, or no more can be started: alone it takes longer
        return list(map(work, items))


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


def _inherit(work: Callable[[Any], Any], items: Sequence[Any]) -> None:
    """At a process's start. ^C reaches the whole group; whoever waits for the work tells of it."""
    global _inherited  # noqa: PLW0603 - the one thing that a forked process knows
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _inherited = work, items


def _work_on(index: int) -> Any:  # noqa: ANN401 - what work returns
    work, items = _inherited
    return work(items[index])
