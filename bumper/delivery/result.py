"""What a command that changes an environment came to."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from bumper.planning.expected_images import Rollout
from bumper.values.change import Change, Held

Status: TypeAlias = Literal["proposed", "committed", "unchanged", "superseded", "held", "dry-run"]
Action: TypeAlias = Literal["opened", "updated", "unchanged"]


@dataclass(frozen=True, slots=True)
class ProposedAt:
    """The merge request that carries the changes."""

    iid: int
    url: str
    state: str
    action: str
    auto_merge: bool


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of bump, promote, rollback, hold or unhold."""

    command: str
    environment: str
    status: Status
    changes: tuple[Change, ...] = ()
    held: tuple[Held, ...] = ()
    warnings: tuple[str, ...] = ()
    branch: str | None = None
    commit: str | None = None
    merge_request: ProposedAt | None = None
    diff: str = ""
    preview: str = ""  # with --dry-run: the merge request as it would be
    source: str | None = None  # promote's
    rollout: Rollout | None = None  # None: bumper.yaml names no Argo CD
    landed: str | None = None  # the target branch's commit that has what was asked for, once it has
    merge_wanted: bool = False  # auto-merge was asked for: whoever waits sets it as soon as GitLab takes it
