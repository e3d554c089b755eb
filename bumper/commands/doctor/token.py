"""What GitLab says about the token and about itself: kind, scopes, expiry, version."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from http import HTTPStatus

from pydantic import BaseModel

from bumper.commands.doctor.check import Check, failed
from bumper.errors import BumperError, Unavailable
from bumper.gitlab.connection import GitLab, read_answer
from bumper.settings import Settings, Token

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


@dataclass(frozen=True, slots=True)
class TokenFound:
    """The checks of the token, and its user's id; without ``opens_api`` GitLab would answer no further question."""

    checks: tuple[Check, ...]
    user: int | None = None
    opens_api: bool = True


def check_without_api(settings: Settings) -> Check:
    """What is used where no token opens GitLab's API, which bump can do without."""
    if settings.token is None:
        how = "none for GitLab's API: merge requests are made by push options"
    else:
        how = (
            f"{settings.token.source}, which GitLab's API does not accept for this: merge requests are made by "
            "push options, and its pushes start no pipeline"
        )
    return Check("token", f"{how}; what only the API shows is not checked")


def examine_token(gitlab: GitLab, token: Token) -> TokenFound:
    """Kind, scopes and expiry of the token, as far as GitLab shows them for tokens of its kind."""
    try:
        about = read_answer(gitlab, "asking about the token", "/personal_access_tokens/self", _TokenAnswer)
    except BumperError as error:
        status = _status(error)
        if status not in _NOT_SHOWN:
            return TokenFound((failed("token", error),), opens_api=status not in {None, HTTPStatus.UNAUTHORIZED})
        user, kind = _user(gitlab)
        found = f"{kind} in {token.source}, whose scopes and expiry GitLab does not show"
        return TokenFound((Check("token", found),), user)
    user, kind = _user(gitlab)
    checks = (Check("token", f"{kind} in {token.source}"), _check_scopes(about, token), _check_expiry(about, token))
    return TokenFound(checks, user, opens_api=checks[1].ok or "read_api" in about.scopes)


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
    kinds = [kind for start, kind in _BOTS.items() if re.match(rf"{start}\d+_bot", user.username)]
    usual = "project or group access token" if user.bot else "personal access token"
    return user.id, f"{(kinds or [usual])[0]} of {user.username}"


def _check_scopes(about: _TokenAnswer, token: Token) -> Check:
    scopes = ", ".join(about.scopes)
    if "api" in about.scopes:  # which includes git over HTTPS
        return Check("token scopes", scopes)
    if about.scopes and _SCOPES.isdisjoint(about.scopes):
        return Check("token scopes", f"{scopes}: a fine-grained token, whose permissions GitLab does not show here")
    next_step = f"make a token with the scopes api and write_repository and set {token.source} to it"
    return Check("token scopes", f"{scopes or 'none'}, but not api", next_step, Unavailable.exit_code)


def _check_expiry(about: _TokenAnswer, token: Token) -> Check:
    if about.expires_at is None:
        return Check("token expiry", "the token does not expire")
    days = (about.expires_at - datetime.now(UTC).date()).days
    found = f"the token expires on {about.expires_at}, in {days} {'day' if days == 1 else 'days'}"
    return Check("token expiry", found, f"renew it and set {token.source} before then" if days < _SOON else None)


def check_version(gitlab: GitLab) -> Check:
    """The version of GitLab."""
    name = "GitLab version"
    try:
        version = read_answer(gitlab, "asking for GitLab's version", "/version", _VersionAnswer).version
    except BumperError as error:
        # Bump never asks for it, so that a token without the scope for it is no failure here.
        return Check(name, "not shown to this token") if _status(error) == HTTPStatus.FORBIDDEN else failed(name, error)
    number = re.match(r"(\d{1,4})\.(\d{1,4})", version)
    if number is None or (int(number[1]), int(number[2])) >= _OLDEST:
        return Check(name, version)
    return Check(name, version, "upgrade it to 15.6 or newer, which shows why a merge request cannot be merged")
