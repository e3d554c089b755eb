"""What a terminal of some width shows of a command, as text and as a picture's page."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.terminal_theme import NIGHT_OWLISH
from rich.text import Text

_LINES = 50
_LIVE = re.compile(r"\r\x1b\[2K[^\r\n]*(?=\r\x1b\[2K)|\r\x1b\[2K")


def typed(arguments: Sequence[str], columns: int, environ: Mapping[str, str], answer: str = "") -> str:
    """What ``bumper`` writes to a terminal, without the lines of progress that go away again."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", _LINES, columns, 0, 0))
    running = subprocess.Popen(
        [sys.executable, "-m", "bumper", *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**environ, "TERM": "xterm-256color"},
    )
    os.close(theirs)
    if answer:
        os.write(ours, answer.encode())
    seen = b""
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        try:
            while part := terminal.read(65536):
                seen += part
        except OSError:  # how Linux says that the other side is closed
            pass
    running.wait(60)
    return _LIVE.sub("", seen.decode().replace("\r\n", "\n"))


def as_page(title: str, shown: str, columns: int) -> str:
    """The terminal as a page for a browser."""
    console = Console(record=True, width=columns, file=open(os.devnull, "w", encoding="utf-8"), force_terminal=True)  # noqa: SIM115, PTH123 - lives as long as the console
    console.print(Text(f"$ {title}", "bold"))
    console.print(Text.from_ansi(shown), soft_wrap=False)
    return console.export_html(theme=NIGHT_OWLISH, inline_styles=True)
