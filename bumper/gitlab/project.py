"""The GitOps project: its settings, as far as they decide how something is merged; its deploy freezes; its pushes."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from bumper.errors import Refused, Unavailable
from bumper.gitlab.connection import PER_PAGE, GitLab, NotShown, translated
from bumper.gitlab.merge_requests import User, read_user

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
    """The project's settings.

    Raises:
        Refused: the project has moved: git and reads follow the old path, GitLab refuses writes there (405).

    """
    address = gitlab.settings.address
    with translated(gitlab, f"reading {address.project}"):
        data: Any = gitlab.api.http_get(gitlab.path)
    if not isinstance(data, dict) or not isinstance(data.get("id"), int):
        raise Unavailable(f"{address.gitlab_url} returned no project for {address.project}", "check --gitlab-url")
    path = str(data.get("path_with_namespace") or address.project)
    if path.lower() != address.project.lower():
        raise Refused(
            f"{address.project} has moved to {path}, and GitLab takes changes only there",
            f"set BUMPER_REPO (or --repo) to {data.get('http_url_to_repo') or f'{address.gitlab_url}/{path}.git'}",
        )
    return ProjectSettings(
        id=data["id"],
        path=path,
        squash_option=str(data.get("squash_option") or "default_off"),
        has_trains=bool(data.get("merge_trains_enabled")),
        requires_pipeline=bool(data.get("only_allow_merge_if_pipeline_succeeds")),
        ci_file=str(data.get("ci_config_path") or _DEFAULT_CI_FILE),
        auto_devops=bool(data.get("auto_devops_enabled")),
        default_branch=str(data.get("default_branch") or ""),
        merge_request_template=str(data.get("merge_requests_template") or ""),
    )


def current_user_id(gitlab: GitLab) -> int:
    """The id of the user whose token this is."""
    with translated(gitlab, "asking whose token this is"):
        data: Any = gitlab.api.http_get("/user")
    number = data.get("id") if isinstance(data, dict) else None
    if not isinstance(number, int):
        raise Unavailable(f"{gitlab.settings.address.gitlab_url} does not say whose token this is", "try again")
    return number


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
