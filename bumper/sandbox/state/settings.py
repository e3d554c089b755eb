"""What kind of GitLab the server is: chosen by ``settings.json`` in its folder, by options, or by a test.

The defaults are those of a new project on GitLab's free tier, where most surprises are.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError

from bumper.errors import Refused, expected

_FILE = "settings.json"

Access = Literal["developers", "maintainers", "nobody"]


@dataclass(frozen=True, slots=True)
class FreezePeriod:
    """A deploy freeze between two cron expressions, by the names of GitLab's API."""

    freeze_start: str
    freeze_end: str
    cron_timezone: str = "UTC"
    id: int = 1
    created_at: str = "2026-01-01T00:00:00.000Z"
    updated_at: str = "2026-01-01T00:00:00.000Z"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectSettings:
    """How a project merges, by the names of GitLab's API where GitLab has one; a new project starts with these."""

    merge_method: Literal["merge", "rebase_merge", "ff"] = "merge"
    squash_option: Literal["never", "always", "default_on", "default_off"] = "default_off"
    only_allow_merge_if_pipeline_succeeds: bool = False
    remove_source_branch_after_merge: bool = False
    merge_trains_enabled: bool = False
    automatic_rebase: bool = False  # "Automatic rebase before merge": what lands is another commit than the head
    approvals_before_merge: int = 0
    reset_approvals_on_push: bool = True
    pipelines: Literal["success", "failed", "running", "none"] = "success"  # how they end, where there is a CI file
    merge_requests_template: str | None = None  # the description that GitLab's form for a new merge request begins with
    ci_config_path: str | None = None  # None: .gitlab-ci.yml
    auto_devops_enabled: bool = False  # pipelines without a CI file
    commit_message_regex: str | None = None  # the push rule that every new commit on the server has to obey
    freeze_periods: tuple[FreezePeriod, ...] = ()
    archived: bool = False
    repository_read_only: bool = False  # while GitLab moves the repository to another storage
    ci_push_repository_for_job_token_allowed: bool = False
    cross_project_push_for_job_token_allowed: bool = False
    ci_inbound_job_token_scope_enabled: bool = True
    job_token_allowlist: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # by project path: policies


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(ProjectSettings):
    """The server's own settings, and what its projects start with. Delays are seconds of the server's clock."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    gitlab_version: str = "18.5.0"
    tier: Literal["free", "premium"] = "free"
    maintenance: bool = False
    push_access: Access = "maintainers"
    merge_access: Access = "maintainers"
    auto_merge_without_pipeline: bool = False  # the feature flag of 2026 that lets it merge at once
    allow_push_to_allowlisted_projects: bool = False  # the feature flag of 19.1 for job tokens
    argocd_degraded: tuple[str, ...] = ()  # tags whose applications Argo CD reports Degraded
    mergeability_delay: float = 0.2
    head_delay: float = 0.3  # from a push until merge requests show its commit
    pipeline_delay: float = 0.3  # from a push until its pipeline exists
    pipeline_duration: float = 0.3
    rebase_delay: float = 0.3


_SETTINGS = TypeAdapter(Settings)
PROJECT_NAMES = frozenset(one.name for one in fields(ProjectSettings))


def read_choices(folder: Path) -> dict[str, object]:
    """What the file in the server's folder chooses; nothing where there is none. Raises Refused when it is broken."""
    file = folder / _FILE
    if not file.exists():
        return {}
    try:
        choices = json.loads(file.read_bytes())
    except ValueError as error:
        raise Refused(f"{file} is not JSON ({error})", "fix it, or remove it") from error
    if not isinstance(choices, dict):
        raise Refused(f"{file} is not a JSON object", 'write it like {"merge_method": "ff"}')
    return choices


def settings_from(choices: Mapping[str, object]) -> Settings:
    """The defaults with these choices. Raises Refused when a name or a value is unknown."""
    known = {one.name for one in fields(Settings)}
    unknown = sorted(choices.keys() - known)
    if unknown:
        raise Refused(f"the sandbox has no setting {unknown[0]}", f"its settings are {', '.join(sorted(known))}")
    try:
        return _SETTINGS.validate_python(choices)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"]))
        what = f"the sandbox's setting {name} is {choices.get(name)!r}, but {expected(first)} is expected"
        raise Refused(what, "docs/reference/sandbox.md says what it may be") from error
