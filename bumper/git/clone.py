"""The clone of the GitOps repository: one commit, its trees, no blobs; it goes on while the command is imported."""

import contextlib
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bumper.clock import SYSTEM_CLOCK, Clock
from bumper.errors import Refused, Unavailable
from bumper.git.checkout import HEADS, Checkout, list_entries
from bumper.git.command import GitCommand, RunningGit, git_environment
from bumper.git.failures import explained
from bumper.git.objects import BlobStore
from bumper.log import report_step
from bumper.settings import Settings

_PREFIX = "bumper-clone-"
_LEFT_BEHIND = 24 * 3600  # seconds after which no run can still be using its clone


@dataclass(frozen=True, slots=True)
class Cloning:
    """A clone under way: it goes on while bumper imports what it needs."""

    settings: Settings
    _git: GitCommand
    _running: RunningGit

    def end(self) -> Checkout:
        """Wait for the clone; the target branch.

        Unavailable where git could not reach it, or the token was refused; Refused where it has no such branch, or no
        commit at all.
        """
        git, settings = self._git, self.settings
        with explained("cloning", settings):
            git.finish(self._running)
        heads = git.text("for-each-ref", "--format=%(objectname) %(refname)", HEADS).splitlines()
        url, branch = settings.address.url, settings.branch
        if not heads and branch is None:
            raise Refused(f"{url} has no commit to start from", "push a first one")
        if not heads:
            raise Refused(f"{url} has no branch {branch!r}", "check --branch (or BUMPER_BRANCH)")
        tip, _, name = heads[0].partition(" ")
        return Checkout(git, settings, name.removeprefix(HEADS), tip, list_entries(git, tip), BlobStore(git, settings))


@contextlib.contextmanager
def start_clone(settings: Settings, environ: Mapping[str, str], clock: Clock = SYSTEM_CLOCK) -> Iterator[Cloning]:
    """Clone the GitOps repository's target branch into a temporary folder, which is gone afterwards.

    The clone goes on while the caller imports what it needs; see ``Cloning.end``.

    Unavailable where there is no git, or no place for temporary files.
    """
    report_step(f"cloning {settings.address.url}")
    branch = ("--branch", settings.branch) if settings.branch is not None else ()
    little = ("--depth", "1", "--filter=blob:none", "--single-branch", "--no-tags", "--template=", *branch)
    with make_clone_folder() as folder:
        git = GitCommand(Path(folder) / "gitops.git", git_environment(settings, environ), clock)
        # The remote's name is fixed against clone.defaultRemoteName in somebody's configuration.
        bare = ("clone", "--quiet", "--bare", "--origin", "origin")
        running = git.start(*bare, *little, "--", settings.address.url, str(git.directory))
        try:
            yield Cloning(settings, git, running)
        finally:
            running.stop()


@contextlib.contextmanager
def clone(settings: Settings, environ: Mapping[str, str]) -> Iterator[Checkout]:
    """Clone the GitOps repository's target branch and wait for it.

    Raises what ``start_clone`` and ``Cloning.end`` raise.
    """
    with start_clone(settings, environ) as cloning:
        yield cloning.end()


def make_clone_folder() -> "tempfile.TemporaryDirectory[str]":
    """A new temporary folder for a clone, which is gone as soon as nobody holds it any more.

    Unavailable where there is no place for temporary files.
    """
    try:
        folder = tempfile.TemporaryDirectory(prefix=_PREFIX, ignore_cleanup_errors=True)
    except OSError as error:
        raise Unavailable("no folder for the clone can be made", "make room or set TMPDIR, and run it again") from error
    sweep(Path(folder.name).parent, time.time())
    return folder


def sweep(folder: Path, now: float) -> None:
    """Remove this user's clones that are older than a day: their runs were killed before they could do it."""
    for left in folder.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            about = left.lstat()
            is_own = stat.S_ISDIR(about.st_mode) and about.st_uid == os.getuid()
            if is_own and about.st_mtime < now - _LEFT_BEHIND:
                shutil.rmtree(left, ignore_errors=True)
