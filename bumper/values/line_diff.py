"""A unified diff of two versions of a file whose edits never add or remove a line."""

from collections.abc import Iterator

_CONTEXT = 3


def unified_diff(path: str, before: bytes, after: bytes) -> str:
    """The diff as git prints it, with three lines of context; empty where nothing differs.

    Comparing line by line is enough, because an edit keeps the number of lines, and fast on a file of any size.
    """
    old, new = _lines(before), _lines(after)
    changed = [number for number, (left, right) in enumerate(zip(old, new, strict=True)) if left != right]
    if not changed:
        return ""
    hunks = [f"diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n"]
    for first, last in _spans(changed, len(old) - (old[-1] == "")):
        where = f"{first + 1},{last - first}" if last - first != 1 else f"{first + 1}"
        hunks.append(f"@@ -{where} +{where} @@\n")
        hunks += _hunk(old, new, first, last)
    return "".join(hunks)


def _lines(content: bytes) -> list[str]:
    return content.decode(errors="replace").split("\n")


def _spans(changed: list[int], count: int) -> Iterator[tuple[int, int]]:
    """The ranges of lines that the hunks show; close ones are one."""
    first = changed[0]
    for number, following in zip(changed, [*changed[1:], None], strict=True):
        if following is None or following - number > 2 * _CONTEXT + 1:
            yield max(first - _CONTEXT, 0), min(number + _CONTEXT + 1, count)
            first = following if following is not None else first


def _hunk(old: list[str], new: list[str], first: int, last: int) -> Iterator[str]:
    number = first
    while number < last:
        if old[number] == new[number]:
            yield from _line(" ", old, number)
            number += 1
            continue
        end = number
        while end < last and old[end] != new[end]:
            end += 1
        for sign, lines in (("-", old), ("+", new)):
            for each in range(number, end):
                yield from _line(sign, lines, each)
        number = end


def _line(sign: str, lines: list[str], number: int) -> Iterator[str]:
    yield f"{sign}{lines[number]}\n"
    if number == len(lines) - 1:  # a text that ends in a line end has one more, empty piece, which no hunk holds
        yield "\\ No newline at end of file\n"
