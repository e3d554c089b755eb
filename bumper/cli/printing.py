"""Results to stdout, warnings to stderr."""

import sys
from collections.abc import Iterable, Mapping

from bumper.cli.colour import colour_diff, is_coloured, mark
from bumper.cli.options import Output
from bumper.cli.progress import stop, tell


def show(
    output: Output, data: Mapping[str, object], text: str, warnings: Iterable[str],
    *, to_stderr: bool = False, diff: str = "",
) -> None:  # fmt: skip
    """Print a result as the user chose; ``to_stderr`` where stdout belongs to something else.

    ``diff`` is the part of ``text`` that is one, for its colours.
    """
    from bumper.cli.report import as_json

    for warning in warnings:
        tell(f"{mark('warning', sys.stderr)} {warning}")
    stop()
    stream = sys.stderr if to_stderr else sys.stdout
    if diff and is_coloured(stream):
        text = text.replace(diff, colour_diff(diff))
    print(as_json(data) if output is Output.JSON else text, file=stream)
