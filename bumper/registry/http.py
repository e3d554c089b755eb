"""Questions to a registry: redirects are followed, and no secret is sent where it was not meant to go."""

from dataclasses import replace
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from bumper.errors import Unavailable
from bumper.http.session import Answer, NoAnswer, Question, Session, UntrustedCertificate, ask_once, origin
from bumper.http.transport import Limits

NO_VERIFY = "or give --no-verify to go on without asking"
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MAX_REDIRECTS = 5


class RegistryDown(Unavailable):
    """A registry, or its token server, gave no answer."""


def ask(session: Session, question: Question) -> Answer:
    """The answer, after retries and redirects.

    A redirect is never followed with a password or an identity token, nor from HTTPS to HTTP; a Bearer token, which
    the registry gave for itself, stays with its origin.

    Raises:
        Unavailable: no answer, one that is too long, or a redirect that is not followed.

    """
    headers, url = dict(question.headers), question.url
    for _ in range(_MAX_REDIRECTS + 1):
        answer = _ask_once(session, replace(question, url=url, headers=headers))
        if answer.status not in _REDIRECTS or "location" not in answer.headers:
            return answer
        target = _target(url, answer.headers["location"])
        with_password = question.form is not None or headers.get("Authorization", "").startswith("Basic ")
        if target is None or with_password:
            raise Unavailable(
                f"{origin(url)} redirects to where bumper does not follow (from HTTPS to HTTP, or with a login)",
                f"name the registry by the host that answers, {NO_VERIFY}",
            )
        if origin(target) != origin(url):
            headers.pop("Authorization", None)
        url = target
    raise Unavailable(f"{origin(question.url)} redirects more than {_MAX_REDIRECTS} times", f"check it, {NO_VERIFY}")


def speaks_https(host: str, ca_file: Path | None) -> bool:
    """Whether a registry of this machine speaks HTTPS, as Docker finds out: by trying.

    A certificate that cannot be checked counts as HTTPS, so that the failure is reported and not worked around.
    """
    with Session(ca_file, Limits(tries=1)) as session:
        try:
            ask_once(session, Question("HEAD", f"https://{host}/v2/"))
        except UntrustedCertificate:
            return True
        except NoAnswer:
            return False
    return True


def _target(url: str, location: str) -> str | None:
    """Where a redirect leads; None where it may not: plain HTTP is for the host that it was allowed for."""
    try:
        target = urljoin(url, location)
        may_follow = urlsplit(target).scheme == "https" or origin(target) == origin(url)
    except ValueError:
        return None
    return target if may_follow else None


def _ask_once(session: Session, question: Question) -> Answer:
    try:
        return ask_once(session, question)
    except NoAnswer as error:
        raise RegistryDown(error.what, f"{error.next_step}, {NO_VERIFY}") from error


def explain_status(status: int) -> str:
    """The status as a message names it: ``503 Service Unavailable``."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)
