"""The program ``bumper``: its commands, and the contract's exit codes."""

import io
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Annotated

import typer

from bumper import __version__
from bumper.cli import changing, examining, local, reading, setting_up, trying
from bumper.cli.machine_trouble import machine_trouble
from bumper.cli.progress import Progress
from bumper.cli.run import Output, Run, start_run
from bumper.clock import SYSTEM_CLOCK, Clock
from bumper.errors import INTERRUPTED, BumperError, WrongUsage
from bumper.settings import environment

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
    "DOCKER_CONFIG, DOCKER_AUTH_CONFIG, CI_REGISTRY, CI_REGISTRY_USER, CI_REGISTRY_PASSWORD: logins of registries. "
    "BUMPER_INSECURE_REGISTRIES: hosts that get theirs over plain HTTP."
)
_ARGOCD = "ARGOCD_AUTH_TOKEN: Argo CD's token. ARGOCD_SERVER: the only Argo CD that gets it."
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
    (examining.doctor, "Check what bump needs", _CHANGES),
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


def main(arguments: Sequence[str], *, slow: float = 1.0, clock: Clock = SYSTEM_CLOCK) -> int:
    """Run the command line; returns the contract's exit code.

    A step is shown that takes ``slow`` seconds; ``clock`` is the one by which bumper waits for others.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a file name that is not UTF-8, or a terminal that is not
            stream.reconfigure(errors="backslashreplace")
    progress = Progress(environment(), slow)
    run = start_run(progress, environment(), clock)
    with progress.shown():
        code = _run(list(arguments) or ["--help"], run)
    if code == INTERRUPTED:  # typer hands its own 130 back for most of them
        print("interrupted", file=sys.stderr)
    return code


def _run(arguments: list[str], run: Run) -> int:
    try:
        code = typer.main.get_command(app).main(arguments, prog_name="bumper", standalone_mode=False, obj=run)
        sys.stdout.flush()
    except BumperError as error:
        return _fail(run, error)
    except typer.TyperException as error:
        return _fail(run, WrongUsage(error.format_message().rstrip(".") + "; see --help."))
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the last resort: the machine's trouble, or a bug
        trouble = machine_trouble(error)
        if trouble is not None:
            _drop_what_cannot_be_printed()
            return _fail(run, trouble)
        run.progress.print(traceback.format_exc().rstrip())
        return _fail(run, BumperError("this is a bug in bumper", "please report it with the lines above"))
    return code if isinstance(code, int) else 0


def _drop_what_cannot_be_printed() -> None:
    """Python would try once more at its end, and exit with 120."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(run: Run, error: BumperError) -> int:
    from bumper.cli import report

    run.progress.print(str(error), label="error")
    if run.output is Output.JSON:
        print(run.progress.legible(report.as_json(report.error_data(error)), "", sys.stdout))
    return error.exit_code
