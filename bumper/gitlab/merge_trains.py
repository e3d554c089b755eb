"""Merge trains: the queue in which a project with trains merges, with endpoints of its own (GitLab Premium)."""

from typing import Any

from bumper.errors import Refused
from bumper.gitlab.connection import AlreadyThere, GitLab, NotMergeable, NotShown, translated

# A car's states in which GitLab works on it; a merged or dropped one is no longer queued.
_QUEUED = frozenset({"idle", "stale", "fresh", "merging"})


def has_trains(gitlab: GitLab) -> bool:
    """Whether the project merges by trains; a GitLab without them does not name the setting."""
    with translated(gitlab, f"reading {gitlab.settings.address.project}"):
        project: Any = gitlab.project.manager.gitlab.http_get(f"/projects/{gitlab.project.encoded_id}")
    return bool(project.get("merge_trains_enabled"))


def join(gitlab: GitLab, iid: int, sha: str) -> None:
    """Queue the merge request, now or as soon as its checks have passed, if the branch is still at ``sha``.

    The plain merge call would pass the train by. Both names of the wish are sent, as in ``merge_when_ready``.

    Raises:
        NotMergeable: not now, or not at all.
        AlreadyThere: the branch has moved on.

    """
    wish = {"auto_merge": True, "when_pipeline_succeeds": True, "sha": sha, "squash": False}
    try:
        with translated(gitlab, f"putting !{iid} on the merge train"):
            gitlab.project.manager.gitlab.http_post(_path(gitlab, iid), post_data=wish)
    except (AlreadyThere, NotMergeable):
        raise
    except Refused as error:  # 400: the train takes it not yet
        raise NotMergeable(str(error)) from error


def is_queued(gitlab: GitLab, iid: int) -> bool:
    """Whether the merge request is on a train, where GitLab alone decides about its commits."""
    try:
        with translated(gitlab, f"looking for !{iid} on the merge train"):
            car: Any = gitlab.project.manager.gitlab.http_get(_path(gitlab, iid))
    except NotShown:  # never on a train, or a project without
        return False
    return car.get("status") in _QUEUED


def _path(gitlab: GitLab, iid: int) -> str:
    return f"/projects/{gitlab.project.encoded_id}/merge_trains/merge_requests/{iid}"
