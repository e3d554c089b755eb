"""Which commits touched a path, and which merge request brought a commit: GitLab's commits API."""

from dataclasses import dataclass
from typing import Any

from bumper.gitlab.connection import PER_PAGE, GitLab, NotShown, translated
from bumper.gitlab.merge_requests import MergeRequest, read_merge_request


@dataclass(frozen=True, slots=True)
class LoggedCommit:
    """A commit as the commits API lists it."""

    id: str
    message: str


def commits_that_touched(gitlab: GitLab, path: str, start: str, size: int, number: int) -> list[str]:
    """Ids of the first-parent commits from ``start`` back that changed ``path`` (a file or a folder), newest first.

    It is page ``number`` of ``size`` commits each; a shorter one is the last.
    """
    return [commit.id for commit in _list(gitlab, path, ref_name=start, first_parent=True, per_page=size, page=number)]


def newest_commits(gitlab: GitLab, path: str, branch: str) -> list[LoggedCommit]:
    """The newest commits of ``branch`` that changed ``path``, those of merged branches included."""
    return _list(gitlab, path, ref_name=branch, per_page=PER_PAGE)


def first_parent_ids(gitlab: GitLab, path: str, branch: str) -> set[str]:
    """The newest commits of the branch's first-parent line that changed ``path``."""
    return {commit.id for commit in _list(gitlab, path, ref_name=branch, first_parent=True, per_page=PER_PAGE)}


def _list(gitlab: GitLab, path: str, **query: str | int) -> list[LoggedCommit]:
    """A page of the commits to ``path`` alone.

    By itself GitLab goes on with what a file was renamed or copied from, so that another application's commits come
    after its own, and its git cannot use its index of changed paths. Versions before 2026 do so whatever they are
    asked; it takes them longer, and what comes after is passed over, as what a commit changed is read from git.
    """
    asked = {**query, "path": path, "follow": False}
    with translated(gitlab, f"listing the commits of {path}"):
        found = gitlab.project.commits.list(get_all=False, iterator=False, query_parameters=asked)
        return [LoggedCommit(str(commit.get_id()), str(commit.attributes.get("message", ""))) for commit in found]


def merge_request_of(gitlab: GitLab, commit: str, target_branch: str) -> MergeRequest | None:
    """The merged merge request that brought ``commit`` to the target branch, on its own or among others.

    Anybody may merge a landed commit into a branch of their own, with other commits on top.
    """
    found = merge_requests_of(gitlab, commit)
    merged = [one for one in found if one.state == "merged" and one.target_branch == target_branch]
    landed = (one for one in merged if commit in (one.sha, one.merge_commit, one.squash_commit))
    return next(landed, next(iter(merged), None))


def merge_requests_of(gitlab: GitLab, commit: str) -> list[MergeRequest]:
    """The merge requests that a commit belongs to.

    Raises:
        NotShown: the project has no such commit.

    """
    with translated(gitlab, f"looking up the merge request of {commit[:12]}"):
        found = gitlab.project.commits.get(commit, lazy=True).merge_requests(query_parameters={"per_page": PER_PAGE})
        return [read_merge_request(dict(one)) for one in found]


def contains(gitlab: GitLab, revision: str, commit: str) -> bool:
    """Whether ``commit`` is ``revision`` or one of the commits before it.

    Raises:
        NotShown: the project has no such revision.

    """
    with translated(gitlab, f"comparing {revision[:12]} with {commit[:12]}"):
        compared = gitlab.project.repository_compare(revision, commit)  # the commits that only the second one has
        return isinstance(compared, dict) and compared.get("commits") == []


def commits_of(gitlab: GitLab, request: MergeRequest) -> list[str]:
    """Ids of the target branch's commits that a merged merge request brought, the newest first.

    A merge or squash commit is the one; a fast-forward brings the source branch's own.
    """
    if request.merged_as is not None:
        return [request.merged_as]
    with translated(gitlab, f"listing the commits of !{request.iid}"):
        lazy = gitlab.project.mergerequests.get(request.iid, lazy=True)
        return [str(commit.get_id()) for commit in lazy.commits(get_all=True, per_page=PER_PAGE)]


def message_of(gitlab: GitLab, commit: str) -> str:
    """The message of a commit; empty where the project does not show it."""
    try:
        with translated(gitlab, f"reading commit {commit[:12]}"):
            return str(gitlab.project.commits.get(commit).attributes.get("message", ""))
    except NotShown:
        return ""


def messages_between(gitlab: GitLab, target_branch: str, branch: str) -> list[tuple[str, str]]:
    """Author (``Name <email>``) and message of the commits that ``branch`` has and ``target_branch`` has not."""
    with translated(gitlab, f"comparing {branch} with {target_branch}"):
        compared = gitlab.project.repository_compare(target_branch, branch)
        commits: list[dict[str, Any]] = compared["commits"] if isinstance(compared, dict) else []
        return [(f"{commit['author_name']} <{commit['author_email']}>", str(commit["message"])) for commit in commits]
