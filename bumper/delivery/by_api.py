"""A proposal to GitLab: one request, one branch, one merge request, however often and by how many it is made."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bumper.errors import Refused
from bumper.git.checkout import Checkout, fetch_branch, read_commit, read_files
from bumper.git.failures import PushRaceLost
from bumper.git.push import push
from bumper.gitlab import merge_requests, merge_trains
from bumper.gitlab.connection import AlreadyThere, GitLab
from bumper.gitlab.merge_requests import MergeRequest, People
from bumper.planning.proposal import Proposal, code
from bumper.records.description import replace_comment
from bumper.records.order import Outrun, newer_than
from bumper.records.record import Record, read_trailers
from bumper.values.change import outcome


@dataclass(frozen=True, slots=True)
class Published:
    """What became of a proposal; ``action`` is opened, updated or unchanged."""

    merge_request: MergeRequest
    action: str
    commit: str


@dataclass(frozen=True, slots=True)
class MergeRequestOptions:
    """What people ask of the merge request: whom to show it to, and what to do in spite of."""

    people: People
    reopen: bool = False  # propose again what a person closed
    allow_older: bool = False  # although a newer pipeline has been here


def publish(
    gitlab: GitLab, checkout: Checkout, proposal: Proposal, commit: str, mr_options: MergeRequestOptions
) -> Published:
    """Push ``commit`` as the proposal's branch and see that exactly one merge request is open for it.

    Raises:
        Refused: a person closed the same proposal, or the branch holds somebody's commit.
        Outrun: a newer pipeline has made this request meanwhile.
        PushRaceLost: somebody moved the branch meanwhile; the job is to be done again.

    """
    known = merge_requests.find(gitlab, proposal.branch, proposal.target_branch)
    current = next((one for one in known if one.state == "opened"), None)
    if current is not None:
        return _update(gitlab, checkout, proposal, commit, current, mr_options)
    closed = known[0] if known and known[0].state == "closed" else None
    if closed is not None and not mr_options.reopen and _was_closed_by_a_person(closed, proposal):
        raise Refused(
            f"{closed.url} proposed the same and was closed by a person; reopen it there, or add --reopen to propose "
            "it again."
        )
    _push_new(gitlab, checkout, proposal, commit, mr_options)
    try:
        made = merge_requests.create(gitlab, proposal, mr_options.people)
    except AlreadyThere as conflict:  # another run was faster: its merge request is this request's too
        raise PushRaceLost(proposal.branch) from conflict
    return Published(made, "opened", commit)


def _was_closed_by_a_person(closed: MergeRequest, proposal: Proposal) -> bool:
    record = closed.record
    if record is None or record.superseded_by is not None:
        return False
    return outcome(record.changes) == outcome(proposal.record.changes)


def _push_new(
    gitlab: GitLab, checkout: Checkout, proposal: Proposal, commit: str, mr_options: MergeRequestOptions
) -> None:
    """Push a branch that should not be there; one left behind by an earlier run is taken over, a person's is not."""
    try:
        push(checkout, commit, proposal.branch, None)
    except PushRaceLost:
        left = fetch_branch(checkout, proposal.branch)
        _give_way(proposal, [(read_trailers(read_commit(left).message), None)], mr_options)
        authors = strangers(gitlab, proposal.target_branch, proposal.branch)
        if authors:
            raise Refused(_somebodys(proposal.branch, authors)) from None
        push(checkout, commit, proposal.branch, left.tip)


def _give_way(
    proposal: Proposal, records: Iterable[tuple[Record | None, MergeRequest | None]], mr_options: MergeRequestOptions
) -> None:
    """Raise Outrun where a newer pipeline has made the same request since the order was looked at."""
    newer = None if mr_options.allow_older else newer_than(proposal.record, list(records))
    if newer is not None:
        raise Outrun(newer)


def _update(
    gitlab: GitLab,
    checkout: Checkout,
    proposal: Proposal,
    commit: str,
    current: MergeRequest,
    mr_options: MergeRequestOptions,
) -> Published:
    branch = fetch_branch(checkout, proposal.branch)
    head = read_trailers(read_commit(branch).message)
    _give_way(proposal, [(current.record, current), (head, current)], mr_options)
    if not _proposes_the_same(gitlab, checkout, branch, proposal, current):
        authors = strangers(gitlab, proposal.target_branch, proposal.branch)
        if authors:
            raise Refused(_somebodys(proposal.branch, authors))
        if current.auto_merge:
            merge_requests.cancel_auto_merge(gitlab, current.iid)
        approved = merge_requests.is_approved(gitlab, current.iid)
        push(checkout, commit, proposal.branch, branch.tip)
        updated = merge_requests.update(gitlab, current.iid, proposal)
        if approved:
            _tell_approvers(gitlab, current, proposal)
        return Published(updated, "updated", commit)
    _note_newer_pipeline(gitlab, proposal, current)
    return Published(current, "unchanged", branch.tip)


def _tell_approvers(gitlab: GitLab, current: MergeRequest, proposal: Proposal) -> None:
    """What was approved is not what will be merged: take the approvals back where that is allowed, and say so."""
    reset = merge_requests.reset_approvals(gitlab, current.iid)
    before = {(change.file, change.path): change.after for change in (current.record.changes if current.record else ())}
    lines = [
        f"- {code(change.app)}: {code(str(before.get((change.file, change.path), change.before)))} is now "
        f"{code(str(change.after))}"
        for change in proposal.record.changes
    ]
    ending = "The approvals were reset." if reset else "The approvals are of the content before."
    merge_requests.say(
        gitlab, current.iid, "\n".join(["This was changed after it was approved:", "", *lines, "", ending])
    )


def _note_newer_pipeline(gitlab: GitLab, proposal: Proposal, current: MergeRequest) -> None:
    """A newer pipeline asks for what is proposed already: an older one that comes later must not undo it."""
    known, ours = current.record, proposal.record.pipeline
    if known is None or ours is None or known.pipeline is None or known.pipeline.project != ours.project:
        return
    if known.pipeline.id < ours.id:
        description = replace_comment(current.description, replace(known, pipeline=ours))
        merge_requests.describe(gitlab, current.iid, description)


def _proposes_the_same(
    gitlab: GitLab, checkout: Checkout, branch: Checkout, proposal: Proposal, current: MergeRequest
) -> bool:
    """Whether the open merge request proposes these values already, in a way that can be merged."""
    if current.record is None or outcome(current.record.changes) != outcome(proposal.record.changes):
        return False
    found = read_commit(branch)
    if read_trailers(found.message) is None or any(file not in branch.entries for file in proposal.files):
        return False
    # The same bytes on an older commit can conflict all the same: the target's line may have changed in between.
    if found.parents == (checkout.tip,) and read_files(branch, proposal.files) == proposal.files:
        return True
    if not merge_requests.read_settled(gitlab, current.iid).has_conflict:
        return True
    return current.auto_merge and merge_trains.is_queued(gitlab, current.iid)  # a train is left alone


def strangers(gitlab: GitLab, target_branch: str, branch: str) -> list[str]:
    """The authors of commits on the branch that bumper did not make."""
    commits = merge_requests.messages_between(gitlab, target_branch, branch)
    return list(dict.fromkeys(author for author, message in commits if read_trailers(message) is None))


def _somebodys(branch: str, authors: Sequence[str]) -> str:
    return (
        f"branch {branch} holds a commit by {', '.join(authors)}, which bumper does not overwrite; "
        "merge or close its merge request, or delete the branch, and run this again."
    )
