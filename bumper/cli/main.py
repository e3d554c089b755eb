"""The program ``bumper``: its commands, and the contract's exit codes."""

import io
import os
import sys
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from bumper import __version__
from bumper.cli import changing, examining, local, progress, reading, setting_up, trying
from bumper.cli.colour import mark
from bumper.cli.options import Output
from bumper.errors import INTERRUPTED, BumperError, Unavailable, WrongUsage

if TYPE_CHECKING:  # imported where it is used, so that --version and completion start fast
    from bumper.git.clone import Cloning

app = typer.Typer(
    name="bumper",
    help="Moves image tags through Helm values: one commit, one GitLab merge request, every other byte as it was.",
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
_GITLAB = (
    "BUMPER_TOKEN (else GITLAB_TOKEN, CI_JOB_TOKEN): GitLab's token. CI_SERVER_TLS_CA_FILE (else REQUESTS_CA_BUNDLE, "
    "SSL_CERT_FILE): a CA. NO_COLOR: no colours."
)
_REGISTRIES = (
    "DOCKER_CONFIG, DOCKER_AUTH_CONFIG, CI_REGISTRY, CI_REGISTRY_USER, CI_REGISTRY_PASSWORD: logins of registries."
)
_ARGOCD = "ARGOCD_AUTH_TOKEN: Argo CD's token."
_CHANGES = ("Further environment variables:", _GITLAB, _REGISTRIES, _ARGOCD)
_PIPELINE = "CI_PIPELINE_ID, CI_PIPELINE_URL and others of GitLab CI: the order of pipelines, the source of a change."
_READS = ("Further environment variables:", _GITLAB)
_COMMANDS: tuple[tuple[Callable[..., None], str, tuple[str, ...]], ...] = (
    (changing.bump, "Set images' tags after a push", (*_CHANGES, _PIPELINE)),
    (changing.promote, "Set tags to those of another environment", _CHANGES),
    (changing.rollback, "Undo the last deployment", _CHANGES),
    (changing.hold, "Keep an application's tags as they are", _CHANGES),
    (changing.unhold, "Let them change again", _CHANGES),
    (reading.status, "What runs where, what differs", _READS),
    (reading.history, "When what was deployed, by whom", _READS),
    (setting_up.init, "Write bumper.yaml for a repository", _READS),
    (examining.doctor, "What bump needs, and how to mend it", _CHANGES),
    (local.pins, "List the tags in local files", ()),
    (local.set_tag, "Set a tag in local files", ()),
    (local.schema, "Print the JSON Schema of bumper.yaml", ()),
    (trying.sandbox, "Serve an embedded GitLab to try things", ()),
    (trying.demo, "Show bump, promote, rollback end to end", ()),
)
for _command, _short, _further in _COMMANDS:
    app.command(_command.__name__.partition("_")[0], short_help=_short, epilog=" ".join(_further) or None)(_command)


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


def main(ahead: "Cloning | None" = None) -> None:
    """Run the command line and exit with the contract's codes; ``ahead`` is a clone that is under way already."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a file name that is not UTF-8, or a terminal that is not
            stream.reconfigure(errors="backslashreplace")
    progress.start()
    command = typer.main.get_command(app)
    arguments = sys.argv[1:] or ["--help"]
    try:
        code = command.main(arguments, prog_name="bumper", standalone_mode=False, obj=ahead)
        sys.stdout.flush()
    except BumperError as error:
        code = _fail(error)
    except typer.TyperException as error:
        code = _fail(WrongUsage(error.format_message().rstrip(".") + "; see --help."))
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except OSError as error:  # a full disk, no more files: the machine's trouble, not the request's
        _drop_what_cannot_be_printed()
        code = _fail(Unavailable(f"{error.strerror or type(error).__name__}{_place(error)}; mend that and try again."))
    except Exception:  # noqa: BLE001 - the last resort: a bug, with its traceback for the report
        traceback.print_exc()
        code = _fail(BumperError("this is a bug in bumper; please report it with the lines above."))
    progress.stop()
    if code == INTERRUPTED:  # typer hands its own 130 back for most of them
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
    from bumper.cli import report

    progress.tell(f"{mark('error', sys.stderr)} {error}")
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
