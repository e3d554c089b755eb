"""The process ``bumper``, which lives for a second or so: how it begins and how it ends.

It imports next to nothing: the clone, for which every command waits, is under way before Typer, which takes a third of
a small bump to read the arguments, is imported.
"""

import contextlib
import gc
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NoReturn

from bumper.errors import INTERRUPTED, BumperError, Unavailable

if TYPE_CHECKING:  # imported where it is used, so that --version and completion start fast
    from bumper.git.clone import Cloning

_OBJECTS_BEFORE_A_COLLECTION = 1_000_000  # alive at once: a repository with 20,000 files is some 100,000
_COMMANDS_THAT_CLONE = frozenset({"bump", "promote", "rollback", "hold", "unhold", "status", "history"})
# With one of these, Typer alone knows what to clone, whether to, or how to tell of it.
_LEFT_TO_TYPER = ("--repo", "--branch", "--gitlab-url", "--help", "--verbose", "-v", "-yv")


def process() -> NoReturn:
    """The command line in a process of its own.

    Collecting garbage that is hardly there, and taking every module apart at the end, would take a fifth of its time.
    """
    gc.set_threshold(_OBJECTS_BEFORE_A_COLLECTION, 20, 50)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a cancelled CI job: end as with ^C, and clean up
    code: object = 0
    try:
        with _cloning_ahead(sys.argv[1:]) as ahead:
            from bumper.cli.main import main

            main(ahead)
    except SystemExit as end:
        code = end.code
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        code = INTERRUPTED
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        code = code or Unavailable.exit_code
    os._exit(code if isinstance(code, int) else 0)


@contextlib.contextmanager
def _cloning_ahead(arguments: Sequence[str]) -> "Iterator[Cloning | None]":
    """The clone that the environment alone tells of; None where it does not, or where it is wrong, which is told later.

    It is dropped at the end, for the case that no command has taken it.
    """
    told = "BUMPER_REPO" in os.environ and not _COMMANDS_THAT_CLONE.isdisjoint(arguments[:1])
    if not told or any(argument.startswith(_LEFT_TO_TYPER) for argument in arguments):
        yield None
        return
    from bumper.git.clone import begin_clone
    from bumper.settings import environment, read_settings

    with contextlib.ExitStack() as at_the_end:
        cloning = None
        with contextlib.suppress(BumperError, OSError):
            settings = read_settings(
                environment(), repo=os.environ["BUMPER_REPO"], branch=os.environ.get("BUMPER_BRANCH"),
                gitlab_url=os.environ.get("BUMPER_GITLAB_URL"),
            )  # fmt: skip
            cloning = begin_clone(settings, environment())
            at_the_end.callback(cloning.drop)
        yield cloning
