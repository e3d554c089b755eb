"""One run of the command line: results to stdout; progress, warnings and questions to stderr.

A step that takes longer than a second is shown, in a terminal by a line that goes away again. With -v every step is
printed as it begins; in GitLab CI as a section that folds (GitLab's documentation of job logs).
"""

import contextlib
import json
import logging
import re
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Literal, TypeAlias, TypeVar

import typer

from bumper.cli.screen import Screen, Style, painted, screen_of, styled, styled_diff, visible
from bumper.clock import Clock
from bumper.errors import BumperError, Refused, Unavailable
from bumper.log import LOGGER
from bumper.settings import environment_redactor

Output: TypeAlias = Literal["text", "json"]
_Result = TypeVar("_Result")
_REDRAWN = 0.2  # seconds
_CLEAR = "\r\x1b[2K"
_AFTER_A_MARK = "\r\x1b[0K"  # GitLab: behind a section's mark, which is then not shown
_NO_NAME = re.compile(r"[^a-z0-9]+")


class Run(logging.Handler):
    """Prints results on stdout and everything else on stderr, without secrets; shows steps that take long.

    ``output`` is what the command line asks for, even where Typer stops at a mistake before it has read ``--output``.
    ``has_shown``: the changes are on the user's screen already. ``done`` is the JSON of what was done before a failure.
    """

    def __init__(self, environ: Mapping[str, str], output: Output, clock: Clock, slow: float) -> None:
        """A step is shown that takes longer than ``slow`` seconds."""
        super().__init__()
        self.output, self.clock = output, clock
        self.verbose, self.has_shown = False, False
        self.done: Mapping[str, Any] = {}
        self._redact = environment_redactor(environ)
        self._slow = slow
        self._live = sys.stderr.isatty() and environ.get("TERM") != "dumb"
        self._folds = environ.get("GITLAB_CI") == "true"
        self._section, self._drawn = "", False
        self._ended, self._drawing = threading.Event(), threading.Lock()

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
            for logger in (LOGGER, logging.getLogger()):  # the second one has it for -v
                logger.removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """The step of ``record`` begins; any other record is a line for ``-v``."""
        step = self.plain(self.format(record))
        if record.name != LOGGER.name:
            print(step, file=sys.stderr, flush=True)
            return
        self.end_step()
        if self.verbose and self._folds:
            self._section = f"bumper_{_NO_NAME.sub('_', step.lower()).strip('_')[:60]}"
            mark_of_begin = f"section_start:{int(time.time())}:{self._section}[collapsed=true]{_AFTER_A_MARK}"
            print(f"{mark_of_begin}{step}", file=sys.stderr, flush=True)
        elif self.verbose:
            print(f"{step} ...", file=sys.stderr, flush=True)
        else:
            self._ended = threading.Event()
            with contextlib.suppress(RuntimeError):  # the machine has no thread left: then without a line
                watch = threading.Thread(target=self._watch, args=(step, time.monotonic(), self._ended), daemon=True)
                watch.start()

    def _watch(self, step: str, began: float, ended: threading.Event) -> None:
        pause = self._slow
        while not ended.wait(pause):
            with self._drawing:
                if ended.is_set():
                    return
                if not self._live:
                    print(f"{step} ...", file=sys.stderr, flush=True)
                    return
                line = f"{step} ... {time.monotonic() - began:.0f} s"
                print(f"{_CLEAR}{line[: shutil.get_terminal_size().columns - 1]}", end="", file=sys.stderr, flush=True)
                self._drawn = True
            pause = _REDRAWN

    def end_step(self) -> None:
        """Nothing is under way: the screen is free for other lines."""
        self._ended.set()
        with self._drawing:
            if self._drawn:
                print(_CLEAR, end="", file=sys.stderr, flush=True)
            self._drawn = False
        if self._section:
            print(f"section_end:{int(time.time())}:{self._section}{_AFTER_A_MARK}", file=sys.stderr)
        self._section = ""

    def print(self, text: str, label: Style | None = None) -> None:
        """Print a text on stderr, as an error or a warning where the ``label`` says so; a step makes room for it."""
        self.end_step()
        before = f"{styled(f'{label.name.lower()}:', label)} " if label is not None else ""
        print(painted(f"{before}{self.plain(text)}", sys.stderr), file=sys.stderr, flush=True)

    def plain(self, text: str) -> str:
        """``text`` without secrets and invisible characters."""
        return visible(self._redact(text))

    def show_details(self) -> None:
        """Print every step, every git command and every request to GitLab."""
        self.verbose = True
        logging.basicConfig(level=logging.WARNING, format="%(message)s", handlers=[self])
        logging.getLogger("bumper").setLevel(logging.DEBUG)

    @property
    def screen(self) -> Screen:
        """What results are made for."""
        return screen_of(sys.stdout, verbose=self.verbose)

    def show(
        self, result: _Result, data: Callable[[_Result], Mapping[str, Any]], text: Callable[[_Result, Screen], str],
        warnings: Iterable[str] = (), *, diff: str = "", to_stderr: bool = False, error: BumperError | None = None,
    ) -> None:  # fmt: skip
        """Print a result as the user chose, as ``data`` or as ``text``, and the ``error`` that it comes to.

        ``diff`` is the part of the text that is one, for its colours; ``to_stderr`` where stdout is for something else.
        """
        for warning in warnings:
            self.print(warning, Style.WARNING)
        self.end_step()
        stream = sys.stderr if to_stderr else sys.stdout
        if self.output == "json":
            printed = self.as_json({**data(result), **(error_data(error) if error is not None else {})})
        else:
            printed, diff = self.plain(text(result, self.screen)), self.plain(diff)
            printed = painted(printed.replace(diff, styled_diff(diff)) if diff else printed, stream)
        try:
            print(printed, file=stream, flush=True)
        except BrokenPipeError as broken:  # Typer would end with exit code 1 and no word
            what, next_step = "the result could not be printed", "the program that reads the output ended first"
            raise Unavailable(what, next_step) from broken
        if error is not None:
            self.print(str(error), Style.ERROR)
            raise typer.Exit(error.exit_code)

    def as_json(self, data: Mapping[str, Any]) -> str:
        """One JSON object, without secrets."""
        return self.plain(json.dumps(data, ensure_ascii=False, indent=2))


def error_data(error: BumperError) -> dict[str, Any]:
    """The contract's JSON of a failure."""
    return {"error": {"code": error.exit_code, "message": str(error)}}


def asked_output(environ: Mapping[str, str], arguments: Sequence[str]) -> Output:
    """What a command line asks for, before Typer has read it."""
    asked = [environ.get("BUMPER_OUTPUT", "")]
    asked += [value for name, value in pairwise(arguments) if name == "--output"]
    asked += [argument.removeprefix("--output=") for argument in arguments if argument.startswith("--output=")]
    return "json" if asked[-1] == "json" else "text"


def run_of(context: typer.Context) -> Run:
    """The run that a command belongs to; ``main`` hands it to Typer."""
    found = context.find_object(Run)
    assert found is not None  # noqa: S101 - a command runs by main alone
    return found


def keep_output(context: typer.Context, value: Output) -> Output:
    """Callback of ``--output``, which Typer calls before it checks the other options; shell completion has no run."""
    run = context.find_object(Run)
    if run is not None:
        run.output = value
    return value


def show_details(context: typer.Context, value: bool) -> None:
    """Callback of ``--verbose``."""
    if value:
        run_of(context).show_details()


def confirm(question: str) -> None:
    """Ask on stderr, because stdout may be a file that awaits one JSON object; Refused where the answer is not yes."""
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        raise Refused("not confirmed; nothing was changed")
