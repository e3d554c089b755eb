"""Progress on stderr: what takes longer than a second is told, in a terminal by a line that goes away again.

With -v every step is told as it begins; in GitLab CI it is a section that folds (GitLab's documentation of job logs).
"""

import logging
import os
import re
import shutil
import sys
import threading
import time

from bumper.progress import LOGGER

_TIMEOUT = 1.0  # seconds before a step is worth a line
_REDRAWN = 0.2  # seconds
_CLEAR = "\r\x1b[2K"
_AFTER_A_MARK = "\r\x1b[0K"  # GitLab: behind a section's mark, which is then not shown
_NO_NAME = re.compile(r"[^a-z0-9]+")


class Progress(logging.Handler):
    """Shows the steps of one run."""

    def __init__(self) -> None:
        super().__init__()
        self.verbose = False
        self._live = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self._folds = os.environ.get("GITLAB_CI") == "true"
        self._step, self._began, self._section, self._drawn = "", 0.0, "", False
        self._ended, self._screen = threading.Event(), threading.Lock()

    def emit(self, record: logging.LogRecord) -> None:
        """The step of ``record`` begins."""
        self.end_step()
        self._step, self._began, self._ended = record.getMessage(), time.monotonic(), threading.Event()
        if self.verbose:
            self._open_section()
        else:
            threading.Thread(target=self._watch, args=(self._step, self._ended), daemon=True).start()

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
        pause = _TIMEOUT
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


_shown: Progress | None = None


def start() -> None:
    """Show the steps from now on, until ``stop``."""
    global _shown  # noqa: PLW0603 - one terminal, one line
    _shown = Progress()
    LOGGER.addHandler(_shown)
    LOGGER.setLevel(logging.INFO)
    LOGGER.propagate = False


def stop() -> None:
    """The run is over."""
    global _shown  # noqa: PLW0603 - as above
    if _shown is not None:
        _shown.end_step()
        LOGGER.removeHandler(_shown)
    _shown = None


def tell(line: str) -> None:
    """A line on stderr, where the line of the step under way makes room for it."""
    if _shown is not None:
        _shown.end_step()
    print(line, file=sys.stderr, flush=True)


def tell_every_step() -> None:
    """As -v wants it."""
    if _shown is not None:
        _shown.verbose = True
