"""Commands that stay on this machine: on local files, without git and network, and on the embedded server."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from bumper.cli import options as opt
from bumper.cli.run import Output, run_of, show
from bumper.cli.screen import colour_diff, is_coloured

Files = Annotated[list[str], typer.Argument(help="Values files, or folders of them.", metavar="FILE|DIR")]
_SET_HELP = (
    "Play another kind of GitLab, such as merge_method=ff; docs/reference/sandbox.md lists the settings. Repeatable."
)


def pins(context: typer.Context, files: Files, output: opt.OutputOption = Output.TEXT) -> None:
    """List the pins of local files that `bumper set` could edit. No git, no network.

    Example: bumper pins apps/backend/envs/staging/values.yaml
    """
    from bumper.cli import report
    from bumper.commands.pins import list_pins

    listed = list_pins(files)
    show(run_of(context), report.pins_data(listed), report.pins_text(listed, run_of(context).screen), listed.warnings)


def set_tag(
    context: typer.Context,
    image: Annotated[str, typer.Argument(help="registry/repository:tag[@digest]", metavar="IMAGE")],
    files: Annotated[list[str], typer.Argument(help="Values files; - for stdin to stdout.", metavar="FILE")],
    path: Annotated[
        str | None, typer.Option("--path", help='Only the pin at this path: a.b[0].tag, a["b.c"].tag', metavar="PATH")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the diff, change no file.")] = False,
    output: opt.OutputOption = Output.TEXT,
) -> None:
    """Rewrite an image's tag in local files, in place. No git, no network.

    Example: bumper set registry.example.com/backend/app:1.0.3 values-staging.yaml
    """
    from bumper.cli import report
    from bumper.commands.set_tag import STDIN
    from bumper.commands.set_tag import set_tag as run
    from bumper.errors import WrongUsage
    from bumper.image import parse_image

    if Path(image).is_file():
        what = f"{image!r} is a file, but the image comes first"
        raise WrongUsage(what, f"write bumper set {' '.join([files[0], image, *files[1:]])}")
    done = run(parse_image(image), files, path, dry_run=dry_run)
    to_stderr = STDIN in files and not dry_run  # stdout is the edited file's
    diff = done.diff if dry_run else ""
    text = f"{report.set_text(done, run_of(context).screen)}\n{diff}".rstrip("\n")
    show(run_of(context), report.set_data(done), text, done.warnings, to_stderr=to_stderr, diff=diff)


def sandbox(
    port: Annotated[
        int,
        typer.Option(
            "--port", help="Port to listen on; 0 takes a free one.", metavar="N", parser=opt.whole_number(0, 65535)
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

    paint = colour_diff if is_coloured(sys.stdout) else str
    raise typer.Exit(run(lambda text: print(text, flush=True), paint))
