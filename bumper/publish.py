"""A proposal to GitLab: one request, one branch, one merge request, however often and by how many it is made."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from bumper import merge_requests
from bumper.change import Change, Version
from bumper.checkout import Checkout, fetch_branch, push, read_commit, read_files
from bumper.errors import Refused
from bumper.forge import AlreadyThere, Forge
from bumper.git_failures import RaceLost
from bumper.merge_requests import MergeRequest, People
from bumper.proposal import Proposal
from bumper.record import read_trailers, replace_comment


@dataclass(frozen=True, slots=True)
class Published:
    """What became of a proposal; ``action`` is opened, updated or unchanged."""

    merge_request: MergeRequest
    action: str
    commit: str
    closed: tuple[int, ...] = field(default=())


def publish(
    forge: Forge, checkout: Checkout, proposal: Proposal, commit: str, people: People, *, reopen: bool
) -> Published:
    """Push ``commit`` as the proposal's branch and see that exactly one merge request is open for it.

    Raises:
        Refused: a person closed the same proposal, or the branch holds somebody's commit.
        RaceLost: somebody moved the branch meanwhile; the job is to be done again.

    """
    known = merge_requests.find(forge, proposal.branch, proposal.target_branch)
    current = next((one for one in known if one.state == "opened"), None)
    if current is not None:
        return _update(forge, checkout, proposal, commit, current)
    closed = known[0] if known and known[0].state == "closed" else None
    if closed is not None and not reopen and _was_closed_by_a_person(closed, proposal):
        raise Refused(
            f"{closed.url} proposed the same and was closed by a person; reopen it there, or add --reopen to propose "
            "it again."
        )
    _push_new(forge, checkout, proposal, commit)
    try:
        made = merge_requests.create(forge, proposal, people)
    except AlreadyThere as conflict:  # another run was faster: its merge request is this request's too
        raise RaceLost(proposal.branch) from conflict
    return Published(made, "opened", commit)


def _was_closed_by_a_person(closed: MergeRequest, proposal: Proposal) -> bool:
    record = closed.record
    if record is None or record.superseded_by is not None:
        return False
    return _outcome(record.changes) == _outcome(proposal.record.changes)


def _outcome(changes: Iterable[Change]) -> set[tuple[str, str, Version]]:
    return {(change.file, change.path, change.after) for change in changes}


def _push_new(forge: Forge, checkout: Checkout, proposal: Proposal, commit: str) -> None:
    """Push a branch that should not be there; one left behind by an earlier run is taken over, a person's is not."""
    try:
        push(checkout, commit, proposal.branch, None)
    except RaceLost:
        left = fetch_branch(checkout, proposal.branch)
        authors = _strangers(forge, proposal.target_branch, proposal.branch)
        if authors:
            raise Refused(_somebodys(proposal.branch, authors)) from None
        push(checkout, commit, proposal.branch, left.tip)


def _update(forge: Forge, checkout: Checkout, proposal: Proposal, commit: str, current: MergeRequest) -> Published:
    branch = fetch_branch(checkout, proposal.branch)
    if not _proposes_the_same(forge, checkout, branch, proposal, current):
        authors = _strangers(forge, proposal.target_branch, proposal.branch)
        if authors:
            raise Refused(_somebodys(proposal.branch, authors))
        push(checkout, commit, proposal.branch, branch.tip)
        return Published(merge_requests.update(forge, current.iid, proposal), "updated", commit)
    return Published(current, "unchanged", branch.tip)


def _proposes_the_same(
    forge: Forge, checkout: Checkout, branch: Checkout, proposal: Proposal, current: MergeRequest
) -> bool:
    """Whether the open merge request proposes these values already, in a way that can be merged."""
    if current.record is None or _outcome(current.record.changes) != _outcome(proposal.record.changes):
        return False
    found = read_commit(branch)
    if read_trailers(found.message) is None or any(file not in branch.entries for file in proposal.files):
        return False
    # The same bytes on an older commit can conflict all the same: the target's line may have changed in between.
    if found.parents == (checkout.tip,) and read_files(branch, proposal.files) == proposal.files:
        return True
    return not merge_requests.read_settled(forge, current.iid).has_conflict


def _strangers(forge: Forge, target_branch: str, branch: str) -> list[str]:
    """The authors of commits on the branch that bumper did not make."""
    commits = merge_requests.messages_between(forge, target_branch, branch)
    return list(dict.fromkeys(author for author, message in commits if read_trailers(message) is None))


def _somebodys(branch: str, authors: Sequence[str]) -> str:
    return (
        f"branch {branch} holds a commit by {', '.join(authors)}, which bumper does not overwrite; "
        "merge or close its merge request, or delete the branch, and run this again."
    )


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


def close_covered(forge: Forge, coverage: Coverage, kept: MergeRequest | None) -> list[int]:
    """Close bumper's other open merge requests whose changes are all covered; their numbers.

    One to whose branch a person has pushed is left open.
    """
    closed = []
    for one in merge_requests.find_open(forge, coverage.target_branch):
        is_other = one.source_branch.startswith(coverage.prefix) and (kept is None or one.iid != kept.iid)
        if is_other and _is_covered(one, coverage) and not _strangers(forge, coverage.target_branch, one.source_branch):
            _close(forge, one, kept)
            closed.append(one.iid)
    return closed


def _is_covered(one: MergeRequest, coverage: Coverage) -> bool:
    record = one.record
    if record is None or not record.changes or record.command not in _CLOSES.get(coverage.command, ()):
        return False
    return all((change.file, change.path) in coverage.pins for change in record.changes)


def _close(forge: Forge, one: MergeRequest, kept: MergeRequest | None) -> None:
    by = f"!{kept.iid} makes all of its changes" if kept is not None else "the target branch holds the requested tags"
    merge_requests.say(forge, one.iid, f"Closed by bumper, because {by}.")
    record = replace(one.record, superseded_by=kept.iid if kept is not None else 0) if one.record is not None else None
    description = replace_comment(one.description, record) if record is not None else None
    merge_requests.set_state(forge, one.iid, "close", description)
