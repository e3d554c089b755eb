"""The answers of GitLab's API that are no success, with its status codes and its shapes of body."""

from collections.abc import Mapping


class GitLabError(Exception):
    """An API answer that ends the request: status, JSON body, and headers where there are some."""

    def __init__(self, status: int, body: Mapping[str, object], headers: Mapping[str, str] | None = None) -> None:
        super().__init__(str(body))
        self.status = status
        self.body = body
        self.headers = headers


def bad_request(message: object) -> GitLabError:
    """400 with a message: a string, a list, or lists by field."""
    return GitLabError(400, {"message": message})


def bad_parameter(problem: str) -> GitLabError:
    """400 from the check of parameters, which says ``error``, not ``message``."""
    return GitLabError(400, {"error": problem})


def unauthorized() -> GitLabError:
    """401: no token, or no right to merge."""
    return GitLabError(401, {"message": "401 Unauthorized"})


def forbidden(reason: str = "") -> GitLabError:
    """403: the role is too low."""
    return GitLabError(403, {"message": f"403 Forbidden - {reason}" if reason else "403 Forbidden"})


def not_found(what: str = "") -> GitLabError:
    """404, with the name of the thing where GitLab gives it."""
    return GitLabError(404, {"message": f"404 {what} Not Found" if what else "404 Not Found"})


def not_allowed() -> GitLabError:
    """405: not now."""
    return GitLabError(405, {"message": "405 Method Not Allowed"})


def moved(method: str, location: str) -> GitLabError:
    """What the old path of a moved project answers: GET is sent on, everything else is a 405."""
    if method == "GET":
        return GitLabError(
            301, {"message": f"This resource has been moved permanently to {location}"}, {"Location": location}
        )
    return GitLabError(405, {"message": "Non GET methods are not allowed for moved projects"})


def conflict(message: object) -> GitLabError:
    """409: another merge request, or another commit, is in the way."""
    return GitLabError(409, {"message": message})


def unprocessable(message: object) -> GitLabError:
    """422: the request was understood and could not be done."""
    return GitLabError(422, {"message": message})
