"""Merge trains: the queue in which a project with trains merges, with endpoints of its own (GitLab Premium)."""

from typing import Any

from bumper.errors import Refused
from bumper.gitlab.connection import AlreadyThere, GitLab, NotMergeable, NotShown, translated

# A car's states in which GitLab works on it; a merged or dropped one is no longer queued.
_QUEUED = frozenset({"idle", "stale", "fresh", "merging"})


def join(gitlab: GitLab, iid: int, sha: str, *, squash: bool) -> None:
    """Queue the merge request, now or as soon as its checks have passed, if the branch is still at ``sha``.

    The plain merge call would bypass the train. Auto-merge has two names, as in ``merge_request_changes.merge``.

    Raises:
        NotMergeable: not now, or not at all.
        AlreadyThere: the branch has moved on.

    """
    data = {"auto_merge": True, "when_pipeline_succeeds": True, "sha": sha, "squash": squash}
    try:
        with translated(gitlab, f"putting !{iid} on the merge train"):
            gitlab.api.http_post(_path(gitlab, iid), post_data=data)
    except (AlreadyThere, NotMergeable):
        raise
    except Refused as error:  # 400: the train takes it not yet
        raise NotMergeable(str(error)) from error


def is_queued(gitlab: GitLab, iid: int) -> bool:
    """Whether the merge request is on a train, where GitLab alone decides about its commits."""
    try:
        with translated(gitlab, f"looking for !{iid} on the merge train"):
            car: Any = gitlab.api.http_get(_path(gitlab, iid))
            return car.get("status") in _QUEUED
    except NotShown:  # never on a train, or a project without
        return False


def _path(gitlab: GitLab, iid: int) -> str:
    return f"{gitlab.path}/merge_trains/merge_requests/{iid}"
