"""What a terminal of some width shows of a command, as text and as a picture's page."""

import os
import re
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.terminal_theme import NIGHT_OWLISH
from rich.text import Text

from tests.support.terminal import on_a_terminal

_LIVE = re.compile(r"\r\x1b\[2K[^\r\n]*(?=\r\x1b\[2K)|\r\x1b\[2K")


def typed(arguments: Sequence[str], columns: int, environ: Mapping[str, str], answer: str = "") -> str:
    """What ``bumper`` writes to a terminal, without the lines of progress that go away again."""
    seen = on_a_terminal(arguments, {**environ, "TERM": "xterm-256color"}, columns, answer)
    return _LIVE.sub("", seen.replace("\r\n", "\n"))


def as_page(title: str, shown: str, columns: int) -> str:
    """The terminal as a page for a browser."""
    console = Console(record=True, width=columns, file=open(os.devnull, "w", encoding="utf-8"), force_terminal=True)  # noqa: SIM115, PTH123 - lives as long as the console
    console.print(Text(f"$ {title}", "bold"))
    console.print(Text.from_ansi(shown), soft_wrap=False)
    return console.export_html(theme=NIGHT_OWLISH, inline_styles=True)
