"""The GitOps project: its settings, as far as they decide how something is merged; its deploy freezes; its pushes."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from bumper.errors import Refused
from bumper.gitlab.connection import PER_PAGE, GitLab, NotShown, translated
from bumper.gitlab.merge_requests import MergeRequest, User, read_merge_request, read_user

_DEFAULT_CI_FILE = ".gitlab-ci.yml"
_MAX_PAGES = 5  # of the newest pushes


@dataclass(frozen=True, slots=True)
class ProjectSettings:
    """The project; see GitLab's documentation of the projects API for the settings."""

    id: int
    path: str  # with its groups
    squash_option: str  # never, always, default_on or default_off
    has_trains: bool
    requires_pipeline: bool  # "Pipelines must succeed"
    ci_file: str
    auto_devops: bool
    default_branch: str
    merge_request_template: str

    @property
    def squashes(self) -> bool:
        """What to say about squashing: a merge with squash=false fails where the project always squashes."""
        return self.squash_option in ("always", "default_on")

    def runs_pipelines(self, files: Collection[str]) -> bool:
        """Whether a branch with these ``files`` may get a pipeline: what auto-merge then waits for."""
        elsewhere = "@" in self.ci_file or "://" in self.ci_file
        return self.requires_pipeline or self.auto_devops or elsewhere or self.ci_file in files


def read_project(gitlab: GitLab) -> ProjectSettings:
    """The project's settings; ``Refused`` where it has moved: git and reads follow the old path, writes do not."""
    address = gitlab.settings.address
    with translated(gitlab, f"reading {address.project}"):
        data: Any = gitlab.api.http_get(gitlab.path)
        found = ProjectSettings(
            id=int(data["id"]),
            path=str(data.get("path_with_namespace") or address.project),
            squash_option=str(data.get("squash_option") or "default_off"),
            has_trains=bool(data.get("merge_trains_enabled")),
            requires_pipeline=bool(data.get("only_allow_merge_if_pipeline_succeeds")),
            ci_file=str(data.get("ci_config_path") or _DEFAULT_CI_FILE),
            auto_devops=bool(data.get("auto_devops_enabled")),
            default_branch=str(data.get("default_branch") or ""),
            merge_request_template=str(data.get("merge_requests_template") or ""),
        )
    if found.path.lower() != address.project.lower():
        url = data.get("http_url_to_repo") or f"{address.gitlab_url}/{found.path}.git"
        raise Refused(
            f"{address.project} has moved to {found.path}, and GitLab takes changes only there",
            f"set BUMPER_REPO (or --repo) to {url}",
        )
    return found


@dataclass(frozen=True, slots=True)
class GitLabFreeze:
    """A period between two cron expressions, in a time zone by its IANA name or by the one that Rails gives it."""

    start: str
    end: str
    timezone: str


def read_freeze_periods(gitlab: GitLab) -> list[GitLabFreeze]:
    """The project's deploy freeze periods, which GitLab shows to Reporters and above."""
    with translated(gitlab, "reading the deploy freeze periods"):
        found = gitlab.api.http_list(f"{gitlab.path}/freeze_periods", get_all=True)
        return [GitLabFreeze(one["freeze_start"], one["freeze_end"], one["cron_timezone"] or "UTC") for one in found]


def pushers_of(gitlab: GitLab, branch: str, commit: str) -> list[User] | None:
    """The users who pushed ``branch`` to ``commit``, among the project's newest pushes; None where none are shown.

    GitLab's events say so, which nobody can write but GitLab itself.
    """
    for page in range(1, _MAX_PAGES + 1):
        query = {"action": "pushed", "per_page": PER_PAGE, "page": page}
        try:
            with translated(gitlab, f"asking who pushed {branch}"):
                events: Any = gitlab.api.http_get(f"{gitlab.path}/events", query_data=query)
                found = [read_user(event["author"]) for event in events if _is_push(event, branch, commit)]
        except NotShown:
            return None
        if found or len(events) < PER_PAGE:
            return found
    return []


def _is_push(event: dict[str, Any], branch: str, commit: str) -> bool:
    push = event.get("push_data") or {}
    return (push.get("ref_type"), push.get("ref"), push.get("commit_to")) == ("branch", branch, commit)


@dataclass(frozen=True, slots=True)
class LoggedCommit:
    """A commit as the commits API lists it."""

    id: str
    message: str


def list_commits(
    gitlab: GitLab, path: str, start: str, *, first_parent: bool = False, size: int = PER_PAGE, page: int = 1
) -> list[LoggedCommit]:
    """A page of the commits from ``start`` (a branch or commit) back that changed ``path``, newest first.

    ``path`` is a file or a folder; a page shorter than ``size`` is the last. By itself GitLab goes on with what a file
    was renamed or copied from, so that another application's commits come after its own, and its git cannot use its
    index of changed paths. Versions before 2026 do so whatever they are asked; it takes them longer, and what comes
    after is passed over, as what a commit changed is read from git.
    """
    query = {"path": path, "ref_name": start, "per_page": size, "page": page, "follow": False}
    if first_parent:
        query["first_parent"] = True
    with translated(gitlab, f"listing the commits of {path}"):
        found = gitlab.project.commits.list(get_all=False, iterator=False, query_parameters=query)
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
    """The merge requests that a commit belongs to; ``NotShown`` where the project has no such commit."""
    with translated(gitlab, f"looking up the merge request of {commit[:12]}"):
        found = gitlab.project.commits.get(commit, lazy=True).merge_requests(query_parameters={"per_page": PER_PAGE})
        return [read_merge_request(dict(one)) for one in found]


def contains(gitlab: GitLab, revision: str, commit: str) -> bool:
    """Whether ``commit`` is ``revision`` or one before it; ``NotShown`` where the project has no such revision."""
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
        listed = gitlab.merge_request(request.iid).commits(get_all=True, per_page=PER_PAGE)
        return [str(commit.get_id()) for commit in listed]


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
