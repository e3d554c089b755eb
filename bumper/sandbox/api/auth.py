"""Who is calling: tokens in the headers that GitLab reads, and what GitLab answers when they are not good enough."""

import base64
import binascii
from datetime import UTC, datetime

from werkzeug import Request

from bumper.sandbox.behaviour.errors import GitLabError
from bumper.sandbox.state.identity import Identity, identity_of
from bumper.sandbox.state.records import Token
from bumper.sandbox.state.world import World


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


_INSUFFICIENT = {
    "error": "insufficient_scope",
    "error_description": "The request requires higher privileges than provided by the access token.",
    "scope": "api",
}


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
