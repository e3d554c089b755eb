"""Progress on stderr: a step that takes longer than a second is shown, in a terminal by a line that goes away again.

With -v every step is printed as it begins; in GitLab CI a section that folds (GitLab's documentation of job logs).
"""

import contextlib
import logging
import re
import shutil
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from typing import TextIO

from bumper.cli.screen import colour_diff, is_coloured, mark, painted, visible
from bumper.progress import LOGGER
from bumper.redaction import Redactor
from bumper.settings import environment_redactor

_SLOW = 1.0  # seconds before a step is worth a line
_REDRAWN = 0.2  # seconds
_CLEAR = "\r\x1b[2K"
_AFTER_A_MARK = "\r\x1b[0K"  # GitLab: behind a section's mark, which is then not shown
_NO_NAME = re.compile(r"[^a-z0-9]+")


class _Redacted(logging.Formatter):
    """Log lines without secrets."""

    def __init__(self, redact: Redactor) -> None:
        super().__init__("%(message)s")
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        """The line of ``record``."""
        return visible(self._redact(super().format(record)))


class Progress(logging.Handler):
    """Shows the steps of one run."""

    def __init__(self, environ: Mapping[str, str], slow: float = _SLOW) -> None:
        """Show a step that takes longer than ``slow`` seconds."""
        super().__init__()
        self.redact = environment_redactor(environ)
        self.verbose = False
        self._slow = slow
        self._live = sys.stderr.isatty() and environ.get("TERM") != "dumb"
        self._folds = environ.get("GITLAB_CI") == "true"
        self._step, self._began, self._section, self._drawn = "", 0.0, "", False
        self._ended, self._screen = threading.Event(), threading.Lock()

    @contextlib.contextmanager
    def shown(self) -> Iterator[None]:
        """Show the steps of what is done meanwhile."""
        LOGGER.addHandler(self)
        LOGGER.setLevel(logging.INFO)
        LOGGER.propagate = False
        try:
            yield
        finally:
            self.end_step()
            LOGGER.removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """The step of ``record`` begins."""
        self.end_step()
        self._step, self._began, self._ended = (
            visible(self.redact(record.getMessage())),
            time.monotonic(),
            threading.Event(),
        )
        if self.verbose:
            self._open_section()
        else:
            with contextlib.suppress(RuntimeError):  # the machine has no thread left: then without a line
                threading.Thread(target=self._watch, args=(self._step, self._ended), daemon=True).start()

    def print(self, text: str, *, label: str = "", diff: str = "") -> None:
        """Print a text on stderr; the line of the step under way makes room for it.

        ``label`` (``error`` or ``warning``) goes before it, ``diff`` is the part of it that is one: both in colours.
        """
        self.end_step()
        before = f"{mark(label, sys.stderr)} " if label else ""
        print(f"{before}{self.legible(text, diff, sys.stderr)}", file=sys.stderr, flush=True)

    def plain(self, text: str) -> str:
        """``text`` without secrets and invisible characters."""
        return visible(self.redact(text))

    def legible(self, text: str, diff: str, stream: TextIO) -> str:
        """``text`` as it is printed: without secrets and invisible characters, ``diff`` in it in colours."""
        text, diff = self.plain(text), self.plain(diff)
        return painted(text.replace(diff, colour_diff(diff)) if diff and is_coloured(stream) else text, stream)

    def show_details(self) -> None:
        """Print every step, every git command and every request to GitLab."""
        self.verbose = True
        lines = logging.StreamHandler()
        lines.setFormatter(_Redacted(self.redact))
        logging.basicConfig(level=logging.WARNING, handlers=[lines])
        logging.getLogger("bumper").setLevel(logging.DEBUG)

    def end_step(self) -> None:
        """Nothing is under way: the screen is free for other lines."""
        self._ended.set()
        with self._screen:
            if self._drawn:
                print(_CLEAR, end="", file=sys.stderr, flush=True)
            self._drawn = False
        if self._section:
            print(f"section_end:{int(time.time())}:{self._section}{_AFTER_A_MARK}", file=sys.stderr)
        self._section = ""

    def _open_section(self) -> None:
        if not self._folds:
            print(f"{self._step} ...", file=sys.stderr, flush=True)
            return
        self._section = f"bumper_{_NO_NAME.sub('_', self._step.lower()).strip('_')[:60]}"
        head = f"section_start:{int(time.time())}:{self._section}[collapsed=true]{_AFTER_A_MARK}"
        print(f"{head}{self._step}", file=sys.stderr, flush=True)

    def _watch(self, step: str, ended: threading.Event) -> None:
        pause = self._slow
        while not ended.wait(pause):
            with self._screen:
                if ended.is_set():
                    return
                if not self._live:
                    print(f"{step} ...", file=sys.stderr, flush=True)
                    return
                line = f"{step} ... {time.monotonic() - self._began:.0f} s"
                print(f"{_CLEAR}{line[: shutil.get_terminal_size().columns - 1]}", end="", file=sys.stderr, flush=True)
                self._drawn = True
            pause = _REDRAWN
