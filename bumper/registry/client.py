"""How a registry is asked: redirects are followed, a 401 is answered, and no secret goes where it was not meant to.

The challenge of a 401 is RFC 9110's; tokens are those of Docker Distribution's token authentication: GET with the
password as Basic, or POST with an identity token as refresh_token.
"""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlencode, urljoin, urlsplit

from bumper.errors import BumperError, Unavailable
from bumper.http.session import NoAnswer, Response, Session, UntrustedCertificate, ask_once, is_private, origin
from bumper.http.transport import Limits
from bumper.registry.credentials import Credentials

NO_VERIFY = "or give --no-verify to go on without asking"
TRUSTED = "BUMPER_INSECURE_REGISTRIES"  # hosts, separated by commas, that get a password over plain HTTP
_CHALLENGE_PART = re.compile(r'([A-Za-z][\w-]*)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+)))?')
_TOKEN = re.compile(r"[\x21-\x7e]+")
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MAX_REDIRECTS = 5


class RegistryDown(Unavailable):
    """A registry, or its token server, gave no answer."""


@dataclass(slots=True)
class Registry:
    """A registry in one run, and who asks it.

    ``insecure`` are the hosts that bumper.yaml lets speak plain HTTP, ``trusted`` those of them that the environment
    lets have a password that way. ``failure`` is why it is not asked, or not again.
    """

    session: Session
    insecure: frozenset[str]
    trusted: frozenset[str]
    url: str = ""  # scheme and host
    login: Credentials | None = field(default=None, repr=False)
    failure: BumperError | None = None

    @property
    def credentials(self) -> Credentials | None:
        """The login that may be sent to the registry."""
        return self.login if self.may_have_password(self.url) else None

    def may_have_password(self, url: str) -> bool:
        """Whether nobody on the way to ``url`` reads a password, or the environment does not mind."""
        return is_private(url) or urlsplit(url).netloc in self.trusted

    def explain_login(self) -> str:
        """The login as a message may name it: by where it was found."""
        if self.login is None:
            return "a request without a login"
        if self.credentials is not None:
            return f"the login from {self.login.source}"
        return (
            f"a request without the login from {self.login.source}, which is not sent over plain HTTP unless the "
            f"variable {TRUSTED} names {urlsplit(self.url).netloc}"
        )


def ask(registry: Registry, method: str, path: str, headers: Mapping[str, str], scope: str) -> Response:
    """The answer to a question for ``path``, after retries, redirects and the login.

    ``scope`` is what a token is asked for where the challenge names none.

    Unavailable: no answer, one that is too long, a redirect that is not followed, or a token server that refuses
    or must not be given the password.
    """
    url = f"{registry.url}{path}"
    answer = _follow(registry.session, method, url, headers)
    authorization = _authorize(registry, answer, scope) if answer.status_code == HTTPStatus.UNAUTHORIZED else None
    if authorization is None:
        return answer
    return _follow(registry.session, method, url, {**headers, "Authorization": authorization})


def speaks_https(host: str, ca_file: Path | None) -> bool:
    """Whether a registry of this machine speaks HTTPS, as Docker finds out: by trying.

    A certificate that cannot be checked counts as HTTPS, so that the failure is reported and not worked around.
    """
    with Session(ca_file, Limits(tries=1)) as session:
        try:
            ask_once(session, "HEAD", f"https://{host}/v2/")
        except NoAnswer as error:
            return isinstance(error, UntrustedCertificate)
    return True


def explain_status(status: int) -> str:
    """The status as a message names it: ``503 Service Unavailable``."""
    return f"{status} {HTTPStatus(status).phrase}" if status in set(HTTPStatus) else str(status)


def _follow(
    session: Session, method: str, asked: str, given: Mapping[str, str], form: Mapping[str, str] | None = None
) -> Response:
    """The answer after redirects.

    None is followed with a password or an identity token, nor from HTTPS to HTTP; a Bearer token, which the registry
    gave for itself, stays with its origin.
    """
    headers, url = dict(given), asked
    for _ in range(_MAX_REDIRECTS + 1):
        try:
            answer = ask_once(session, method, url, headers, form)
        except NoAnswer as error:
            raise RegistryDown(error.what, f"{error.next_step}, {NO_VERIFY}") from error
        if answer.status_code not in _REDIRECTS or "location" not in answer.headers:
            return answer
        target = _target(url, answer.headers["location"])
        with_password = form is not None or headers.get("Authorization", "").startswith("Basic ")
        if target is None or with_password:
            raise Unavailable(
                f"{origin(url)} redirects to where bumper does not follow (from HTTPS to HTTP, or with a login)",
                f"name the registry by the host that answers, {NO_VERIFY}",
            )
        if origin(target) != origin(url):
            headers.pop("Authorization", None)
        url = target
    raise Unavailable(f"{origin(asked)} redirects more than {_MAX_REDIRECTS} times", f"check it, {NO_VERIFY}")


def _target(url: str, location: str) -> str | None:
    """Where a redirect leads; None where it may not: plain HTTP is for the host that it was allowed for."""
    try:
        target = urljoin(url, location)
        return target if urlsplit(target).scheme == "https" or origin(target) == origin(url) else None
    except ValueError:
        return None


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


def _authorize(registry: Registry, refusal: Response, scope: str) -> str | None:
    """The Authorization header that answers a 401; None where there is nothing to answer with.

    A 401 of another host, after a redirect, is not answered: the password is for the registry's own challenge only.
    """
    if origin(refusal.url) != registry.url:
        return None
    challenges = read_challenges(refusal.headers.get("www-authenticate", ""))
    if "realm" in challenges.get("bearer", {}):
        return f"Bearer {_fetch_token(registry, challenges['bearer'], scope)}"
    credentials = registry.credentials
    return _basic(credentials) if "basic" in challenges and credentials and not credentials.identity_token else None


def _basic(credentials: Credentials) -> str:
    return f"Basic {base64.b64encode(f'{credentials.user}:{credentials.password}'.encode()).decode('ascii')}"


def _fetch_token(registry: Registry, challenge: Mapping[str, str], scope: str) -> str:
    realm, credentials = challenge["realm"], registry.credentials
    _check_realm(realm, registry)
    query = {"scope": scope} | {key: challenge[key] for key in ("scope", "service") if key in challenge}
    if credentials is not None and credentials.identity_token is not None:
        form = {"grant_type": "refresh_token", "client_id": "bumper", "refresh_token": credentials.identity_token}
        answer = _follow(registry.session, "POST", realm, {}, query | form)
    else:
        headers = {"Authorization": _basic(credentials)} if credentials is not None else {}
        separator = "&" if urlsplit(realm).query else "?"
        answer = _follow(registry.session, "GET", f"{realm}{separator}{urlencode(query)}", headers)
    return _read_token(answer, registry)


def _check_realm(realm: str, registry: Registry) -> None:
    """Refuse a token server that would get the password over plain HTTP, unless it is a registry trusted that far."""
    try:
        parts, own = urlsplit(realm), urlsplit(registry.url)
        is_own_host = own.scheme == "http" and parts.hostname == own.hostname
    except ValueError as error:
        raise Unavailable(
            f"{registry.url} names a token server whose address is not valid", f"correct its realm, {NO_VERIFY}"
        ) from error
    may_speak_http = parts.scheme == "http" and (is_own_host or parts.netloc in registry.insecure)
    is_allowed = parts.scheme == "https" or may_speak_http
    if not is_allowed or (registry.credentials is not None and not registry.may_have_password(realm)):
        raise Unavailable(
            f"{registry.url} sends to the token server {origin(realm)}, which does not speak HTTPS, so no login is "
            f"sent there (unless bumper.yaml's registries name it insecure, and {TRUSTED} names it, too)",
            f"correct the registry's realm, {NO_VERIFY}",
        )


def _read_token(answer: Response, registry: Registry) -> str:
    server = f"the token server {origin(answer.url)} of {registry.url}"
    if answer.status_code in {HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        raise Unavailable(
            f"{server} refused {registry.explain_login()} ({explain_status(answer.status_code)})",
            f"log in again with `docker login`, {NO_VERIFY}",
        )
    if answer.status_code != HTTPStatus.OK:
        raise Unavailable(f"{server} answered {explain_status(answer.status_code)}", f"try again, {NO_VERIFY}")
    try:
        body = json.loads(answer.content)
    except (ValueError, RecursionError):
        body = None
    token = (body.get("token") or body.get("access_token")) if isinstance(body, dict) else None
    if not isinstance(token, str) or _TOKEN.fullmatch(token) is None:
        raise Unavailable(f"{server} gave no token", f"check the registry's realm, {NO_VERIFY}")
    return token
