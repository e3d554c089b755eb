"""``bumper doctor``: whether bump has all that it needs, and what to do about what is missing."""

import contextlib
import re
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from bumper.clock import SYSTEM_CLOCK
from bumper.commands.doctor.check import Check, ProjectUse, Report
from bumper.commands.doctor.deployed import examine_argocd, examine_registries
from bumper.commands.doctor.environments import check_config, examine_environments, examine_gate
from bumper.commands.doctor.project import examine_project, report_delivery
from bumper.commands.doctor.token import check_version, examine_token
from bumper.errors import BumperError, Refused, Unavailable
from bumper.git.checkout import Checkout
from bumper.git.clone import clone
from bumper.git.command import GitCommand, GitFailed
from bumper.git.failures import explain_push
from bumper.gitlab.connection import connect, connect_if_possible
from bumper.settings import Settings

_OLDEST_GIT = (2, 31)  # which reads its configuration from the environment: there is no other way for the token
_VERSION = re.compile(r"(\d+)\.(\d+)\S*")
_INSTALL = "install git 2.31 or newer"


def doctor(settings: Settings, environ: Mapping[str, str], *, verify: bool) -> tuple[Check, ...]:
    """Every check that can be made, in the order of what needs what; without ``verify`` no registry is asked.

    What fails is in the checks; those that cannot be made because of it are left out.
    """
    repository, gitlab, pushing = Report("Repository"), Report("GitLab"), Report("Repository")
    environments, gate, registries, argocd = map(Report, ("Environments", "Soak and freeze", "Registries", "Argo CD"))
    with contextlib.ExitStack() as stack:
        checkout, has_branch = _clone(repository, stack, settings, environ)
        setup = check_config(environments, checkout) if checkout is not None else None
        use = ProjectUse(settings.branch, has_branch, setup)
        if checkout is not None:
            may_push = _check_push(pushing, checkout, use.config.branch_prefix)
            use = replace(use, branch=checkout.branch, files=frozenset(checkout.files), may_push=may_push)
        _ask_gitlab(gitlab, settings, use)
        if checkout is not None and setup is not None:
            targets = examine_environments(environments, checkout, setup)
            examine_gate(gate, targets, connect_if_possible(checkout.settings), SYSTEM_CLOCK.now())
            if verify:
                examine_registries(registries, targets, environ)
            examine_argocd(argocd, checkout, targets)
    reports = (repository, gitlab, pushing, environments, gate, registries, argocd)
    return tuple(check for report in reports for check in report.checks)


def _clone(
    report: Report, stack: contextlib.ExitStack, settings: Settings, environ: Mapping[str, str]
) -> tuple[Checkout | None, bool]:  # fmt: skip
    """The repository for as long as ``stack`` lives, where git gets there; whether it has the target branch."""
    try:
        report.add("git", _git_version())
    except BumperError as error:
        report.fail("git", error)
        return None, True
    checkout, failure = None, None
    try:
        checkout = stack.enter_context(clone(settings, environ))
    except BumperError as error:
        failure = error
    lacks_branch = isinstance(failure, Refused) and _has_another_branch(settings, environ)
    if failure is None or lacks_branch:
        report.add("repository", f"{settings.address.url} can be read")
    if failure is not None:
        report.fail("target branch" if lacks_branch else "repository", failure)
    return checkout, not lacks_branch


def _git_version() -> str:
    try:
        version = GitCommand(Path(tempfile.gettempdir()) / "none.git").text("version")
    except GitFailed as error:
        raise Unavailable(f"git version fails with exit code {error.stderr.strip()}", _INSTALL) from error
    number = _VERSION.search(version)
    if number is None or (int(number[1]), int(number[2])) < _OLDEST_GIT:
        raise Unavailable(f"{version} is too old", _INSTALL)
    return number[0]


def _has_another_branch(settings: Settings, environ: Mapping[str, str]) -> bool:
    """Whether the repository can be cloned without the branch that was asked for."""
    if settings.branch is None:
        return False
    try:
        with clone(replace(settings, branch=None), environ):
            return True
    except BumperError:
        return False


def _check_push(report: Report, checkout: Checkout, branch_prefix: str) -> bool | None:
    """Check whether the server takes a push, by one that stops before anything is sent.

    Where merge requests are made by push options, whether it takes those too. Returns whether the token may push; None
    where git goes by key.
    """
    settings, branch = checkout.settings, f"{branch_prefix}doctor"
    options = () if settings.has_api else ("--push-option", "merge_request.create")
    # With a plus, so that a branch of that name does not make it fail.
    refspec = f"+{checkout.tip}:refs/heads/{branch}"
    with report.check("may push"):
        try:
            checkout.git.over_network("push", "--dry-run", "--porcelain", *options, "origin", refspec)
        except GitFailed as failure:
            raise explain_push(failure, branch, settings) from failure
        by = " with push options" if options else ""
        report.add("may push", f"a dry push of {branch}{by} was accepted")
    return report.checks[-1].ok if not settings.address.over_ssh else None


def _ask_gitlab(report: Report, settings: Settings, use: ProjectUse) -> None:
    """Make the checks that GitLab's API answers; without a token for it, say what is done instead."""
    token = settings.token
    if token is not None and settings.has_api:
        gitlab = connect(settings)
        user, opens_api = examine_token(report, gitlab, token)
        if opens_api:
            check_version(report, gitlab)
            examine_project(report, gitlab, use, user)
        return
    how = "none for GitLab's API: merge requests are made by push options"
    if token is not None:
        how = (
            f"{token.source}, which GitLab's API does not accept for this: merge requests are made by push options, "
            "and its pushes start no pipeline"
        )
    report.add("token", f"{how}; what only the API shows is not checked")
    if use.branch is not None and use.has_branch:
        report.add("target branch", f"{use.branch}; only GitLab's API shows whether it is protected")
        report_delivery(report, use.branch, use, may_push=None)
