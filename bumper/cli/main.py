"""The program ``bumper``: its commands, and what a failure prints and exits with."""

import contextlib
import errno
import io
import os
import re
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any

import typer

from bumper import __version__
from bumper.cli import changing, reading, setting_up
from bumper.cli import options as opt
from bumper.cli.options import GroupedCommand, GroupedProgram
from bumper.cli.run import Run, asked_output, error_data
from bumper.cli.screen import Style
from bumper.clock import SYSTEM_CLOCK, Clock
from bumper.errors import INTERRUPTED, BumperError, Unavailable, WrongUsage
from bumper.settings import environment

_HELP = {"help_option_names": ["-h", "--help"]}
app = typer.Typer(
    name="bumper",
    context_settings=_HELP,
    cls=GroupedProgram,
    help="Puts image tags into Helm values by GitLab merge request, and changes nothing else.",
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
_COMMANDS: dict[str, dict[Callable[..., None], str]] = {
    "Change an environment": {
        changing.bump: "Set images' tags after a push",
        changing.promote: "Set tags to those of another environment",
        changing.rollback: "Undo the last deployment",
        changing.hold: "Keep an application's tags as they are",
        changing.unhold: "Let an application's tags change again",
    },
    "Look at environments": {
        reading.status: "What runs where, what differs",
        reading.history: "Who deployed what, and when",
        reading.images: "What a registry's clean-up must keep",
        reading.check: "Check a change against the rules",
    },
    "Set up": {
        setting_up.init: "Write bumper.yaml for a repository",
        setting_up.doctor: "Check token, project, registries and files",
        setting_up.schema: "Print the JSON Schema of bumper.yaml",
    },
    "Local files, without git and network": {
        setting_up.pins: "List the tags in local files",
        setting_up.set_tag: "Set a tag in local files",
    },
    "Try it": {
        setting_up.sandbox: "Serve an embedded GitLab to try things out",
        setting_up.demo: "Show bump, promote, rollback end to end",
    },
}
for _group, _commands in _COMMANDS.items():
    for _command, _short in _commands.items():
        _name = _command.__name__.partition("_")[0]
        app.command(_name, cls=GroupedCommand, context_settings=_HELP, short_help=_short, rich_help_panel=_group)(
            _command
        )

_OUR_WORDS = {  # for what Typer writes
    r"^No such command (\S+)\. Did you mean (.+)\?$": r"there is no command \1 (did you mean \2?)",
    r"^No such command ": "there is no command ",
    r"^No such option: (\S+)": r"there is no option \1",
    r" \(Possible options: --help\)$": "",  # which is near every short name
    r" \(Possible options: (.+)\)$": r" (did you mean \1?)",
    r"^Got unexpected extra argument\(s\) \((.+)\)$": r"unexpected argument '\1'",
    r" \(env var: '(\w+)'\)": r" (or \1)",
    r"Value error, ": "",  # of pydantic, which reads values for Typer
}
_NEXT_STEPS = {  # where the machine lacks something for the moment
    errno.ENOSPC: "make room and run it again",
    errno.EDQUOT: "make room and run it again",
    errno.EFBIG: "raise the limit for the size of files (ulimit -f) and run it again",
    errno.EROFS: "point TMPDIR to a folder that can be written",
    errno.EMFILE: "raise the limit for open files (ulimit -n) and run it again",
    errno.ENFILE: "run it again when the machine has fewer files open",
    errno.EAGAIN: "run it again when the machine has fewer processes",
    errno.ENOMEM: "run it again when the machine has memory",
    errno.EIO: "check the disk, or the terminal that the output goes to",
    errno.EPIPE: "the program that reads the output ended first",
    errno.EBADF: "run it with an open stdout and stderr",
}


def _version(value: bool) -> None:
    if value:
        print(f"bumper {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = opt.flag("--version -V", "Print the version.", callback=_version, is_eager=True),
    verbose: bool = opt.VERBOSE,
) -> None:
    """Options of bumper itself."""


_PROGRAM: Any = typer.main.get_command(app)  # which Typer would make anew at every call


def main(arguments: Sequence[str], *, slow: float = 1.0, clock: Clock = SYSTEM_CLOCK) -> int:
    """Run the command line; returns the contract's exit code.

    A step is shown that takes ``slow`` seconds; ``clock`` is the one by which bumper waits for others.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a file name that is not UTF-8, or a terminal that is not
            stream.reconfigure(errors="backslashreplace")
    given = list(arguments) or ["help"]
    asked = [*given[1:2], "--help"] if given[0] == "help" else given  # `bumper help bump` is `bumper bump --help`
    run = Run(environment(), asked_output(environment(), given), clock, slow)
    with run.shown():
        code = _run(asked, run)
    if code == INTERRUPTED:  # typer hands its own 130 back for most of them
        print("interrupted", file=sys.stderr)
    return code


def _run(arguments: list[str], run: Run) -> int:
    try:
        code = _PROGRAM.main(arguments, prog_name="bumper", standalone_mode=False, obj=run)
        sys.stdout.flush()
    except BumperError as error:
        return _fail(run, error)
    except typer.TyperException as error:
        return _fail(run, _usage_error(error, arguments))
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the last resort: the machine's trouble, or a bug
        trouble = machine_trouble(error)
        if trouble is not None:
            _drop_what_cannot_be_printed()
            return _fail(run, trouble)
        run.print(traceback.format_exc().rstrip())
        return _fail(run, BumperError("this is a bug in bumper", "please report it with the lines above"))
    return code if isinstance(code, int) else 0


def _drop_what_cannot_be_printed() -> None:
    """Python would try once more at its end, and exit with 120."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(run: Run, error: BumperError) -> int:
    run.print(str(error), Style.ERROR)
    if run.output == "json":
        with contextlib.suppress(BrokenPipeError):  # what failed may have been this printing
            print(run.as_json({**run.done, **error_data(error)}), flush=True)
    return error.exit_code


def machine_trouble(error: Exception) -> Unavailable | None:
    """The sentence for a full disk, a closed pipe, no more threads and the like; None for a bug in bumper."""
    if isinstance(error, RuntimeError) and "can't start new thread" in str(error):
        return Unavailable("this machine gives bumper no more threads", _NEXT_STEPS[errno.EAGAIN])
    if not isinstance(error, OSError) or error.errno not in _NEXT_STEPS:
        return None
    place = f" ({error.filename})" if error.filename is not None else ""
    reason = os.strerror(error.errno)
    return Unavailable(f"{reason[0].lower()}{reason[1:]}{place}", _NEXT_STEPS[error.errno])


def _usage_error(error: typer.TyperException, arguments: Sequence[str]) -> WrongUsage:
    """Typer's complaint about a command line, without the words of the libraries that it is made with."""
    context = getattr(error, "ctx", None)  # none where an option lacks its value
    program = context.command_path if context is not None else f"bumper {arguments[0]}"
    sentence = error.format_message().rstrip(".")
    for theirs, ours in _OUR_WORDS.items():
        sentence = re.sub(theirs, ours, sentence)
    return WrongUsage(sentence[:1].lower() + sentence[1:], f"see `{program} --help`")
