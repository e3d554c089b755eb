"""How text looks: colour, on a terminal alone and never where NO_COLOR is set (no-color.org), and no hidden signs."""

import os
import re
from enum import StrEnum
from typing import TextIO

_DIFF = (
    (re.compile(r"^(\+(?!\+\+ ).*)$", re.MULTILINE), "32"),
    (re.compile(r"^(-(?!-- ).*)$", re.MULTILINE), "31"),
    (re.compile(r"^(@@ .*)$", re.MULTILINE), "36"),
)


# What moves a terminal's cursor, hides text from a reader or folds a log of GitLab CI, but line ends and tabs: control
# characters (C0, C1, DEL), marks that turn the direction of writing, line separators of Unicode.
_INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


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


_END = "\ufddf"
_CODES = {Style.GOOD: "32", Style.BAD: "31", Style.ATTENTION: "33", Style.QUIET: "2", Style.STRONG: "1", _END: "0"}
_SIGNS = re.compile("[\ufdd0-\ufddf]")


def styled(text: str, style: Style) -> str:
    """``text`` with marks that ``painted`` makes colours of, or takes away."""
    return f"{style}{text}{_END}" if text else text


def length(text: str) -> int:
    """How many columns ``text`` takes, without its marks."""
    return len(_SIGNS.sub("", text))


def painted(text: str, stream: TextIO) -> str:
    """``text`` as ``stream`` shows it. Marks that others wrote can do no more than colour their own text."""
    coloured = is_coloured(stream)
    return _SIGNS.sub(lambda sign: f"\x1b[{_CODES[sign[0]]}m" if coloured and sign[0] in _CODES else "", text)


def is_coloured(stream: TextIO) -> bool:
    """Whether what is written to ``stream`` may have colours."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def colour_diff(diff: str) -> str:
    """A unified diff as a terminal shows it."""
    for lines, colour in _DIFF:
        diff = lines.sub(f"\x1b[{colour}m\\1\x1b[0m", diff)
    return diff


def mark(word: str, stream: TextIO) -> str:
    """``error`` in red and ``warning`` in yellow, where there are colours."""
    colour = {"error": "31;1", "warning": "33;1"}[word]
    return f"\x1b[{colour}m{word}:\x1b[0m" if is_coloured(stream) else f"{word}:"
