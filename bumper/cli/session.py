"""Which GitOps repository a command works on, and the session whose clone runs while the command is imported."""

import contextlib
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bumper.cli.run import Run, confirm
from bumper.errors import WrongUsage
from bumper.settings import Settings, environment, read_settings

if TYPE_CHECKING:  # imported once the clone is under way
    from bumper.delivery.attempt import Session


_CONFIG_FILE = "bumper.yaml"
_TOKENS = ("BUMPER_TOKEN", "GITLAB_TOKEN")
_WHO = "GITLAB_USER_LOGIN"


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """What the command line and the environment say of the GitOps repository."""

    repo: str | None
    branch: str | None
    gitlab_url: str | None


def find_repository(run: Run, where: Whereabouts, *, changes: bool, yes: bool = False) -> Settings:
    """The settings for the repository that is named; else, outside CI, for the origin of the checkout around.

    An inferred repository is named on stderr; a command that ``changes`` it asks, unless ``yes``.

    Raises:
        WrongUsage: no repository is named and none can be inferred, or there is nobody to ask.
        Refused: the answer was no.

    """
    environ = environment()
    branch, gitlab_url = where.branch, where.gitlab_url
    if where.repo or environ.get("CI"):
        return read_settings(environ, repo=where.repo, branch=branch, gitlab_url=gitlab_url)
    root, url = _origin_around(environ)
    settings = read_settings(environ, repo=url, branch=branch, gitlab_url=gitlab_url, inferred=True)
    shown = f"{settings.address.url} (origin of {root})"
    if changes and not sys.stdin.isatty():
        raise WrongUsage(f"without a terminal to ask on, {shown} is not changed", "name it: give --repo or BUMPER_REPO")
    run.progress.print(f"GitOps repository: {shown}")
    unused = next((name for name in _TOKENS if environ.get(name)), None)
    if unused is not None and (settings.token is None or settings.token.source not in _TOKENS):
        what = f"{unused} is not used, because only the checkout names this server"
        run.progress.print(f"{what}; set BUMPER_GITLAB_URL to its URL, or give --repo.", label="warning")
    if changes and not yes:
        confirm("Change this repository?")
    return settings


def _origin_around(environ: Mapping[str, str]) -> tuple[Path, str]:
    from bumper.git.local_tree import find_root, is_tracked, origin_of

    root, hint = find_root(Path()), "give --repo URL or set BUMPER_REPO"
    if root is None:
        raise WrongUsage("no GitOps repository is named", hint)
    tracked, url = is_tracked(root, _CONFIG_FILE, environ), origin_of(root, environ)
    if not tracked or url is None:
        missing = "has no remote origin" if tracked else f"tracks no {_CONFIG_FILE} at its root"
        raise WrongUsage(f"no GitOps repository is named, and the checkout {root} {missing}", hint)
    return root, url


@contextlib.contextmanager
def reading_session(run: Run, where: Whereabouts) -> Iterator["Session"]:
    """The session of a command that changes nothing."""
    with open_session(run, find_repository(run, where, changes=False)) as session:
        yield session


@contextlib.contextmanager
def open_session(run: Run, settings: Settings, *, changes: bool = False) -> Iterator["Session"]:
    """The session, whose clone is removed at the end; one that ``changes`` something records who asks for it.

    Raises:
        Unavailable: there is no git.

    """
    from bumper.git.clone import start_clone

    environ = environment()
    with start_clone(settings, environ, run.clock) as cloning:
        from bumper.delivery.attempt import make_session

        asked = _with_person(environ) if changes else environ
        yield make_session(asked, cloning, run.progress.print, run.clock)


def _with_person(environ: Mapping[str, str]) -> Mapping[str, str]:
    """Outside CI, where GitLab names nobody, whoever git takes for the person at this machine."""
    if environ.get("CI") or environ.get(_WHO):
        return environ
    from bumper.git.local_tree import person

    name = person(Path(), environ)
    return {**environ, _WHO: name} if name is not None else environ
