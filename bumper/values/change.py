"""A change: a pin with its tag before and after, and the diff of a file whose pins change."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from bumper.image import ImageReference, Repository
from bumper.values.pin import Pin, Version, format_path

_CONTEXT = 3  # lines of a diff around what changed


@dataclass(frozen=True, slots=True)
class Change:
    """One pin's change; ``path`` is written as ``--path`` takes it, ``line`` counts from 1."""

    app: str
    file: str
    path: str
    line: int
    image: Repository
    before: Version
    after: Version
    image_before: Repository | None = None  # where it was another one

    @property
    def place(self) -> tuple[str, str]:
        """The pin by its file and path."""
        return self.file, self.path

    @property
    def reference(self) -> ImageReference:
        """The image that runs after the change."""
        return ImageReference(self.image, self.after.tag, self.after.digest)


@dataclass(frozen=True, slots=True)
class Held:
    """A change that a hold stopped."""

    change: Change
    reason: str


def make_change(app: str, file: str, pin: Pin, after: Version) -> Change:
    """The change of a pin whose repository is known."""
    if pin.repository is None:
        raise ValueError(f"{file}: {format_path(pin.path)} names no repository")
    return Change(app, file, format_path(pin.path), pin.line, pin.repository, pin.version, after)


def as_it_is(app: str, file: str, pin: Pin) -> Change:
    """The pin, whose tag stays."""
    return make_change(app, file, pin, pin.version)


def outcome(changes: Iterable[Change]) -> set[tuple[str, str, Version]]:
    """What the pins hold after ``changes``, whatever they held before."""
    return {(change.file, change.path, change.after) for change in changes}


def unified_diff(path: str, before: bytes, after: bytes) -> str:
    """The diff as git prints it, of two versions of a file whose edits never add or remove a line; empty if alike.

    So comparing line by line is enough, and fast on a file of any size.
    """
    old, new = (content.decode(errors="replace").split("\n") for content in (before, after))
    changed = [number for number, (left, right) in enumerate(zip(old, new, strict=True)) if left != right]
    if not changed:
        return ""
    diff = [f"diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n"]
    for first, last in _spans(changed, len(old) - (old[-1] == "")):
        where = f"{first + 1},{last - first}" if last - first != 1 else f"{first + 1}"
        diff.append(f"@@ -{where} +{where} @@\n")
        for is_same, run in groupby(range(first, last), lambda number: old[number] == new[number]):
            numbers = list(run)
            for sign, lines in ((" ", old),) if is_same else (("-", old), ("+", new)):
                diff += [_line(sign, lines, number) for number in numbers]
    return "".join(diff)


def _spans(changed: list[int], count: int) -> Iterator[tuple[int, int]]:
    """The ranges of lines that the hunks show; close ones are one."""
    first = changed[0]
    for number, following in zip(changed, [*changed[1:], None], strict=True):
        if following is None or following - number > 2 * _CONTEXT + 1:
            yield max(first - _CONTEXT, 0), min(number + _CONTEXT + 1, count)
            first = following if following is not None else first


def _line(sign: str, lines: list[str], number: int) -> str:
    is_last = number == len(lines) - 1  # a text that ends in a line end has one more, empty piece, which no hunk holds
    return f"{sign}{lines[number]}\n" + ("\\ No newline at end of file\n" if is_last else "")
