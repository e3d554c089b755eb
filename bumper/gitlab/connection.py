"""The GitOps repository's project on its GitLab: the connection, and what its errors mean. The only importer of
python-gitlab, which is kept within bounds here: no address but GitLab's own gets the token, no listing goes on without
end.
"""

import contextlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qs, urlsplit

from gitlab import Gitlab
from gitlab.exceptions import GitlabError, GitlabParsingError
from gitlab.v4.objects import Project, ProjectMergeRequest
from pydantic import BaseModel

from bumper.errors import BumperError, Refused, Unavailable
from bumper.http.session import RequestFailed, Session, explain_failure, origin
from bumper.http.transport import Limits
from bumper.log import redactor
from bumper.settings import Settings

if TYPE_CHECKING:
    import requests


PER_PAGE = 100  # the most entries that GitLab puts on a page
_MAX_PAGES = 50  # of one listing
LIMITS = Limits(max_bytes=32 * 1024 * 1024)  # a hundred merge requests may have long descriptions
_Model = TypeVar("_Model", bound=BaseModel)
_log = logging.getLogger(__name__)


class AlreadyThere(Refused):
    """GitLab's 409: what was to be made exists."""


class NotShown(Unavailable):
    """GitLab's 404: it is not there, or the token may not see it."""


class Unauthorized(Unavailable):
    """GitLab's 401: it does not know the token, or (PUT merge) the token's user may not do this."""


class NotMergeable(Refused):
    """GitLab's 405, 406 and 422: the merge request cannot be merged, now or at all."""


_REFUSALS: Mapping[int, type[Refused]] = {409: AlreadyThere, 405: NotMergeable, 406: NotMergeable, 422: NotMergeable}


@dataclass(frozen=True, slots=True)
class GitLab:
    """The GitOps repository's project on its GitLab."""

    project: Project
    settings: Settings

    @property
    def api(self) -> Gitlab:
        """The whole GitLab, for what python-gitlab has no name for."""
        return self.project.manager.gitlab

    @property
    def path(self) -> str:
        """The project's path in the API."""
        return f"/projects/{self.project.encoded_id}"

    def merge_request(self, iid: int) -> ProjectMergeRequest:
        """The merge request of this number, to do something with it; it is not read."""
        return self.project.mergerequests.get(iid, lazy=True)


def connect(settings: Settings) -> GitLab:
    """The project's API; nothing is asked yet. ``Unavailable`` where there is no token for it."""
    if settings.token is None or settings.token.is_job_token:
        raise Unavailable(
            "GitLab's API needs a token, for which CI_JOB_TOKEN is not enough",
            "set BUMPER_TOKEN to a project or group access token with the scopes api and write_repository",
        )
    return _connect(settings, oauth_token=settings.token.value)  # as Bearer: no redirect takes it to another host


def connect_if_possible(settings: Settings) -> GitLab | None:
    """The project's API, or None where no token opens it."""
    return connect(settings) if settings.has_api else None


def connect_to_read(settings: Settings) -> GitLab | None:
    """The project's API for a job's token, which GitLab lets read merge requests; None without one."""
    if settings.token is None or not settings.token.is_job_token:
        return None
    return _connect(settings, job_token=settings.token.value)


def _connect(settings: Settings, *, oauth_token: str | None = None, job_token: str | None = None) -> GitLab:
    session = Session(settings.ca_file, LIMITS)
    gitlab = _BoundedGitlab(settings.address.gitlab_url, oauth_token=oauth_token, job_token=job_token, session=session)
    return GitLab(gitlab.projects.get(settings.address.project, lazy=True), settings)


def current_user_id(gitlab: GitLab) -> int:
    """The id of the user whose token this is."""
    with translated(gitlab, "asking whose token this is"):
        answer: Any = gitlab.api.http_get("/user")
        return int(answer["id"])


def read_answer(gitlab: GitLab, step: str, path: str, model: type[_Model]) -> _Model:
    """GitLab's answer to GET ``path``; what is not of the expected shape is a ``BumperError``, as every failure."""
    with translated(gitlab, step):  # pydantic's error is a ValueError
        return model.model_validate(gitlab.api.http_get(path))


@contextlib.contextmanager
def translated(gitlab: GitLab, step: str) -> Iterator[None]:
    """Library errors as one sentence each; the token is never in it.

    An answer of another shape than GitLab's makes whoever reads it stumble over a key or a type.
    """
    try:
        yield
    except GitlabParsingError as error:
        raise _unexpected(gitlab, step, f": {_message(error)}") from error
    except GitlabError as error:
        raise _explain(gitlab, step, error) from error
    except RequestFailed as error:
        failure = explain_failure(error, gitlab.settings.address.gitlab_url)
        raise Unavailable(f"{step} failed: {failure.what}", failure.next_step) from error
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise _unexpected(gitlab, step) from error


def _unexpected(gitlab: GitLab, step: str, reason: str = "") -> Unavailable:
    return Unavailable(
        f"{step} failed: {gitlab.settings.address.gitlab_url} answers something that GitLab does not{reason}",
        "check --gitlab-url and what is between bumper and GitLab",
    )


def _explain(gitlab: GitLab, step: str, error: GitlabError) -> BumperError:
    url, project, token = gitlab.settings.address.gitlab_url, gitlab.settings.address.project, gitlab.settings.token
    source, secret = (token.source, token.value) if token is not None else ("BUMPER_TOKEN", None)
    reason, kind = redactor([secret])(_message(error)), Unavailable
    match error.response_code:
        case 401:
            kind, what, advice = Unauthorized, f"{url} refused the token in {source}", "check it and its expiry"
        case 403:
            what = f"the token in {source} may not do that in {project} ({reason})"
            advice = "it needs the role Developer and the scope api"
        case 404:
            kind, what = NotShown, f"{url} shows no {project} to the token in {source} ({reason})"
            advice = "check BUMPER_REPO and what the token may see"
        case int(code) if code in range(300, 400):
            what = f"{url} redirects to another address, which does not get the token"
            advice = "set BUMPER_REPO or --gitlab-url to that address"
        case int(code) if code in range(400, 500) and code != HTTPStatus.TOO_MANY_REQUESTS:
            refusal = _REFUSALS.get(code, Refused)
            return refusal(f"{step} was refused by {url}: {reason} ({code})")
        case code:
            what, advice = f"{url} answers {code or 'nothing'} ({reason})", "try again"
    return kind(f"{step} failed: {what}", advice)


def _message(error: GitlabError) -> str:
    """GitLab's own words in one line; they come as text, bytes, a list or a mapping of lists."""
    message: object = error.error_message
    if isinstance(message, bytes):
        message = message.decode(errors="replace")
    if isinstance(message, dict):
        message = [f"{key} {value}" for key, values in message.items() for value in _as_list(values)]
    return " ".join("; ".join(map(str, _as_list(message))).split())[:300]


def _as_list(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else [value]


class _BoundedGitlab(Gitlab):
    """python-gitlab, whose requests are logged, without its own waiting for rate limits: the session does that.

    It follows the ``Link`` header of a listing to wherever that leads, with the token.
    """

    def http_request(self, *args: Any, **kwargs: Any) -> "requests.Response":  # noqa: ANN401 - python-gitlab's signature
        """GitLab's answer, if its next page is one that may be asked for."""
        answer = super().http_request(*args, **{"obey_rate_limit": False, **kwargs})
        _log.debug("%s %s: %s", answer.request.method, answer.url, answer.status_code)
        following = answer.links.get("next", {}).get("url")
        if following is not None:
            _check_next_page(answer.url, following)
        return answer

    def http_list(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - python-gitlab's signature
        """The entries, unless there are too many: python-gitlab makes an object of each, of a kilobyte and more."""
        found = super().http_list(*args, **kwargs)
        if isinstance(found, list) and len(found) > _MAX_PAGES * PER_PAGE:
            raise GitlabParsingError(f"it lists {len(found)} entries")
        return found


def _check_next_page(url: str, following: str) -> None:
    """Refuse a next page that is on another server, does not come next, or is one too many."""
    try:
        is_elsewhere = origin(following) != origin(url)
        page = _page(following)
        is_next = page > _page(url)
    except ValueError as error:
        raise GitlabParsingError("its Link header names a next page that cannot be read") from error
    if is_elsewhere:
        raise GitlabParsingError(
            f"its Link header names a next page on another server, {origin(following)}, which does not get the token"
        )
    if not is_next:
        raise GitlabParsingError("its Link header names a next page that does not come next")
    if page > _MAX_PAGES:
        raise GitlabParsingError(f"it lists more than {_MAX_PAGES} pages")


def _page(url: str) -> int:
    return int(parse_qs(urlsplit(url).query).get("page", ["1"])[0][:9])
