"""What git says of the GitOps repository: its version, whether it gets there, whether it may push."""

import contextlib
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from bumper.commands.doctor.check import Check, failed
from bumper.errors import BumperError, Refused, Unavailable
from bumper.git.checkout import Checkout
from bumper.git.clone import clone
from bumper.git.command import GitCommand, GitFailed
from bumper.git.failures import explain_push
from bumper.settings import Settings

_OLDEST_GIT = (2, 31)  # which reads its configuration from the environment: there is no other way for the token
_VERSION = re.compile(r"(\d+)\.(\d+)\S*")


@dataclass(frozen=True, slots=True)
class Reached:
    """The clone, or None with the checks that say why; ``has_branch`` is False where the target branch is missing."""

    checks: tuple[Check, ...]
    checkout: Checkout | None
    has_branch: bool = True


def check_git() -> Check:
    """Whether there is a git that is new enough."""
    try:
        version = GitCommand(Path(tempfile.gettempdir()) / "none.git").text("version")
    except BumperError as error:
        return failed("git", error)
    except GitFailed as error:
        return failed(
            "git", Unavailable(f"git version fails with exit code {error.stderr.strip()}", "install git 2.31 or newer")
        )
    number = _VERSION.search(version)
    if number is None or (int(number[1]), int(number[2])) < _OLDEST_GIT:
        return failed("git", Unavailable(f"{version} is too old", "install git 2.31 or newer"))
    return Check("git", number[0])


def reach(stack: contextlib.ExitStack, settings: Settings, environ: Mapping[str, str]) -> Reached:
    """Clone the repository for as long as ``stack`` lives; a missing branch is a failure of its own."""
    name = "repository"
    try:
        checkout = stack.enter_context(clone(settings, environ))
    except BumperError as error:
        if not isinstance(error, Refused) or not _has_another_branch(settings, environ):
            return Reached((failed(name, error),), None)
        return Reached((_reachable(settings), failed("target branch", error)), None, has_branch=False)
    return Reached((_reachable(settings),), checkout)


def _reachable(settings: Settings) -> Check:
    return Check("repository", f"{settings.address.url} can be read")


def _has_another_branch(settings: Settings, environ: Mapping[str, str]) -> bool:
    """Whether the repository can be cloned without the branch that was asked for."""
    if settings.branch is None:
        return False
    try:
        with clone(replace(settings, branch=None), environ):
            return True
    except BumperError:
        return False


def check_push(checkout: Checkout, branch_prefix: str) -> Check:
    """Whether the server takes a push, by one that stops before anything is sent.

    Where merge requests are made by push options, whether it takes those too.
    """
    settings, branch = checkout.settings, f"{branch_prefix}doctor"
    options = () if settings.has_api else ("--push-option", "merge_request.create")
    # With a plus, so that a branch of that name does not make it fail.
    refspec = f"+{checkout.tip}:refs/heads/{branch}"
    try:
        checkout.git.over_network("push", "--dry-run", "--porcelain", *options, "origin", refspec)
    except GitFailed as failure:
        return failed("may push", explain_push(failure, branch, settings))
    except BumperError as error:
        return failed("may push", error)
    by = " with push options" if options else ""
    return Check("may push", f"a dry push of {branch}{by} was accepted")
