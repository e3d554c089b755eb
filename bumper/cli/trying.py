"""Commands for trying bumper out."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from bumper.cli.colour import is_coloured
from bumper.cli.usage import whole_number

_SET_HELP = (
    "Play another kind of GitLab, such as merge_method=ff; docs/reference/sandbox.md lists the settings. Repeatable."
)


def sandbox(
    port: Annotated[
        int,
        typer.Option(
            "--port", help="Port to listen on; 0 takes a free one.", metavar="N", parser=whole_number(0, 65535)
        ),
    ] = 0,
    directory: Annotated[
        Path | None, typer.Option("--dir", help="Keep everything here.", metavar="DIR", file_okay=False)
    ] = None,
    settings: Annotated[list[str] | None, typer.Option("--set", help=_SET_HELP, metavar="NAME=VALUE")] = None,
) -> None:
    """Serve an embedded GitLab-compatible server with a sample GitOps repository, until ^C.

    Example: bumper sandbox --port 8080 --set merge_access=developers
    """
    from bumper.commands.sandbox import read_settings, serve

    serve(port, directory, read_settings(settings or []), lambda line: print(line, flush=True))


def demo() -> None:
    """Run bump, promote and rollback end to end against the embedded server, and end by itself.

    Example: bumper demo
    """
    from bumper.commands.demo import demo as run

    code = run(lambda text: print(text, flush=True), colour=is_coloured(sys.stdout))
    raise typer.Exit(code)
