"""``bumper doctor``: whether bump has all that it needs, and what to do about what is missing."""

import contextlib
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from http import HTTPStatus
from pathlib import Path

from pydantic import BaseModel

from bumper.clock import SYSTEM_CLOCK
from bumper.commands.doctor.check import Check, ProjectUse, Report
from bumper.commands.doctor.contents import (
    check_config,
    examine_argocd,
    examine_environments,
    examine_gate,
    examine_registries,
)
from bumper.commands.doctor.project import ProjectExamination, report_delivery
from bumper.errors import BumperError, Refused, Unavailable
from bumper.git.checkout import Checkout
from bumper.git.clone import clone
from bumper.git.command import GitCommand, GitFailed
from bumper.git.failures import explain_push
from bumper.gitlab.connection import GitLab, connect, connect_if_possible, read_answer
from bumper.settings import Settings, Token

_OLDEST_GIT = (2, 31)  # which reads its configuration from the environment: there is no other way for the token
_VERSION = re.compile(r"(\d+)\.(\d+)\S*")
_INSTALL = "install git 2.31 or newer"
_OLDEST_GITLAB = (15, 6)  # the first with detailed_merge_status, which says why a merge request cannot be merged
_SOON = 14  # days
_BOTS = {"project_": "project access token", "group_": "group access token"}  # GitLab's names of their users
_SCOPES = frozenset(
    {"api", "read_api", "read_user", "read_repository", "write_repository", "read_registry", "write_registry", "sudo"}
)
# /personal_access_tokens/self answers so to tokens that are not of its kind, such as OAuth's.
_NOT_SHOWN = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND})


class _TokenAnswer(BaseModel):
    scopes: list[str] = []
    expires_at: date | None = None


class _UserAnswer(BaseModel):
    id: int
    username: str
    bot: bool = False


class _VersionAnswer(BaseModel):
    version: str


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
        user, opens_api = _examine_token(report, gitlab, token)
        if opens_api:
            _check_version(report, gitlab)
            ProjectExamination(report, gitlab, use, user).run()
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


def _examine_token(report: Report, gitlab: GitLab, token: Token) -> tuple[int | None, bool]:
    """Check kind, scopes and expiry, as far as GitLab shows them for tokens of its kind.

    Returns the token's user, and whether GitLab would answer further questions.
    """
    about = None
    try:
        about = read_answer(gitlab, "asking about the token", "/personal_access_tokens/self", _TokenAnswer)
    except BumperError as error:
        status = _status(error)
        if status not in _NOT_SHOWN:
            report.fail("token", error)
            return None, status not in {None, HTTPStatus.UNAUTHORIZED}
    user, kind = _user(gitlab)
    if about is None:
        report.add("token", f"{kind} in {token.source}, whose scopes and expiry GitLab does not show")
        return user, True
    report.add("token", f"{kind} in {token.source}")
    _check_scopes(report, about.scopes, token)
    opens_api = report.checks[-1].ok or "read_api" in about.scopes
    _check_expiry(report, about.expires_at, token)
    return user, opens_api


def _status(error: BumperError) -> int | None:
    code = getattr(error.__cause__, "response_code", None)
    return code if isinstance(code, int) else None


def _user(gitlab: GitLab) -> tuple[int | None, str]:
    """The token's user and kind: GitLab names the user of a project's token after the project.

    A token may not be allowed to see even itself.
    """
    try:
        user = read_answer(gitlab, "asking whose token it is", "/user", _UserAnswer)
    except BumperError:
        return None, "access token"
    usual = "project or group access token" if user.bot else "personal access token"
    kinds = (kind for start, kind in _BOTS.items() if re.match(rf"{start}\d+_bot", user.username))
    return user.id, f"{next(kinds, usual)} of {user.username}"


def _check_scopes(report: Report, scopes: Sequence[str], token: Token) -> None:
    listed = ", ".join(scopes)
    if "api" in scopes:  # which includes git over HTTPS
        report.add("token scopes", listed)
    elif scopes and _SCOPES.isdisjoint(scopes):
        report.add("token scopes", f"{listed}: a fine-grained token, whose permissions GitLab does not show here")
    else:
        next_step = f"make a token with the scopes api and write_repository and set {token.source} to it"
        report.fail("token scopes", Unavailable(f"{listed or 'none'}, but not api", next_step))


def _check_expiry(report: Report, expires_at: date | None, token: Token) -> None:
    if expires_at is None:
        report.add("token expiry", "the token does not expire")
        return
    days = (expires_at - datetime.now(UTC).date()).days
    found = f"the token expires on {expires_at}, in {days} {'day' if days == 1 else 'days'}"
    report.add("token expiry", found, f"renew it and set {token.source} before then" if days < _SOON else None)


def _check_version(report: Report, gitlab: GitLab) -> None:
    try:
        version = read_answer(gitlab, "asking for GitLab's version", "/version", _VersionAnswer).version
    except BumperError as error:
        if _status(error) == HTTPStatus.FORBIDDEN:  # bump never asks for it
            report.add("GitLab version", "not shown to this token")
        else:
            report.fail("GitLab version", error)
        return
    number = re.match(r"(\d{1,4})\.(\d{1,4})", version)
    is_old = number is not None and (int(number[1]), int(number[2])) < _OLDEST_GITLAB
    advice = "upgrade it to 15.6 or newer, which shows why a merge request cannot be merged"
    report.add("GitLab version", version, advice if is_old else None)
