"""Who is calling: tokens in the headers that GitLab reads, and what GitLab answers when they are not good enough."""

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, datetime

from werkzeug import Request

from bumper.sandbox.api.errors import GitLabError
from bumper.sandbox.state.records import Project, ProtectedBranch, Role, Token, User
from bumper.sandbox.state.world import World, protection


@dataclass(frozen=True, slots=True)
class Identity:
    """The user behind a request, with the token's role; no token where the push came over SSH or from a page.

    ``job_project`` is the path of the project whose job has a job token.
    """

    user: User
    role: int
    token: Token | None = None
    job_project: str = ""

    @property
    def is_job(self) -> bool:
        """Whether a CI job calls with its own token."""
        return self.token is not None and self.token.kind == "job"

    def may_see(self, project: Project) -> bool:
        """Whether the token reaches this project."""
        if self.token is None or self.token.project_id in {None, project.id}:
            return True
        allowed = not project.ci_inbound_job_token_scope_enabled or self.job_project in project.job_token_allowlist
        return self.is_job and allowed

    def role_in(self, project: Project) -> int:
        """The access level in this project; an administrator may do everything."""
        if not self.may_see(project):
            return Role.NOBODY
        return Role.MAINTAINER if self.user.admin else self.role

    def may_push(self, project: Project, branch: str) -> bool:
        """Whether the user may push to this branch."""
        rule = protection(project, branch)
        return self._reaches(rule.push_access_level if rule else Role.DEVELOPER)

    def may_merge(self, project: Project, branch: str) -> bool:
        """Whether the user may merge into this branch."""
        rule = protection(project, branch)
        return self._reaches(_lowest(rule) if rule else Role.DEVELOPER)

    def _reaches(self, level: int) -> bool:
        return level > Role.NOBODY and (self.user.admin or self.role >= level)


def api_identity(world: World, request: Request) -> Identity:
    """The caller of an API endpoint. Raises GitLabError 401 without a good token, 403 when it lacks the scope."""
    value = _api_token(request)
    token = world.records.tokens.get(value) if value else None
    if token is None or (token.kind == "job") != ("JOB-TOKEN" in request.headers):
        raise GitLabError(401, {"message": "401 Unauthorized"})
    _require_alive(token)
    reading = request.method in {"GET", "HEAD"} and "read_api" in token.scopes
    own = request.path.endswith("/personal_access_tokens/self")
    if token.kind != "job" and not ({"api"} & set(token.scopes) or reading or own):
        raise GitLabError(403, _INSUFFICIENT)
    return identity_of(world, token)


def git_identity(world: World, request: Request) -> Identity | None:
    """The caller of git over HTTP, by Basic (any user name, the token as password); None without a good token."""
    header = request.headers.get("Authorization", "")
    value = header.removeprefix("Bearer ") if header.startswith("Bearer ") else _basic_password(header)
    token = world.records.tokens.get(value)
    if token is None or token.revoked or _expired(token):
        return None
    return identity_of(world, token)


def identity_of(world: World, token: Token) -> Identity:
    """Whoever has this token."""
    home = world.records.projects.get(token.project_id) if token.project_id is not None else None
    return Identity(world.records.users[token.username], token.role, token, home.path if home else "")


_INSUFFICIENT = {
    "error": "insufficient_scope",
    "error_description": "The request requires higher privileges than provided by the access token.",
    "scope": "api",
}


def _lowest(rule: ProtectedBranch) -> int:
    """Who may push to a protected branch may merge into it as well."""
    levels = [level for level in (rule.push_access_level, rule.merge_access_level) if level]
    return min(levels, default=Role.NOBODY)


def _api_token(request: Request) -> str:
    header = request.headers.get("Authorization", "")
    if header.startswith("Bearer "):
        return header.removeprefix("Bearer ")
    named = request.headers.get("PRIVATE-TOKEN") or request.headers.get("JOB-TOKEN")
    return named or request.args.get("private_token", "")


def _basic_password(header: str) -> str:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(encoded, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _require_alive(token: Token) -> None:
    if token.revoked:
        why = "Token was revoked. You have to re-authorize from the user."
    elif _expired(token):
        why = "Token is expired. You can either do re-authorization or token refresh."
    else:
        return
    raise GitLabError(401, {"error": "invalid_token", "error_description": why})


def _expired(token: Token) -> bool:
    return token.expires_at is not None and token.expires_at <= datetime.now(UTC).date().isoformat()
