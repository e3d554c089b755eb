"""Pins of different images that read one scalar, through an anchor or a merge key: none may move another silently."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from bumper.values.pin import OtherPin, Pin
from bumper.values.yaml_tree import Scalar


def mark_shared(pins: Sequence[Pin]) -> tuple[Pin, ...]:
    """``pins`` (of one file), each with the pins of other images that share a scalar with it."""
    readers: defaultdict[int, list[Pin]] = defaultdict(list)
    for pin in pins:
        for scalar in pin.scalars:
            readers[scalar.start].append(pin)
    if all(len(sharing) == 1 for sharing in readers.values()):
        return tuple(pins)
    return tuple(replace(pin, others=_others(pin, readers)) for pin in pins)


def _others(pin: Pin, readers: dict[int, list[Pin]]) -> tuple[OtherPin, ...]:
    return tuple(
        OtherPin(other.path, other.line, other.repository, scalar)
        for scalar in pin.scalars
        for other in readers[scalar.start]
        if other.repository is not None and other.repository != pin.repository
    )


def moved_unasked(pin: Pin, written: Iterable[Scalar], asked: Sequence[Pin]) -> OtherPin | None:
    """The first pin of another image that changes when ``written`` scalars of ``pin`` do, and is not asked for."""
    starts = {scalar.start for scalar in written}
    named = {(one.repository, scalar.start) for one in asked for scalar in one.scalars}
    for other in pin.others:
        if other.scalar.start in starts and (other.repository, other.scalar.start) not in named:
            return other
    return None
