"""What GitLab says of itself and of the token: kind, scopes, expiry, version."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from http import HTTPStatus
from typing import Any, TypeAlias

from bumper.commands.doctor.check import Check, failed
from bumper.errors import BumperError, Unavailable
from bumper.gitlab.connection import GitLab, NotShown, translated
from bumper.settings import Settings, Token

Answer: TypeAlias = Mapping[str, Any]

_OLDEST = (15, 6)  # which tells why a merge request cannot be merged (detailed_merge_status)
_SOON = 14  # days
_BOTS = {"project_": "project access token", "group_": "group access token"}  # GitLab's names of their users


@dataclass(frozen=True, slots=True)
class TokenFound:
    """The checks of the token; without ``opens_api`` GitLab would answer no further question."""

    checks: tuple[Check, ...]
    opens_api: bool = True


def answer_of(gitlab: GitLab, step: str, path: str) -> Answer | BumperError:
    """GitLab's answer to GET ``path``, or the error that it ended with."""
    try:
        with translated(gitlab, step):
            answer: Any = gitlab.project.manager.gitlab.http_get(path)
    except BumperError as error:
        return error
    if not isinstance(answer, dict):  # a proxy's page
        return Unavailable(f"{step} failed: {gitlab.settings.address.gitlab_url} answers no JSON; check --gitlab-url.")
    return answer


def check_without_api(settings: Settings) -> Check:
    """What is used where no token opens GitLab's API, which bump can do without."""
    how = f"{settings.token.source}, which does not open GitLab's API" if settings.token else "none for GitLab's API"
    return Check("token", f"{how}: merge requests are made by push options; what only the API tells is not checked")


def examine_token(gitlab: GitLab, token: Token) -> TokenFound:
    """Kind, scopes and expiry of the token, as far as GitLab tells of tokens of its kind."""
    about = answer_of(gitlab, "asking about the token", "/personal_access_tokens/self")
    if isinstance(about, NotShown):
        told = f"{_kind(gitlab)} in {token.source}, whose scopes and expiry GitLab does not show"
        return TokenFound((Check("token", told),))
    if isinstance(about, BumperError):
        status = getattr(about.__cause__, "response_code", None)
        return TokenFound((failed("token", about),), opens_api=status not in {None, HTTPStatus.UNAUTHORIZED})
    kind = Check("token", f"{_kind(gitlab)} in {token.source}")
    reads = bool({"api", "read_api"}.intersection(about.get("scopes", ())))
    return TokenFound((kind, _check_scopes(about, token), _check_expiry(about, token)), opens_api=reads)


def _kind(gitlab: GitLab) -> str:
    """GitLab names the user of a project's token after the project; a token may not be allowed to see even itself."""
    user = answer_of(gitlab, "asking whose token it is", "/user")
    if isinstance(user, BumperError):
        return "access token"
    name = str(user.get("username", ""))
    kinds = [kind for start, kind in _BOTS.items() if re.match(rf"{start}\d+_bot", name)]
    usual = "project or group access token" if user.get("bot") else "personal access token"
    return f"{(kinds or [usual])[0]} of {name}"


def _check_scopes(about: Answer, token: Token) -> Check:
    scopes = ", ".join(map(str, about.get("scopes", ())))
    if "api" in about.get("scopes", ()):  # which includes git over HTTPS
        return Check("token scopes", scopes)
    mend = f"make a token with the scopes api and write_repository and set {token.source} to it"
    return Check("token scopes", f"{scopes or 'none'}, but not api", mend, Unavailable.exit_code)


def _check_expiry(about: Answer, token: Token) -> Check:
    expires = about.get("expires_at")
    if not expires:
        return Check("token expiry", "the token does not expire")
    days = (date.fromisoformat(str(expires)[:10]) - datetime.now(UTC).date()).days
    told = f"the token expires on {expires}, in {days} {'day' if days == 1 else 'days'}"
    soon = f"rotate it and set {token.source} anew before then" if days < _SOON else None
    return Check("token expiry", told, soon)


def check_version(gitlab: GitLab) -> Check:
    """The version of GitLab."""
    answer = answer_of(gitlab, "asking for GitLab's version", "/version")
    if isinstance(answer, BumperError):
        return _version_unknown(answer)
    version = str(answer.get("version", ""))
    number = re.match(r"(\d+)\.(\d+)", version)
    if number is None or (int(number[1]), int(number[2])) >= _OLDEST:
        return Check("GitLab version", version)
    mend = "upgrade it to 15.6 or newer, which tells bumper why a merge request cannot be merged"
    return Check("GitLab version", version, mend)


def _version_unknown(error: BumperError) -> Check:
    """Bump never asks for it, so that a token without the scope for it is no failure here."""
    refused = getattr(error.__cause__, "response_code", None) == HTTPStatus.FORBIDDEN
    return Check("GitLab version", "not shown to this token") if refused else failed("GitLab version", error)
