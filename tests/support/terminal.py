"""Bumper on a terminal of some width."""

import contextlib
import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping, Sequence

_LINES = 50


def on_a_terminal(
    arguments: Sequence[str], environ: Mapping[str, str], columns: int | None = None, answer: str | None = None
) -> str:
    """Everything that ``bumper`` writes to a terminal, in the environment ``environ``.

    With an ``answer`` (which may be empty) the terminal is also what it reads from; else it reads nothing. Without
    ``columns`` the terminal does not know its size.
    """
    ours, theirs = pty.openpty()
    if columns is not None:
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", _LINES, columns, 0, 0))
    running = subprocess.Popen(
        [sys.executable, "-m", "bumper", *arguments],
        stdin=subprocess.DEVNULL if answer is None else theirs,
        stdout=theirs,
        stderr=theirs,
        env=dict(environ),
    )
    os.close(theirs)
    if answer:
        os.write(ours, answer.encode())
    seen = bytearray()
    with os.fdopen(ours, "rb", buffering=0) as terminal, contextlib.suppress(OSError):  # the end is an error to read
        while part := terminal.read(65536):
            seen += part
    running.wait(60)
    return seen.decode()
