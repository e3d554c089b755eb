"""What GitLab says about the token and about itself: kind, scopes, expiry, version."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from http import HTTPStatus

from pydantic import BaseModel

from bumper.commands.doctor.check import Report
from bumper.errors import BumperError, Unavailable
from bumper.gitlab.connection import GitLab, read_answer
from bumper.settings import Token

_OLDEST = (15, 6)  # the first with detailed_merge_status, which says why a merge request cannot be merged
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


def examine_token(report: Report, gitlab: GitLab, token: Token) -> tuple[int | None, bool]:
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


def check_version(report: Report, gitlab: GitLab) -> None:
    """Check the version of GitLab."""
    try:
        version = read_answer(gitlab, "asking for GitLab's version", "/version", _VersionAnswer).version
    except BumperError as error:
        if _status(error) == HTTPStatus.FORBIDDEN:  # bump never asks for it
            report.add("GitLab version", "not shown to this token")
        else:
            report.fail("GitLab version", error)
        return
    number = re.match(r"(\d{1,4})\.(\d{1,4})", version)
    is_old = number is not None and (int(number[1]), int(number[2])) < _OLDEST
    advice = "upgrade it to 15.6 or newer, which shows why a merge request cannot be merged"
    report.add("GitLab version", version, advice if is_old else None)
