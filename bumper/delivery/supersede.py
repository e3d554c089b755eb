"""Bumper's other open merge requests that a request has made pointless: closed with a comment that says why."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bumper.delivery.by_api import strangers
from bumper.gitlab import merge_requests
from bumper.gitlab.connection import GitLab
from bumper.gitlab.merge_requests import MergeRequest
from bumper.records.description import replace_comment
from bumper.records.order import Outrun, newer_than
from bumper.records.record import Record

# A bump or a promotion never closes a rollback: the next image would bring the trouble back. Nothing closes a hold.
_CLOSES = {
    "bump": frozenset({"bump", "promote"}),
    "promote": frozenset({"bump", "promote"}),
    "rollback": frozenset({"bump", "promote", "rollback"}),
}


@dataclass(frozen=True, slots=True)
class Coverage:
    """A command, and the pins (file, path) on the target branch that it has spoken for."""

    command: str
    target_branch: str
    prefix: str
    pins: frozenset[tuple[str, str]]


def close_covered(
    gitlab: GitLab, coverage: Coverage, kept: MergeRequest | None, among: Sequence[MergeRequest]
) -> list[int]:
    """Close those of bumper's other open merge requests ``among`` whose changes are all covered; their numbers.

    One to whose branch a person has pushed is left open.
    """
    closed = []
    for one in among:
        is_other = one.source_branch.startswith(coverage.prefix) and (kept is None or one.iid != kept.iid)
        if is_other and _is_covered(one, coverage) and not strangers(gitlab, coverage.target_branch, one.source_branch):
            close(gitlab, one, _reason(kept), kept.iid if kept is not None else 0)
            closed.append(one.iid)
    return closed


def _is_covered(one: MergeRequest, coverage: Coverage) -> bool:
    record = one.record
    if record is None or not record.changes or record.command not in _CLOSES.get(coverage.command, ()):
        return False
    return all((change.file, change.path) in coverage.pins for change in record.changes)


def _reason(kept: MergeRequest | None) -> str:
    if kept is None:
        return "the target branch holds the requested tags"
    return f"!{kept.iid} makes all of its changes"


def close(gitlab: GitLab, one: MergeRequest, reason: str, superseded_by: int) -> None:
    """Close ``one`` with a comment, and note that it was not a person who did."""
    merge_requests.say(gitlab, one.iid, f"Closed by bumper, because {reason}.")
    record = replace(one.record, superseded_by=superseded_by) if one.record is not None else None
    description = replace_comment(one.description, record) if record is not None else None
    merge_requests.close(gitlab, one.iid, description)


def give_way_to_newer(gitlab: GitLab, record: Record, kept: MergeRequest, among: Sequence[MergeRequest]) -> None:
    """Close the merge request just made, where another one by a newer pipeline was opened at the same moment.

    Raises:
        Outrun: it was.

    """
    newer = newer_than(record, [(one.record, one) for one in among if one.iid != kept.iid])
    if newer is not None and newer.merge_request is not None:
        by = newer.merge_request.iid
        close(gitlab, kept, f"!{by} is of a newer pipeline ({newer.pipeline.id})", by)
        raise Outrun(newer)
