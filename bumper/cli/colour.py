"""Colour, on a terminal alone and never where NO_COLOR is set (no-color.org)."""

import os
import re
from typing import TextIO

_DIFF = (
    (re.compile(r"^(\+(?!\+\+ ).*)$", re.MULTILINE), "32"),
    (re.compile(r"^(-(?!-- ).*)$", re.MULTILINE), "31"),
    (re.compile(r"^(@@ .*)$", re.MULTILINE), "36"),
)


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
