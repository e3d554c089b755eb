"""python-gitlab within bounds: no address but GitLab's own gets the token, and no listing goes on without end."""

import logging
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
from gitlab import Gitlab
from gitlab.exceptions import GitlabParsingError

from bumper.http import origin

_MAX_PAGES = 50  # of one listing
_PER_PAGE = 100  # the most entries that GitLab puts on a page
_log = logging.getLogger(__name__)


class BoundedGitlab(Gitlab):
    """python-gitlab, whose requests are logged, without its own waiting for rate limits: the session does that.

    It follows the ``Link`` header of a listing to wherever that leads, with the token.
    """

    def http_request(self, *args: Any, **kwargs: Any) -> requests.Response:  # noqa: ANN401 - python-gitlab's signature
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
        if isinstance(found, list) and len(found) > _MAX_PAGES * _PER_PAGE:
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
