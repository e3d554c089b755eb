"""Who pushed a commit: GitLab's events of the project, which nobody can write but GitLab itself."""

from typing import Any

from bumper.gitlab.connection import GitLab, NotShown, translated
from bumper.gitlab.merge_requests import User, read_user

_PER_PAGE = 100  # GitLab's most
_MAX_PAGES = 5


def pushers_of(gitlab: GitLab, branch: str, commit: str) -> list[User] | None:
    """The users who pushed ``branch`` to ``commit``, among the project's newest pushes; None where none are shown."""
    path = f"/projects/{gitlab.project.encoded_id}/events"
    for page in range(1, _MAX_PAGES + 1):
        query = {"action": "pushed", "per_page": _PER_PAGE, "page": page}
        try:
            with translated(gitlab, f"asking who pushed {branch}"):
                events: Any = gitlab.project.manager.gitlab.http_get(path, query_data=query)
                found = [read_user(event["author"]) for event in events if _is_push(event, branch, commit)]
        except NotShown:
            return None
        if found or len(events) < _PER_PAGE:
            return found
    return []


def _is_push(event: dict[str, Any], branch: str, commit: str) -> bool:
    push = event.get("push_data") or {}
    return (push.get("ref_type"), push.get("ref"), push.get("commit_to")) == ("branch", branch, commit)
