"""Bumper's other open merge requests that a request has made pointless: closed with a comment that says why."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from bumper.delivery import branch as branches
from bumper.environments.repository import Target
from bumper.environments.same_images import canonical
from bumper.errors import Refused
from bumper.git.checkout import at_commit
from bumper.git.failures import PushRaceLost
from bumper.gitlab import merge_request_changes
from bumper.gitlab.merge_requests import MergeRequest
from bumper.records.description import read_comment, replace_comment
from bumper.records.known_requests import KnownRequests
from bumper.records.record import Command, Record
from bumper.values.change import Change

# A bump or a promotion never closes a rollback that somebody asked for: the next image would bring the trouble back.
# Nothing closes a hold.
_CLOSES = {
    Command.BUMP: frozenset({Command.BUMP, Command.PROMOTE}),
    Command.PROMOTE: frozenset({Command.BUMP, Command.PROMOTE}),
    Command.ROLLBACK: frozenset({Command.BUMP, Command.PROMOTE, Command.ROLLBACK}),
}


@dataclass(frozen=True, slots=True)
class Coverage:
    """A command, and the pins (file, path) on the target branch that it has spoken for; ``changed`` get another tag."""

    command: Command
    pins: frozenset[tuple[str, str]]
    changed: frozenset[tuple[str, str]]


def close_superseded(
    known: KnownRequests, target: Target, coverage: Coverage, kept: MergeRequest | None, among: Iterable[MergeRequest]
) -> list[int]:
    """Close those of bumper's other open merge requests ``among`` whose changes are all covered; their numbers.

    One to whose branch a person has pushed is left open, and so is one whose description says something else than its
    branch.
    """
    closed = []
    for one in among:
        if kept is not None and one.iid == kept.iid:
            continue
        record = read_comment(one.description)
        if record is not None and _is_covered(record, coverage) and _is_bumpers(known, target, one, record):
            close(known, one, _reason(kept), kept.iid if kept is not None else 0)
            closed.append(one.iid)
    return closed


def _is_covered(record: Record, coverage: Coverage) -> bool:
    places = {(change.file, change.path) for change in record.changes}
    if record.command is Command.ROLLBACK and record.by_itself and places and places <= coverage.changed:
        return True  # it undoes what is there now, and a newer version goes there
    if record.command not in _CLOSES.get(coverage.command, ()):
        return False
    return bool(places) and places <= coverage.pins


def _is_bumpers(known: KnownRequests, target: Target, one: MergeRequest, record: Record) -> bool:
    """Whether bumper made it as it is: by its author, and by its branch, which changes the files of its record."""
    if not known.is_bumpers(one.author):
        return False
    try:
        branch = branches.fetch(target.checkout, one.source_branch, known.gitlab)
        branches.refuse_somebodys(target.checkout, branch, known.gitlab)
    except (PushRaceLost, Refused):
        return False
    if not branch.on_target or branch.record is None or branch.record.command != record.command:
        return False
    base = at_commit(target.checkout, branch.parent)
    changed = branches.changed_paths(base, branch.checkout)
    return changed <= {change.file for change in record.changes}


def close_promotions_of(
    known: KnownRequests, target: Target, undone: Iterable[Change], kept: MergeRequest | None
) -> list[int]:
    """Close the open promotions that carry nothing but versions that a rollback takes back; comment on the others.

    What failed in one environment is not to be merged into the next one.
    """
    config = target.setup.config
    bad = {(change.app, canonical(config, change.image), change.before.tag) for change in undone}
    closed = []
    for one in known.opened_now():
        record = read_comment(one.description)
        if record is None or record.command != Command.PROMOTE or (kept is not None and one.iid == kept.iid):
            continue
        carried = {(change.app, canonical(config, change.image), change.after.tag) for change in record.changes}
        by = f" (!{kept.iid})" if kept is not None else ""
        if carried and carried <= bad and _is_bumpers(known, target, one, record):
            close(known, one, f"what it promotes was rolled back in {target.environment.name}{by}", 0)
            closed.append(one.iid)
        elif carried & bad and known.is_bumpers(one.author):
            tags = ", ".join(sorted(f"{app} {tag}" for app, _, tag in carried & bad))
            text = f"{tags} is rolled back in {target.environment.name}{by}; merging this would deploy it here."
            merge_request_changes.comment(known.gitlab, one.iid, text)
    return closed


def _reason(kept: MergeRequest | None) -> str:
    if kept is None:
        return "the target branch holds the requested tags"
    return f"!{kept.iid} contains all of its changes"


def close(known: KnownRequests, one: MergeRequest, reason: str, superseded_by: int) -> None:
    """Close ``one`` with a comment, and note in its record that it was not a person who did."""
    merge_request_changes.comment(known.gitlab, one.iid, f"Closed by bumper, because {reason}.")
    record = read_comment(one.description)
    description = replace_comment(one.description, replace(record, superseded_by=superseded_by)) if record else None
    merge_request_changes.close(known.gitlab, one.iid, description)
