"""Commands on local files: no git, no network."""

from typing import Annotated

import typer

from bumper.cli import options as opt
from bumper.cli.printing import show
from bumper.cli.run import Output, run_of

Files = Annotated[list[str], typer.Argument(help="Values files, or folders of them.", metavar="FILE|DIR")]


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
    from bumper.image import parse_image

    done = run(parse_image(image), files, path, dry_run=dry_run)
    to_stderr = STDIN in files and not dry_run  # stdout is the edited file's
    diff = done.diff if dry_run else ""
    text = f"{report.set_text(done, run_of(context).screen)}\n{diff}".rstrip("\n")
    show(run_of(context), report.set_data(done), text, done.warnings, to_stderr=to_stderr, diff=diff)


def schema(
    files: Annotated[
        list[str] | None, typer.Argument(help="Check these files instead; - for stdin.", metavar="FILE")
    ] = None,
) -> None:
    """Print the JSON Schema of bumper.yaml, with which editors complete and check it.

    Example: bumper schema > bumper.schema.json
    """
    from bumper.environments.config import parse_config, schema_text
    from bumper.files import read_body

    for file in files or []:
        parse_config(read_body(file))
    if not files:
        print(schema_text(), end="")
