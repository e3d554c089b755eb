"""The session of a command that works on the GitOps repository: its clone runs while the command is imported."""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from bumper.cli.run import Run
from bumper.settings import Settings, environment

if TYPE_CHECKING:  # imported once the clone is under way
    from bumper.delivery.session import Session


_WHO = "GITLAB_USER_LOGIN"


@contextlib.contextmanager
def open_session(run: Run, settings: Settings, *, changes: bool = False) -> Iterator["Session"]:
    """The session, whose clone is removed at the end; one that ``changes`` something records who asks for it.

    Raises:
        Unavailable: there is no git.

    """
    from bumper.git.clone import start_clone

    environ = environment()
    with start_clone(settings, environ, run.clock) as cloning:
        from bumper.delivery.session import make_session

        asked = _with_person(environ) if changes else environ
        yield make_session(asked, cloning, run.progress.print, run.clock)


def _with_person(environ: Mapping[str, str]) -> Mapping[str, str]:
    """Outside CI, where GitLab names nobody, whoever git takes for the person at this machine."""
    if environ.get("CI") or environ.get(_WHO):
        return environ
    from bumper.git.local_tree import person

    name = person(Path(), environ)
    return {**environ, _WHO: name} if name is not None else environ
