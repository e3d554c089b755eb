"""One request and its answer, for the servers that have no library of their own here: registries and Argo CD."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bumper.http.failures import explain_failure
from bumper.http.session import Session


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
