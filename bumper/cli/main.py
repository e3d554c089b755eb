"""The program ``bumper``: its commands, and the contract's exit codes."""

import io
import os
import signal
import sys
import traceback
from typing import Annotated

import typer

from bumper import __version__
from bumper.cli import changing, local, reading, setting_up, trying
from bumper.cli.options import Output
from bumper.errors import BumperError, Unavailable, WrongUsage

_INTERRUPTED = 130

app = typer.Typer(
    name="bumper",
    help="Moves image tags through Helm values: one commit, one GitLab merge request, every other byte as it was.",
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command()(changing.bump)
app.command()(changing.promote)
app.command()(changing.rollback)
app.command()(changing.hold)
app.command()(changing.unhold)
app.command()(reading.status)
app.command()(reading.history)
app.command()(setting_up.init)
app.command()(local.pins)
app.command()(local.schema)
app.command(name="set")(local.set_tag)
app.command()(trying.sandbox)
app.command()(trying.demo)


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


def main() -> None:
    """Run the command line and exit with the contract's codes."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a cancelled CI job: end as with ^C, and clean up
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a file name that is not UTF-8, or a terminal that is not
            stream.reconfigure(errors="backslashreplace")
    command = typer.main.get_command(app)
    arguments = sys.argv[1:] or ["--help"]
    try:
        code = command.main(arguments, prog_name="bumper", standalone_mode=False)
        sys.stdout.flush()
    except BumperError as error:
        code = _fail(error)
    except typer.TyperException as error:
        code = _fail(WrongUsage(error.format_message().rstrip(".") + "; see --help."))
    except (KeyboardInterrupt, typer.Abort):
        code = _INTERRUPTED
    except OSError as error:  # a full disk, no more files: the machine's trouble, not the request's
        _drop_what_cannot_be_printed()
        code = _fail(Unavailable(f"{error.strerror or type(error).__name__}{_place(error)}; mend that and try again."))
    except Exception:  # noqa: BLE001 - the last resort: a bug, with its traceback for the report
        traceback.print_exc()
        code = _fail(BumperError("this is a bug in bumper; please report it with the lines above."))
    if code == _INTERRUPTED:  # typer hands its own 130 back for most of them
        print("interrupted", file=sys.stderr)
    sys.exit(code if isinstance(code, int) else 0)


def _drop_what_cannot_be_printed() -> None:
    """Python would try once more at its end, and exit with 120."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _place(error: OSError) -> str:
    return f" ({error.filename})" if error.filename is not None else ""


def _fail(error: BumperError) -> int:
    from bumper import report

    print(f"error: {error}", file=sys.stderr)
    if _wants_json():
        print(report.as_json(report.error_data(error)))
    return error.exit_code


def _wants_json() -> bool:
    """Read again from the arguments, because an error may come before they are parsed."""
    arguments = sys.argv[1:]
    chosen = os.environ.get("BUMPER_OUTPUT", "")
    for number, argument in enumerate(arguments):
        if argument == "--output" and number + 1 < len(arguments):
            chosen = arguments[number + 1]
        elif argument.startswith("--output="):
            chosen = argument.partition("=")[2]
    return chosen == Output.JSON.value
