"""Results to stdout, warnings to stderr."""

import sys
from collections.abc import Iterable, Mapping

from bumper.cli.options import Output


def show(
    output: Output, data: Mapping[str, object], text: str, warnings: Iterable[str], *, to_stderr: bool = False
) -> None:
    """Print a result as the user chose; ``to_stderr`` where stdout belongs to something else."""
    from bumper.report import as_json

    for warning in warnings:
        print(f"warning: {warning}", file=sys.stderr)
    print(as_json(data) if output is Output.JSON else text, file=sys.stderr if to_stderr else sys.stdout)
