"""One run of the command line: its progress, results to stdout, warnings and questions to stderr."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

import typer

from bumper.cli.progress import Progress
from bumper.cli.screen import Screen, screen_of
from bumper.clock import Clock
from bumper.errors import Refused, Unavailable


class Output(StrEnum):
    """How results are printed."""

    TEXT = "text"
    JSON = "json"


@dataclass(slots=True)
class Run:
    """The progress on stderr, and how results and failures are printed.

    ``output`` is what the command line asks for, even where Typer stops at a mistake before it has read ``--output``.
    ``has_shown``: the changes are on the user's screen already.
    """

    progress: Progress
    output: Output
    clock: Clock
    has_shown: bool = False

    @property
    def screen(self) -> Screen:
        """What results are made for."""
        return screen_of(sys.stdout, verbose=self.progress.verbose)


def start_run(progress: Progress, environ: Mapping[str, str], clock: Clock, arguments: Sequence[str] = ()) -> Run:
    """The run before Typer has read its command line."""
    asked = [environ.get("BUMPER_OUTPUT", "")]
    asked += [value for name, value in pairwise(arguments) if name == "--output"]
    asked += [argument.removeprefix("--output=") for argument in arguments if argument.startswith("--output=")]
    return Run(progress, Output.JSON if asked[-1] == Output.JSON else Output.TEXT, clock)


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


def show(
    run: Run, data: Mapping[str, object], text: str, warnings: Iterable[str],
    *, to_stderr: bool = False, diff: str = "",
) -> None:  # fmt: skip
    """Print a result as the user chose; ``to_stderr`` where stdout belongs to something else.

    ``diff`` is the part of ``text`` that is one, for its colours.
    """
    from bumper.cli.report import as_json

    for warning in warnings:
        run.progress.print(warning, label="warning")
    run.progress.end_step()
    stream = sys.stderr if to_stderr else sys.stdout
    progress = run.progress
    printed = progress.plain(as_json(data)) if run.output is Output.JSON else progress.legible(text, diff, stream)
    try:
        print(printed, file=stream, flush=True)
    except BrokenPipeError as error:  # Typer would end with exit code 1 and no word
        raise Unavailable("the result could not be printed", "the program that reads the output ended first") from error


def confirm(question: str) -> None:
    """Ask on stderr: stdout may be a file that awaits one JSON object.

    Raises:
        Refused: the answer was not yes.

    """
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        raise Refused("not confirmed; nothing was changed")
