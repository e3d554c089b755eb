"""The clone of the GitOps repository: one commit, its trees, no blobs; it goes on while the command is imported."""

import contextlib
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bumper.errors import Refused, Unavailable
from bumper.git.blobs import BlobStore
from bumper.git.checkout import HEADS, Checkout, list_entries
from bumper.git.command import GitCommand, GitFailed, RunningGit
from bumper.git.environment import git_environment
from bumper.git.failures import explain
from bumper.progress import report_step
from bumper.settings import Settings


@dataclass(frozen=True, slots=True)
class Cloning:
    """A clone under way: it goes on while bumper imports what it needs."""

    settings: Settings
    _git: GitCommand
    _arguments: tuple[str, ...]
    _started: RunningGit
    _folder: "tempfile.TemporaryDirectory[str]"

    def end(self) -> Checkout:
        """The target branch, once it is there.

        Raises:
            Unavailable: git could not reach it, or the token was refused.
            Refused: it has no such branch, or no commit at all.

        """
        try:
            self._git.over_network(*self._arguments, started=self._started)
        except GitFailed as failure:
            raise explain(failure, "cloning", self.settings) from failure
        return _read_head(self._git, self.settings)

    def drop(self) -> None:
        """Nobody needs it any more: git is stopped, if it is still running, and the folder is gone; once is enough."""
        self._started.stop()
        self._folder.cleanup()


def begin_clone(settings: Settings, environ: Mapping[str, str]) -> Cloning:
    """Clone the GitOps repository's target branch into a temporary folder; whoever asks for it drops it.

    Raises:
        Unavailable: there is no git, or no place for temporary files.

    """
    try:
        folder = tempfile.TemporaryDirectory(prefix="bumper-", ignore_cleanup_errors=True)
    except OSError as error:
        raise Unavailable("no folder for the clone can be made", "make room or set TMPDIR, and run it again") from error
    git = GitCommand(Path(folder.name) / "gitops.git", git_environment(settings, environ))
    branch = ["--branch", settings.branch] if settings.branch is not None else []
    wanted = ("--depth", "1", "--filter=blob:none", "--single-branch", "--no-tags", "--template=", *branch)
    arguments = ("clone", "--quiet", "--bare", *wanted, "--", settings.address.url, str(git.directory))
    try:
        return Cloning(settings, git, arguments, git.start(*arguments), folder)
    except BaseException:
        folder.cleanup()
        raise


@contextlib.contextmanager
def start_clone(settings: Settings, environ: Mapping[str, str]) -> Iterator[Cloning]:
    """Clone the GitOps repository's target branch into a temporary folder, which is gone afterwards.

    The clone goes on while the caller imports what it needs; see ``Cloning.end``.

    Raises:
        Unavailable: there is no git.

    """
    report_step(f"cloning {settings.address.url}")
    cloning = begin_clone(settings, environ)
    try:
        yield cloning
    finally:
        cloning.drop()


@contextlib.contextmanager
def clone(settings: Settings, environ: Mapping[str, str]) -> Iterator[Checkout]:
    """The same, waited for at once. Raises what ``start_clone`` and ``Cloning.end`` raise."""
    with start_clone(settings, environ) as cloning:
        yield cloning.end()


def _read_head(git: GitCommand, settings: Settings) -> Checkout:
    heads = git.text("for-each-ref", "--format=%(objectname) %(refname)", HEADS).splitlines()
    if not heads:
        what = "commit to start from; push a first one" if settings.branch is None else f"branch {settings.branch!r}"
        raise Refused(f"{settings.address.url} has no {what}.")
    tip, _, name = heads[0].partition(" ")
    return Checkout(git, settings, name.removeprefix(HEADS), tip, list_entries(git, tip), BlobStore(git, settings))
