"""Commands for trying bumper out."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from bumper.cli.colour import is_coloured


def sandbox(
    port: Annotated[int, typer.Option("--port", help="Port to listen on; 0 takes a free one.", min=0, max=65535)] = 0,
    directory: Annotated[Path | None, typer.Option("--dir", help="Keep everything here.", file_okay=False)] = None,
) -> None:
    """Serve an embedded GitLab-compatible server with a sample GitOps repository, until ^C.

    Example: bumper sandbox --port 8080
    """
    from bumper.commands.sandbox import serve

    serve(port, directory, lambda line: print(line, flush=True))


def demo() -> None:
    """Run bump, promote and rollback end to end against the embedded server, and end by itself.

    Example: bumper demo
    """
    from bumper.commands.demo import demo as run

    code = run(lambda text: print(text, flush=True), colour=is_coloured(sys.stdout))
    raise typer.Exit(code)
