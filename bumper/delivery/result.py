"""What a command that changes an environment came to."""

from dataclasses import dataclass
from enum import StrEnum

from bumper.records.record import Command
from bumper.values.change import Change, Held


class Status(StrEnum):
    """What became of a request (the contract's JSON key ``status``)."""

    PROPOSED = "proposed"
    MERGED = "merged"
    COMMITTED = "committed"
    UNCHANGED = "unchanged"
    SUPERSEDED = "superseded"
    HELD = "held"
    DRY_RUN = "dry-run"


class Action(StrEnum):
    """What was done with the merge request."""

    OPENED = "opened"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class ProposedAt:
    """The merge request that carries the changes; ``state`` is opened, merged or closed."""

    iid: int
    url: str
    state: str
    action: Action
    auto_merge: bool


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of bump, promote, rollback, hold or unhold.

    ``commit`` is the one pushed, ``landed`` the target branch's commit that has what was asked for, once it has.
    """

    command: Command
    environment: str
    status: Status
    changes: tuple[Change, ...] = ()
    held: tuple[Held, ...] = ()
    warnings: tuple[str, ...] = ()
    branch: str | None = None
    commit: str | None = None
    merge_request: ProposedAt | None = None
    diff: str = ""
    preview: str = ""  # with --dry-run: the merge request (or commit) as it would be
    source: str | None = None  # promote's
    landed: str | None = None
