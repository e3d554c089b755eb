"""Bumper's other open merge requests: those that a request has made pointless are closed, those that wait say so."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TypeAlias

from bumper.delivery import branch as branches
from bumper.delivery.attempt import Attempt
from bumper.delivery.branch import Branch
from bumper.environments.repository import Target
from bumper.environments.selection import canonical
from bumper.errors import Refused
from bumper.gate.freeze import Frozen, find_freeze
from bumper.gate.rules import Waiting
from bumper.git.failures import PushRaceLost
from bumper.gitlab import merge_request_changes, merge_requests
from bumper.gitlab.merge_requests import MergeRequest
from bumper.log import report_step
from bumper.planning.bump import Plan
from bumper.planning.description import inert
from bumper.records.known_requests import KnownRequests, recorded_requests
from bumper.records.record import Command, Record, read_comment, replace_comment
from bumper.values.change import Change

# A bump or a promotion never closes a rollback that somebody asked for: the next image would bring the trouble back.
# Nothing closes a hold.
_CLOSES = {
    Command.BUMP: frozenset({Command.BUMP, Command.PROMOTE}),
    Command.PROMOTE: frozenset({Command.BUMP, Command.PROMOTE}),
    Command.ROLLBACK: frozenset({Command.BUMP, Command.PROMOTE, Command.ROLLBACK}),
}
_STOPPED = frozenset({Command.BUMP, Command.PROMOTE})


def close_replaced(attempt: Attempt, plan: Plan, command: Command) -> list[int]:
    """Close the open merge requests that the target branch has made pointless; without the API none is known."""
    known = attempt.known
    return close_superseded(known, attempt.target, plan, command, known.opened_now()) if known is not None else []


def close_superseded(
    known: KnownRequests, target: Target, plan: Plan, command: Command, others: Iterable[MergeRequest],
    by: MergeRequest | None = None,
) -> list[int]:  # fmt: skip
    """Close those of bumper's ``others`` whose changes are all covered, by the target branch or a merge request.

    One to whose branch a person has pushed is left open, and so is one whose description says something else than its
    branch. Returns their numbers.
    """
    reason = "the target branch holds the requested tags"
    if by is not None:
        reason = f"!{by.iid} contains all of its changes"
    closed = []
    for one in others:
        record = read_comment(one.description)
        if record is not None and _is_covered(record, plan, command) and _is_bumpers(known, target, one, record):
            close(known, one, reason, by.iid if by is not None else 0)
            closed.append(one.iid)
    return closed


def _is_covered(record: Record, plan: Plan, command: Command) -> bool:
    places = {change.place for change in record.changes}
    if not places:
        return False
    changed = {change.place for change in plan.changes}
    if record.command is Command.ROLLBACK and record.by_itself and places <= changed:
        return True  # it undoes what is there now, and a newer version goes there
    return record.command in _CLOSES.get(command, ()) and places <= plan.covers


def _is_bumpers(known: KnownRequests, target: Target, one: MergeRequest, record: Record) -> bool:
    """Whether bumper made it as it is: by its author, and by its branch, which changes the files of its record."""
    branch = _own_branch(known, target, one) if known.is_bumpers(one.author) else None
    if branch is None or branch.record is None or branch.record.command != record.command:
        return False
    return branch.changed_paths() <= {change.file for change in record.changes}


def _own_branch(known: KnownRequests, target: Target, one: MergeRequest) -> Branch | None:
    """The branch, where its head is based on the target branch, and nobody else has a commit on it."""
    try:
        branch = branches.fetch_own(target.checkout, one.source_branch, known.gitlab)
    except (PushRaceLost, Refused):
        return None
    return branch if branch.on_target else None


def close_promotions_of(
    known: KnownRequests, target: Target, undone: Iterable[Change], rollback: MergeRequest
) -> None:  # fmt: skip
    """Close the open promotions that carry nothing but versions that a rollback takes back; comment on the others.

    What failed in one environment is not to be merged into the next one. Closed is only what bumper's users made.
    """
    config, name = target.setup.config, target.environment.name
    versions = [(change.app, canonical(config, change.image), change.before.tag) for change in undone]
    bad: set[_Carried] = {*versions, *((None, image, tag) for _, image, tag in versions)}
    for one in known.opened_now():
        carried = _promoted(known, target, one) if one.iid != rollback.iid else set()
        branch = _own_branch(known, target, one) if carried and carried <= bad else None
        if branch is not None and known.made_head(one.source_branch, branch.head, one.author):
            close(known, one, f"what it promotes was rolled back in {name} (!{rollback.iid})", 0)
        elif carried & bad:
            tags = ", ".join(sorted(f"{app or image} {tag}" for app, image, tag in carried & bad))
            text = f"{tags} is rolled back in {name} (!{rollback.iid}); merging this would deploy it here."
            merge_request_changes.comment(known.gitlab, one.iid, text)


_Carried: TypeAlias = tuple[str | None, str, str | None]  # application, image, tag


def _promoted(known: KnownRequests, target: Target, one: MergeRequest) -> set[_Carried]:
    """What bumper's open promotion carries: by its description, or, where that says something else, by its head alone.

    The head's trailers name no applications. Anybody may have edited the description, so as to keep the promotion open.
    """
    config, record = target.setup.config, read_comment(one.description)
    if f"{config.branch_prefix}{Command.PROMOTE}-" not in one.source_branch or not known.is_bumpers(one.author):
        return set()
    changes = record.changes if record is not None else ()
    described: set[_Carried] = {(change.app, canonical(config, change.image), change.after.tag) for change in changes}
    try:
        own = branches.fetch(target.checkout, one.source_branch, known.gitlab).record
    except PushRaceLost:
        return set()
    images: set[_Carried] = (
        {(None, canonical(config, image.repository), image.tag) for image in own.images} if own else set()
    )
    return described if own is None or images == {(None, image, tag) for _, image, tag in described} else images


def close(known: KnownRequests, one: MergeRequest, reason: str, superseded_by: int) -> None:
    """Close ``one`` with a comment, and note in its record that it was not a person who did."""
    merge_request_changes.comment(known.gitlab, one.iid, f"Closed by bumper, because {reason}.")
    record = read_comment(one.description)
    description = replace_comment(one.description, replace(record, superseded_by=superseded_by)) if record else None
    merge_request_changes.close(known.gitlab, one.iid, description)


def find_freeze_and_mark(attempt: Attempt, *, dry_run: bool) -> Frozen | None:
    """The freeze that the environment is in, which its open bumps and promotions are marked with, but for a dry run.

    Their auto-merge is taken off, and a comment says so once a freeze. Those that were opened as urgent, rollbacks and
    holds pass a freeze.
    """
    session, known = attempt.session, attempt.known
    frozen = find_freeze(attempt.target.environment, session.gitlab, session.clock.now())
    if frozen is None or known is None or dry_run:
        return frozen
    note = f"{frozen}: it should not be merged before that is over. bumper sets no auto-merge until then."
    for one in recorded_requests(known.opened_now()):
        record, request = one.record, one.merge_request
        if record.environment == frozen.environment and record.command in _STOPPED and record.urgent is None:
            report_step(f"marking !{request.iid} as frozen")
            if request.auto_merge:
                merge_request_changes.cancel_auto_merge(known.gitlab, request.iid)
            if all(text != note for _, text in merge_requests.notes_of(known.gitlab, request.iid)):
                merge_request_changes.comment(known.gitlab, request.iid, note)
    return frozen


def stop_waiting(attempt: Attempt, changes: Iterable[Change], waiting: Mapping[str, Waiting]) -> None:
    """Take auto-merge off open promotions of a version that may not go on now, with a comment that says why.

    ``waiting`` are the applications that wait, among those of ``changes``. What is urgent does not wait.
    """
    known, environment = attempt.known, attempt.target.environment.name
    if known is None:
        return
    stopped = {(one.file, one.path, one.after): waiting[one.app].reason for one in changes if one.app in waiting}
    for one in recorded_requests(known.opened_now() if stopped else ()):
        record, request = one.record, one.merge_request
        places = ((change.file, change.path, change.after) for change in record.changes)
        reasons = [stopped[place] for place in places if place in stopped]
        is_promotion = record.environment == environment and record.command is Command.PROMOTE
        if reasons and is_promotion and request.auto_merge and record.urgent is None:
            report_step(f"taking auto-merge off !{request.iid}")
            merge_request_changes.cancel_auto_merge(known.gitlab, request.iid)
            why = inert("; ".join(dict.fromkeys(reasons)))
            merge_request_changes.comment(
                known.gitlab, request.iid, f"It may not be merged now: {why}. bumper has taken auto-merge off."
            )
