"""What a command that changes an environment came to."""

from dataclasses import dataclass, replace
from enum import StrEnum

from bumper.clock import Clock
from bumper.delivery.attempt import Attempt
from bumper.environments.config_values import Delivery
from bumper.environments.repository import Target
from bumper.errors import NotDeployed
from bumper.gate.rules import Waiting
from bumper.gitlab import merge_requests
from bumper.gitlab.merge_requests import MergeRequest
from bumper.planning.bump import Plan
from bumper.planning.proposal import Draft, Request, readable
from bumper.records.known_requests import KnownRequests
from bumper.records.record import Command
from bumper.values.change import Change, Held, as_it_is


class Status(StrEnum):
    """What became of a request (the contract's JSON key ``status``)."""

    PROPOSED = "proposed"
    MERGED = "merged"
    COMMITTED = "committed"
    UNCHANGED = "unchanged"
    SUPERSEDED = "superseded"
    HELD = "held"
    WAITING = "waiting"
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
    ``kept`` are the pins that are as asked for already, ``hold`` says what becomes of a hold; both are for people.
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
    preview: str = ""  # with --dry-run: the merge request (or commit) as it would be, below a line that says so
    source: str | None = None  # promote's
    landed: str | None = None
    kept: tuple[Change, ...] = ()
    hold: str = ""
    waited: float | None = None  # seconds until it was merged
    rollback: "Result | None" = None  # the one that bumper made by itself
    waiting: tuple[Waiting, ...] = ()  # applications that are not promoted yet


class NotDone(NotDeployed):
    """What was waited for is not what runs in the end; ``result`` is what was done until then.

    With the exit code of ``Unavailable`` where it is not known what runs.
    """

    def __init__(self, what: str, next_step: str, result: Result, exit_code: int = NotDeployed.exit_code) -> None:
        """Say what is not as it was asked for."""
        super().__init__(what, next_step)
        self.result, self.exit_code = result, exit_code


@dataclass(frozen=True, slots=True)
class Pending:
    """A merge request that is not merged yet, its branch at ``head``; ``done`` is the result as long as that is so.

    ``known`` reads it; whether bumper may change it, too, is for the attempt's ``known`` to say.
    """

    attempt: Attempt
    known: KnownRequests
    draft: Draft
    done: Result
    shown: ProposedAt
    head: str

    @property
    def iid(self) -> int:
        """The merge request's number."""
        return self.shown.iid

    @property
    def clock(self) -> Clock:
        """The run's clock."""
        return self.attempt.session.clock

    def read(self) -> MergeRequest:
        """The merge request as it is now."""
        return merge_requests.read(self.known.gitlab, self.iid)

    def done_with(self, found: MergeRequest) -> Result:
        """The result, with the merge request as it was ``found``."""
        return replace(self.done, merge_request=proposed_at(found, self.shown.action))


def result_of(draft: Draft, status: Status) -> Result:
    """The result of a draft, before it is known where its changes are."""
    record, plan = draft.proposal.record, draft.plan
    changes = (*plan.changes, *plan.along)
    return Result(
        record.command, record.environment, status, changes, plan.held, plan.warnings,
        diff=draft.diff, source=draft.source, waiting=draft.waiting,
    )  # fmt: skip


def dry_run_result(draft: Draft, delivery: Delivery) -> Result:
    """What ``--dry-run`` prints: the diff, and the merge request or the commit as it would be."""
    proposal = draft.proposal
    if delivery == "merge-request":
        branch, preview = proposal.branch, f"The merge request would be:\n\n{readable(proposal)}"
    else:
        branch = proposal.target_branch
        preview = f"The commit on {branch} would be:\n\n{proposal.message}"
    return replace(result_of(draft, Status.DRY_RUN), branch=branch, preview=preview)


def nothing_to_do(target: Target, plan: Plan, asked: Request) -> Result:
    """The result where no tag changes: everything is as asked, or held."""
    status = Status.HELD if plan.held else Status.UNCHANGED
    kept = tuple(
        as_it_is(one.app, one.file, one.pin) for one in target.gathered.pins
        if one.place in plan.covers and one.pin.repository is not None
    )  # fmt: skip
    return Result(
        asked.command, asked.environment, status, held=plan.held, warnings=plan.warnings, landed=target.checkout.tip,
        kept=kept,
    )  # fmt: skip


def proposed_at(one: MergeRequest, action: Action) -> ProposedAt:
    """The merge request as GitLab shows it now, and what was done with it."""
    return ProposedAt(one.iid, one.url, one.state, action, one.auto_merge)
