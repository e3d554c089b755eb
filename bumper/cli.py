"""Typer signatures, one call each; exit codes. No logic."""

import os
import sys
import traceback
from pathlib import Path
from typing import Annotated, Any

import typer

from bumper import __version__
from bumper import options as opt
from bumper.errors import BumperError, WrongUsage

app = typer.Typer(
    name="bumper",
    help="Moves image tags through Helm values: one commit, one GitLab merge request, every other byte as it was.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
_INTERRUPTED = 130


def _version(value: bool) -> None:
    if value:
        print(f"bumper {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options of bumper itself."""


@app.command()
def bump(
    environment: Annotated[str, typer.Argument(help="The environment to change.")],
    images: Annotated[list[str], typer.Argument(help="registry/repository:tag[@digest]", metavar="IMAGE...")],
    repo: opt.Repo = None,
    branch: opt.Branch = None,
    gitlab_url: opt.GitLabUrl = None,
    app: opt.Apps = None,
    dry_run: opt.DryRun = False,
    delivery: opt.DeliveryOption = None,
    label: opt.Labels = None,
    reviewer: opt.Reviewers = None,
    assignee: opt.Assignees = None,
    title: opt.Title = None,
    reopen: opt.Reopen = False,
    yes: opt.Yes = False,  # noqa: ARG001 - a bump never asks; the contract gives it to every command that proposes
    verify: opt.Verify = True,
    allow_missing: opt.AllowMissing = False,
    dotenv: opt.Dotenv = None,
    output: opt.OutputOption = opt.Output.TEXT,
) -> None:
    """Set images' tags in ENVIRONMENT after an image push, by merge request.

    Example: bumper bump staging registry.example.com/backend/app:1.0.3
    """
    from bumper import report
    from bumper.commands.bump import BumpRequest
    from bumper.commands.bump import bump as run
    from bumper.deliver import DeliveryOptions
    from bumper.image import parse_image
    from bumper.merge_requests import People
    from bumper.settings import environment as process_environment
    from bumper.settings import read_settings

    environ = process_environment()
    parsed = tuple(parse_image(image) for image in images)
    settings = read_settings(environ, repo=repo, branch=branch, gitlab_url=gitlab_url)
    request = BumpRequest(environment, parsed, tuple(app or ()), title, allow_missing, dry_run, verify)
    people = People(tuple(reviewer or ()), tuple(assignee or ()))
    options = DeliveryOptions(delivery.value if delivery else None, reopen, people, tuple(label or ()))
    result = run(request, options, settings, environ)
    _print(output, report.result_data(result), report.result_text(result), result.warnings)
    if dotenv is not None:
        report.write_dotenv(dotenv, result)


@app.command()
def pins(
    files: Annotated[list[str], typer.Argument(help="Values files.", metavar="FILE...")],
    output: opt.OutputOption = opt.Output.TEXT,
) -> None:
    """List the pins of local files that `bumper set` could edit. No git, no network.

    Example: bumper pins apps/backend/envs/staging/values.yaml
    """
    from bumper import report
    from bumper.commands.pins import list_pins

    listed = list_pins(files)
    _print(output, report.pins_data(listed), report.pins_text(listed), listed.warnings)


@app.command(name="set")
def set_(
    image: Annotated[str, typer.Argument(help="registry/repository:tag[@digest]")],
    files: Annotated[list[str], typer.Argument(help="Values files; - for stdin to stdout.", metavar="FILE...")],
    path: Annotated[
        str | None, typer.Option("--path", help='Only the pin at this path: a.b[0].tag, a["b.c"].tag')
    ] = None,
    output: opt.OutputOption = opt.Output.TEXT,
) -> None:
    """Rewrite an image's tag in local files, in place. No git, no network.

    Example: bumper set registry.example.com/backend/app:1.0.3 values-staging.yaml
    """
    from bumper import report
    from bumper.commands.set_tag import STDIN, set_tag
    from bumper.image import parse_image

    done = set_tag(parse_image(image), files, path)
    to_stderr = STDIN in files  # stdout is the edited file's
    _print(
        output, report.set_data(done), report.set_text(done), done.warnings, to_stderr=to_stderr
    )  # fmt: skip


@app.command()
def sandbox(
    port: Annotated[int, typer.Option("--port", help="Port to listen on; 0 takes a free one.", min=0, max=65535)] = 0,
    directory: Annotated[Path | None, typer.Option("--dir", help="Keep everything here.", file_okay=False)] = None,
) -> None:
    """Serve an embedded GitLab-compatible server with a sample GitOps repository, until ^C.

    Example: bumper sandbox --port 8080
    """
    from bumper.commands.sandbox import serve

    serve(port, directory, lambda line: print(line, flush=True))


@app.command()
def demo() -> None:
    """Run a bump end to end against the embedded server, and end by itself.

    Example: bumper demo
    """
    from bumper.commands.demo import demo as run

    code = run(lambda text: print(text, flush=True), colour=sys.stdout.isatty() and not os.environ.get("NO_COLOR"))
    raise typer.Exit(code)


def _print(
    output: opt.Output, data: dict[str, Any], text: str, warnings: tuple[str, ...], *, to_stderr: bool = False
) -> None:
    from bumper import report

    for warning in warnings:
        print(f"warning: {warning}", file=sys.stderr)
    where = sys.stderr if to_stderr else sys.stdout
    print(report.as_json(data) if output is opt.Output.JSON else text, file=where)


def main() -> None:
    """Run the command line and exit with the contract's codes."""
    command = typer.main.get_command(app)
    arguments = sys.argv[1:] or ["--help"]
    try:
        code = command.main(arguments, prog_name="bumper", standalone_mode=False)
    except BumperError as error:
        code = _fail(error)
    except typer.TyperException as error:
        code = _fail(WrongUsage(error.format_message().rstrip(".") + "; see --help."))
    except (KeyboardInterrupt, typer.Abort):
        print("interrupted", file=sys.stderr)
        code = _INTERRUPTED
    except Exception:  # noqa: BLE001 - the last resort: a bug, with its traceback for the report
        traceback.print_exc()
        code = _fail(BumperError("this is a bug in bumper; please report it with the lines above."))
    sys.exit(code if isinstance(code, int) else 0)


def _fail(error: BumperError) -> int:
    from bumper import report

    print(f"error: {error}", file=sys.stderr)
    if _wants_json():
        print(report.as_json(report.error_data(error)))
    return error.exit_code


def _wants_json() -> bool:
    """Read again from the arguments, because an error may come before they are parsed."""
    from bumper.settings import environment as process_environment

    arguments = sys.argv[1:]
    chosen = process_environment().get("BUMPER_OUTPUT", "")
    for number, argument in enumerate(arguments):
        if argument == "--output" and number + 1 < len(arguments):
            chosen = arguments[number + 1]
        elif argument.startswith("--output="):
            chosen = argument.partition("=")[2]
    return chosen == opt.Output.JSON.value
