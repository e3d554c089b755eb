"""Text for a screen: tables and sentences of some width, and colours without hidden signs.

Colours are for a terminal alone, and never where NO_COLOR is set (no-color.org).
"""

import os
import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import takewhile
from typing import TextIO

# What moves a terminal's cursor, hides text from a reader or folds a log of GitLab CI, but line ends and tabs: control
# characters (C0, C1, DEL), marks that turn the direction of writing, line separators of Unicode.
_INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_DIFF = re.compile(r"^(?:\+(?!\+\+ )|-(?!-- )|@@ ).*$", re.MULTILINE)


def visible(text: str) -> str:
    """``text`` with such characters as JSON escapes them: repositories, servers and people may write anything."""
    return _INVISIBLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


class Style(StrEnum):
    """How a part of a text looks; each is a sign that Unicode gives to nobody, which no terminal ever sees."""

    GOOD = "\ufdd0"
    BAD = "\ufdd1"
    ATTENTION = "\ufdd2"
    QUIET = "\ufdd3"
    STRONG = "\ufdd4"
    PLACE = "\ufdd5"
    ERROR = "\ufdd6"
    WARNING = "\ufdd7"


_END = "\ufddf"
_CODES = {
    Style.GOOD: "32", Style.BAD: "31", Style.ATTENTION: "33", Style.QUIET: "2", Style.STRONG: "1", Style.PLACE: "36",
    Style.ERROR: "31;1", Style.WARNING: "33;1", _END: "0",
}  # fmt: skip
_SIGNS = re.compile("[\ufdd0-\ufddf]")


def styled(text: str, style: Style) -> str:
    """``text`` with marks that ``painted`` makes colours of, or takes away."""
    return f"{style}{text}{_END}" if text else text


def styled_diff(diff: str) -> str:
    """A unified diff, whose lines show what comes, what goes, and where."""
    styles = {"+": Style.GOOD, "-": Style.BAD, "@": Style.PLACE}
    return _DIFF.sub(lambda line: styled(line[0], styles[line[0][0]]), diff)


def painted(text: str, stream: TextIO) -> str:
    """``text`` as ``stream`` shows it. Marks that others wrote can do no more than colour their own text."""
    coloured = stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return _SIGNS.sub(lambda sign: f"\x1b[{_CODES[sign[0]]}m" if coloured and sign[0] in _CODES else "", text)


def length(text: str) -> int:
    """How many columns ``text`` takes, without its marks."""
    return len(_SIGNS.sub("", text))


_NARROWEST = 20  # columns


@dataclass(frozen=True, slots=True)
class Screen:
    """What a text is made for: so many columns (None: a file or a log, which has no end), and with ``-v`` all of it."""

    width: int | None = None
    verbose: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """A table's column.

    Where a row is a block of lines, a ``labelled`` cell follows its column's name, from the second line on. A
    ``spare`` column is left out first where there is no room.
    """

    name: str
    labelled: bool = False
    spare: bool = False


def screen_of(stream: TextIO, *, verbose: bool) -> Screen:
    """The screen behind a stream: a terminal's, or the one that COLUMNS tells of."""
    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal() and int(columns):
        return Screen(max(int(columns), _NARROWEST), verbose)
    if not stream.isatty():
        return Screen(None, verbose)
    return Screen(max(os.get_terminal_size(stream.fileno()).columns or 80, _NARROWEST), verbose)


def table(
    screen: Screen, rows: Sequence[Sequence[str]], columns: Sequence[Column] = (), *, indent: str = ""
) -> list[str]:
    """The rows, below the names of ``columns`` if there are some, with their cells one under another.

    On a screen that is too narrow each row is a block of lines.
    """
    names = [[styled(column.name.upper(), Style.STRONG) for column in columns]] if columns else []
    cells = [*names, *rows]
    widths = [max(map(length, column)) for column in zip(*cells, strict=True)]
    padded = ([cell + " " * (width - length(cell)) for cell, width in zip(row, widths, strict=True)] for row in cells)
    lines = [indent + "  ".join(row).rstrip() for row in padded]
    if screen.width is None or all(length(line) <= screen.width for line in lines):
        return lines
    kept = [number for number, column in enumerate(columns) if not column.spare]
    if len(kept) < len(columns):
        shorter = [[row[number] for number in kept] for row in rows]
        return table(screen, shorter, [columns[number] for number in kept], indent=indent)
    return [line for row in rows for line in _block(row, columns, screen.width, indent)]


def _block(row: Sequence[str], columns: Sequence[Column], width: int, indent: str) -> list[str]:
    """As many cells on a line as there is room for; a cell that is wider than a line is broken between words."""
    lines: list[str] = []
    further = f"{indent}  "
    labels = [column.name if column.labelled else "" for column in columns] or [""] * len(row)
    for label, cell in zip(labels, row, strict=True):
        text = f"{label} {cell}" if label else cell
        begins = label and len(lines) == 1
        if not lines:
            lines.append(indent + text)
        elif cell and not begins and length(lines[-1]) + 2 + length(text) <= width:
            lines[-1] += f"  {text}"
        elif cell:
            lines += wrapped(text, width, further, further)
    return lines


def wrapped(text: str, width: int | None, first: str = "", further: str = "") -> list[str]:
    """A sentence in lines of at most ``width`` columns, broken between words; a longer word, as a URL, stays whole."""
    if width is None or length(first + text) <= width:
        return [first + text]
    return textwrap.wrap(
        text, width, initial_indent=first, subsequent_indent=further, break_long_words=False, break_on_hyphens=False
    )


def short_names(screen: Screen, images: Iterable[str]) -> Mapping[str, str]:
    """The images' names without the registry and the groups that all of them share; with ``-v`` whole."""
    known = dict.fromkeys(images)
    if screen.verbose or not known:
        return {image: image for image in known}
    groups = zip(*(image.split("/")[:-1] for image in known), strict=False)
    shared = sum(1 for _ in takewhile(lambda names: len(set(names)) == 1, groups))
    return {image: "/".join(image.split("/")[shared:]) for image in known}


def count(number: int, what: str) -> str:
    """``1 image``, ``103 images``."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
