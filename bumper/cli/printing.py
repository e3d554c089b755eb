"""Results to stdout, warnings and questions to stderr."""

import sys
from collections.abc import Iterable, Mapping

from bumper.cli.run import Output, Run
from bumper.errors import Unavailable


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


def confirm(question: str) -> bool:
    """Ask on stderr: stdout may be a file that awaits one JSON object."""
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in {"y", "yes"}
