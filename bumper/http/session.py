"""The session in which GitLab, registries and Argo CD are spoken to.

Registries and Argo CD have no library of their own here: they are asked by ``ask_once``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from urllib.parse import urljoin

import requests

from bumper import __version__
from bumper.http.adapter import DEFAULT_LIMITS, Adapter, Limits
from bumper.http.failures import explain_failure, origin


class Session(requests.Session):
    """Serves several threads: it keeps connections but no cookies, reads no ~/.netrc, and stays on one origin."""

    def __init__(self, ca_file: Path | None, limits: Limits = DEFAULT_LIMITS) -> None:
        """Trust ``ca_file`` beside the usual authorities.

        Raises:
            Refused: the CA file cannot be read.

        """
        super().__init__()
        adapter = Adapter(ca_file, limits)
        self.mount("https://", adapter)
        self.mount("http://", adapter)
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        # Without the encoding a manifest's bytes are the ones that its digest is made of.
        self.headers.update({"User-Agent": f"bumper/{__version__}", "Accept-Encoding": "identity"})
        self.auth = lambda request: request  # else requests takes ~/.netrc's login, in the place of ours

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """The target on the server that answered, as GitLab's of a renamed project; None for any other server."""
        target = super().get_redirect_target(resp)
        if target is None:
            return None
        try:
            url = urljoin(resp.url, target)
            return target if origin(url) == origin(resp.url) else None
        except ValueError:
            return None


@dataclass(frozen=True, slots=True)
class Question:
    """A request; ``headers`` and ``form`` may hold a secret."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """A server's answer, read whole; ``url`` is the one that was asked. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str


def ask_once(session: Session, question: Question) -> Answer:
    """The answer after retries; a redirect is returned, not followed.

    Raises:
        NoAnswer: there is none, or it is too long.

    """
    try:
        response = session.request(
            question.method, question.url, headers=question.headers, data=question.form, allow_redirects=False
        )
    except (OSError, ValueError) as error:  # requests' failures are OSErrors; a bad address is a ValueError
        raise explain_failure(error, question.url) from error
    names = {name.lower(): value for name, value in response.headers.items()}
    return Answer(response.status_code, names, response.content, question.url)
