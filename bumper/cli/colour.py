"""How text looks: colour, on a terminal alone and never where NO_COLOR is set (no-color.org), and no hidden signs."""

import os
import re
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
