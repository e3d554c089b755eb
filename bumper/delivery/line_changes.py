"""The lines that a commit changes, each at its place, and where these places are in files that have moved on. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from itertools import takewhile

_MAX_LINES = 1000  # that differ: with more, comparing takes seconds, and the proposal is made again instead


@dataclass(frozen=True, slots=True)
class LineChange:
    """A line before and after; ``number`` counts from zero, and is None where the line is not there any more."""

    path: str
    number: int | None
    old: bytes
    new: bytes


def changed_lines(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> list[LineChange] | None:
    """The lines that differ, by path and place; None where a file has got more or fewer lines."""
    changes: list[LineChange] = []
    for path in sorted(after):
        old, new = before.get(path, b"").split(b"\n"), after[path].split(b"\n")
        if len(old) != len(new):
            return None
        pairs = enumerate(zip(old, new, strict=True))
        changes += [LineChange(path, number, was, now) for number, (was, now) in pairs if was != now]
    return changes


def moved(changes: Iterable[LineChange], before: Mapping[str, bytes], now: Mapping[str, bytes]) -> list[LineChange]:
    """The changes of lines of ``before``, at the places where these lines are ``now``."""
    places = {path: _places(before.get(path, b"").split(b"\n"), now.get(path, b"").split(b"\n")) for path in before}
    return [replace(one, number=places.get(one.path, {}).get(one.number or 0)) for one in changes]


def _places(before: Sequence[bytes], now: Sequence[bytes]) -> dict[int, int]:
    """Which line of ``before`` is which one ``now``."""
    shortest = min(len(before), len(now))
    first = _alike(zip(before, now, strict=False))
    last = min(_alike(zip(reversed(before), reversed(now), strict=False)), shortest - first)
    places = {number: number for number in range(first)}
    places |= {len(before) - number: len(now) - number for number in range(1, last + 1)}
    old, new = before[first : len(before) - last], now[first : len(now) - last]
    if max(len(old), len(new)) <= _MAX_LINES:
        for a, b, size in SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks():
            places |= {first + a + step: first + b + step for step in range(size)}
    return places


def _alike(pairs: Iterable[tuple[bytes, bytes]]) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
