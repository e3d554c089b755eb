"""How a registry lets one in: the challenge of its 401, and the token or password that answers it.

The challenge is RFC 9110's; tokens are those of Docker Distribution's token authentication: GET with the password as
Basic, or POST with an identity token as refresh_token.
"""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import urlencode, urlsplit

from bumper.errors import Unavailable
from bumper.http.session import Answer, Question, Session, is_private, origin
from bumper.registry.credentials import Credentials
from bumper.registry.http import NO_VERIFY, ask, explain_status

_CHALLENGE_PART = re.compile(r'([A-Za-z][\w-]*)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+)))?')
_TOKEN = re.compile(r"[\x21-\x7e]+")
_CLIENT = "bumper"
TRUSTED = "BUMPER_INSECURE_REGISTRIES"  # hosts, separated by commas, that get a password over plain HTTP


@dataclass(frozen=True, slots=True)
class Login:
    """Where the registry is, and who asks.

    ``insecure`` are the hosts that bumper.yaml lets speak plain HTTP, ``trusted`` those of them that the environment
    lets have a password that way.
    """

    url: str  # scheme and host of the registry
    found: Credentials | None = field(repr=False)
    insecure: frozenset[str]
    trusted: frozenset[str]

    @property
    def credentials(self) -> Credentials | None:
        """The login that may be sent to the registry."""
        return self.found if self.may_have_password(self.url) else None

    def may_have_password(self, url: str) -> bool:
        """Whether nobody on the way to ``url`` reads a password, or the environment does not mind."""
        return is_private(url) or urlsplit(url).netloc in self.trusted


def read_challenges(header: str) -> dict[str, dict[str, str]]:
    """A WWW-Authenticate header's schemes (in lower case) with their parameters."""
    challenges: dict[str, dict[str, str]] = {}
    current: dict[str, str] = {}
    for part in _CHALLENGE_PART.finditer(header):
        name, quoted, plain = part.groups()
        if quoted is not None or plain is not None:
            current[name.lower()] = plain if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
        else:
            current = challenges.setdefault(name.lower(), {})
    return challenges


def authorize(session: Session, login: Login, refusal: Answer, scope: str) -> str | None:
    """The Authorization header that answers a 401; None where there is nothing to answer with.

    ``scope`` is asked for where the challenge names none. A 401 of another host, after a redirect, is not answered: the
    password is for the registry's own challenge only.

    Raises:
        Unavailable: the token server refuses, cannot be reached, or must not be given the password.

    """
    if origin(refusal.url) != login.url:
        return None
    challenges = read_challenges(refusal.headers.get("www-authenticate", ""))
    if "realm" in challenges.get("bearer", {}):
        return f"Bearer {_fetch_token(session, login, challenges['bearer'], scope)}"
    if "basic" in challenges and login.credentials is not None and login.credentials.identity_token is None:
        return _basic(login.credentials)
    return None


def _basic(credentials: Credentials) -> str:
    pair = f"{credentials.user}:{credentials.password}".encode()
    return f"Basic {base64.b64encode(pair).decode('ascii')}"


def _fetch_token(session: Session, login: Login, challenge: Mapping[str, str], scope: str) -> str:
    realm, credentials = challenge["realm"], login.credentials
    _check_realm(realm, login)
    query = {"scope": challenge.get("scope", scope)}
    if "service" in challenge:
        query["service"] = challenge["service"]
    if credentials is not None and credentials.identity_token is not None:
        form = {
            **query,
            "grant_type": "refresh_token",
            "client_id": _CLIENT,
            "refresh_token": credentials.identity_token,
        }
        return _read_token(ask(session, Question("POST", realm, form=form)), login)
    headers = {"Authorization": _basic(credentials)} if credentials is not None else {}
    separator = "&" if urlsplit(realm).query else "?"
    return _read_token(ask(session, Question("GET", f"{realm}{separator}{urlencode(query)}", headers)), login)


def _check_realm(realm: str, login: Login) -> None:
    """Refuse a token server that would get the password over plain HTTP, unless it is a registry trusted that far."""
    try:
        parts, registry = urlsplit(realm), urlsplit(login.url)
        same_host = registry.scheme == "http" and parts.hostname == registry.hostname
    except ValueError as error:
        raise Unavailable(
            f"{login.url} names a token server whose address is not valid", f"correct its realm, {NO_VERIFY}"
        ) from error
    is_allowed = parts.scheme == "https" or (parts.scheme == "http" and (same_host or parts.netloc in login.insecure))
    if is_allowed and (login.credentials is None or login.may_have_password(realm)):
        return
    raise Unavailable(
        f"{login.url} sends to the token server {origin(realm)}, which does not speak HTTPS, so no login is sent "
        f"there (unless bumper.yaml's registries name it insecure, and {TRUSTED} names it, too)",
        f"correct the registry's realm, {NO_VERIFY}",
    )


def _read_token(answer: Answer, login: Login) -> str:
    server = f"The token server {origin(answer.url)} of {login.url}"
    if answer.status in {HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        raise Unavailable(
            f"{server} refused {explain_login(login)} ({explain_status(answer.status)})",
            f"log in again with `docker login`, {NO_VERIFY}",
        )
    if answer.status != HTTPStatus.OK:
        raise Unavailable(f"{server} answered {explain_status(answer.status)}", f"try again, {NO_VERIFY}")
    try:
        body = json.loads(answer.body)
    except (ValueError, RecursionError):
        body = None
    token = (body.get("token") or body.get("access_token")) if isinstance(body, dict) else None
    if not isinstance(token, str) or _TOKEN.fullmatch(token) is None:
        raise Unavailable(f"{server} gave no token", f"check the registry's realm, {NO_VERIFY}")
    return token


def explain_login(login: Login) -> str:
    """The login as a message may name it: by where it was found."""
    if login.credentials is not None:
        return f"the login from {login.credentials.source}"
    if login.found is not None:
        host = urlsplit(login.url).netloc
        return (
            f"a request without the login from {login.found.source}, which is not sent over plain HTTP unless the "
            f"variable {TRUSTED} names {host}"
        )
    return "a request without a login"
