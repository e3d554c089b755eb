"""HTTP to a registry: bounded in time, tries and size, with no secret sent where it was not meant to go.

With http_session.py and gitlab.py the only importer of requests.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import urljoin, urlsplit

import requests

from bumper.errors import Unavailable
from bumper.http import SECONDS, Session

NO_VERIFY = "or give --no-verify to go on without asking"
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MAX_REDIRECTS = 5
_CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """What a registry answered; ``url`` is the one that answered, after redirects. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str


@dataclass(frozen=True, slots=True)
class Question:
    """A request; ``headers`` and ``form`` may hold a secret."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)
    longest: int = 64 * 1024  # bytes of the answer's body


def ask(session: Session, question: Question) -> Answer:
    """The answer, after retries and redirects.

    A redirect is never followed with a password or an identity token, nor from HTTPS to HTTP; a Bearer token, which
    the registry gave for itself, stays with its origin.

    Raises:
        Unavailable: no answer, one that is too long, or a redirect that is not followed.

    """
    headers, url = dict(question.headers), question.url
    for _ in range(_MAX_REDIRECTS + 1):
        answer = _ask_once(session, question, url, headers)
        if answer.status not in _REDIRECTS or "location" not in answer.headers:
            return answer
        target = _target(url, answer.headers["location"])
        with_password = question.form is not None or headers.get("Authorization", "").startswith("Basic ")
        if target is None or with_password:
            raise Unavailable(
                f"{origin(url)} redirects to where bumper does not follow (from HTTPS to HTTP, or with a login); name "
                f"the registry by the host that answers, {NO_VERIFY}."
            )
        if origin(target) != origin(url):
            headers.pop("Authorization", None)
        url = target
    raise Unavailable(f"{origin(question.url)} redirects more than {_MAX_REDIRECTS} times; check it, {NO_VERIFY}.")


def origin(url: str) -> str:
    """Scheme, host and port of ``url``: what may be shown of it, for its query may hold a secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _target(url: str, location: str) -> str | None:
    """Where a redirect leads; None where it may not: plain HTTP is for the host that it was allowed for."""
    try:
        target = urljoin(url, location)
        may_follow = urlsplit(target).scheme == "https" or origin(target) == origin(url)
    except ValueError:
        return None
    return target if may_follow else None


def _ask_once(session: Session, question: Question, url: str, headers: Mapping[str, str]) -> Answer:
    try:
        with session.request(
            question.method, url, headers=headers, data=question.form, timeout=SECONDS, stream=True,
            allow_redirects=False,
        ) as response:  # fmt: skip
            body = b""
            for chunk in response.iter_content(_CHUNK):
                body += chunk
                if len(body) > question.longest:
                    raise Unavailable(f"{origin(url)} answered with more than {question.longest} bytes; {NO_VERIFY}.")
            names = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status_code, names, body, url)
    except requests.exceptions.SSLError as error:
        raise Unavailable(
            f"The TLS certificate of {origin(url)} cannot be checked; set REQUESTS_CA_BUNDLE to a file with its "
            f"authority, {NO_VERIFY}."
        ) from error
    except requests.Timeout as error:
        raise Unavailable(f"{origin(url)} did not answer in time; try again, {NO_VERIFY}.") from error
    except (OSError, ValueError) as error:  # every other failure of requests, a missing CA file, a bad address
        raise Unavailable(f"{origin(url)} cannot be reached; check its name and the network, {NO_VERIFY}.") from error


def explain_status(status: int) -> str:
    """The status as a message names it: ``503 Service Unavailable``."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)
