"""The session of a command that works on the GitOps repository: its clone runs while the command is imported."""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from bumper.cli.run import Run
from bumper.settings import Settings, environment

if TYPE_CHECKING:  # imported once the clone is under way
    from bumper.delivery.session import Session


@contextlib.contextmanager
def open_session(run: Run, settings: Settings) -> Iterator["Session"]:
    """The session, whose clone is removed at the end.

    Raises:
        Unavailable: there is no git.

    """
    from bumper.git.clone import start_clone

    environ = environment()
    with start_clone(settings, environ, run.clock) as cloning:
        from bumper.delivery.session import make_session

        yield make_session(environ, cloning, run.progress.print, run.clock)
