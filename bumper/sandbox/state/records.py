"""What the embedded server remembers: plain records, saved as JSON. Field names are GitLab's own."""

from dataclasses import dataclass, field
from enum import IntEnum

from bumper.sandbox.state.settings import ProjectSettings


class Role(IntEnum):
    """Access levels, numbered as in GitLab's API."""

    NOBODY = 0
    REPORTER = 20
    DEVELOPER = 30
    MAINTAINER = 40


@dataclass(frozen=True, slots=True)
class User:
    """A person or a bot; ``role`` is what the user may do in every project when no token says otherwise (SSH)."""

    id: int
    username: str
    name: str
    role: int
    bot: bool = False
    admin: bool = False


@dataclass(frozen=True, slots=True)
class Token:
    """A credential: personal, project or group (access tokens of bots), oauth, or job (a CI job's).

    ``project_id`` is the project that a project's token reaches, or the one that a job's pipeline runs in.
    """

    id: int
    value: str
    username: str
    kind: str
    role: int
    scopes: tuple[str, ...]
    project_id: int | None
    expires_at: str | None
    created_at: str
    revoked: bool = False


@dataclass(frozen=True, slots=True)
class ProtectedBranch:
    """Who may push to and merge into the branches that match ``name`` (``*`` is a wildcard)."""

    id: int
    name: str
    push_access_level: int
    merge_access_level: int
    allow_force_push: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Project(ProjectSettings):
    """A project; its repository is the bare one at ``repositories/<path>.git``. Its former paths still lead to it."""

    id: int
    path: str
    created_at: str
    default_branch: str = "main"
    merge_commit_template: str | None = None
    squash_commit_template: str | None = None
    protected_branches: tuple[ProtectedBranch, ...] = ()
    former_paths: tuple[str, ...] = ()
    forked_from: int | None = None


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A pipeline of one commit on one branch: started by a push, or what an external CI's commit statuses amount to."""

    id: int
    iid: int
    project_id: int
    sha: str
    ref: str
    status: str
    created_at: str
    updated_at: str
    source: str = "external"


@dataclass(frozen=True, slots=True)
class CommitStatus:
    """One status that an external system reported for a commit."""

    id: int
    project_id: int
    pipeline_id: int
    sha: str
    ref: str
    name: str
    status: str
    author: str
    created_at: str
    description: str | None = None
    target_url: str | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """A comment, or with ``system`` a line of a merge request's history."""

    id: int
    merge_request_id: int
    author: str
    body: str
    created_at: str
    updated_at: str
    system: bool = False


@dataclass(frozen=True, slots=True)
class MergeRequest:
    """A merge request of the project that it goes to; ``source_project_id`` is another where it comes from a fork.

    ``merge_status`` is GitLab's own: preparing, unchecked, checking, can_be_merged or cannot_be_merged.
    """

    id: int
    iid: int
    project_id: int
    source_project_id: int
    title: str
    description: str
    source_branch: str
    target_branch: str
    author: str
    sha: str
    base_sha: str
    start_sha: str
    created_at: str
    updated_at: str
    state: str = "opened"
    labels: tuple[str, ...] = ()
    assignees: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()
    squash: bool = False
    force_remove_source_branch: bool = False
    should_remove_source_branch: bool | None = None
    merge_status: str = "preparing"
    behind_target: bool = False
    merge_error: str | None = None
    rebase_in_progress: bool = False
    rebase_commit_sha: str | None = None
    auto_merge_by: str | None = None
    auto_merge_sha: str | None = None
    merge_commit_message: str | None = None
    squash_commit_message: str | None = None
    approved_by: tuple[str, ...] = ()
    approvals_required: int | None = None
    in_train: bool = False
    merged_by: str | None = None
    merged_at: str | None = None
    merge_commit_sha: str | None = None
    squash_commit_sha: str | None = None
    merged_commit_sha: str | None = None  # the target branch's tip then; GitLab finds by it, and shows it nowhere
    closed_by: str | None = None
    closed_at: str | None = None


@dataclass(frozen=True, slots=True)
class Push:
    """Somebody moved a branch from one commit to another (zeros: it was not there, or was deleted)."""

    id: int
    project_id: int
    author: str
    branch: str
    old: str
    new: str
    created_at: str


@dataclass(slots=True)
class Records:
    """Everything that is saved."""

    last_id: int = 0
    users: dict[str, User] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    projects: dict[int, Project] = field(default_factory=dict)
    merge_requests: dict[int, MergeRequest] = field(default_factory=dict)
    notes: dict[int, Note] = field(default_factory=dict)
    pipelines: dict[int, Pipeline] = field(default_factory=dict)
    statuses: dict[int, CommitStatus] = field(default_factory=dict)
    pushes: list[Push] = field(default_factory=list)
    mentions: list[str] = field(default_factory=list)
    sample_token: str = ""
