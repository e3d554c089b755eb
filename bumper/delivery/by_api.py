"""A proposal to GitLab: one request, one branch, one merge request, however often and by how many it is made."""

from dataclasses import dataclass, replace

from bumper.delivery import branch as branches
from bumper.delivery.attempt import Attempt, DeliveryOptions
from bumper.delivery.branch import Branch, Holds
from bumper.delivery.result import Action, newer_on_branch
from bumper.errors import Refused, Unavailable
from bumper.git.checkout import HEADS, Checkout, remote_refs
from bumper.git.commit import push
from bumper.git.failures import PushRaceLost
from bumper.gitlab import merge_requests
from bumper.gitlab.connection import AlreadyThere
from bumper.gitlab.merge_requests import FoundPeople, MergeRequest, MergeRequestText
from bumper.planning.markdown import code
from bumper.planning.proposal import MAX_TITLE, Proposal
from bumper.records.known_requests import KnownRequests
from bumper.records.newer_pipeline import NewerPipeline, pipeline_note
from bumper.records.record import Sealed, read_comment
from bumper.values.change import outcome

_HEAD_TIMEOUT = 60.0  # seconds for GitLab's background job that brings a pushed head to the merge request


@dataclass(frozen=True, slots=True)
class Published:
    """What became of a proposal: its merge request, what was done with it, and the branch's head."""

    merge_request: MergeRequest
    action: Action
    commit: str


def publish(
    attempt: Attempt, known: KnownRequests, proposal: Proposal, commit: str, people: FoundPeople
) -> Published | NewerPipeline:
    """Push ``commit`` as the proposal's branch and see that exactly one merge request is open for it.

    Returns the newer pipeline instead, where one has made the same request in the meantime.

    Raises:
        Refused: a person closed the same proposal, or the branch holds somebody's commit.
        PushRaceLost: somebody moved the branch meanwhile; the job is to be done again.

    """
    squash = known.project.squashes  # asked first: of a project that has moved nothing may be pushed
    requests = known.of_branch(proposal.branch)
    current = next((one for one in requests if one.state == "opened"), None)
    if current is not None:
        return _update(attempt, known, proposal, commit, current)
    if requests and requests[0].state == "closed" and not attempt.options.reopen:
        refuse_what_a_person_closed(requests[0], proposal)
    newer = _push_new(attempt, known, proposal, commit)
    if newer is not None:
        return newer
    try:
        made = merge_requests.create(
            known.gitlab, proposal.branch, proposal.target_branch, text_of(proposal), people, squash=squash
        )
    except AlreadyThere as conflict:  # another run was faster: its merge request is this request's too
        raise PushRaceLost(proposal.branch) from conflict
    return Published(made, Action.OPENED, commit)


def text_of(proposal: Proposal) -> MergeRequestText:
    """What stands on the proposal's merge request."""
    return MergeRequestText(proposal.title, proposal.description, proposal.labels)


def refuse_what_a_person_closed(closed: MergeRequest, proposal: Proposal) -> None:
    """Refuse to propose again what a person has closed; bumper says in the description what it closed itself.

    Raises:
        Refused: the closed merge request proposed the same.

    """
    record = read_comment(closed.description)
    if record is None or record.superseded_by is not None:
        return
    if outcome(record.changes) == outcome(proposal.record.changes):
        raise Refused(
            f"{closed.url} proposed the same and was closed by a person",
            "reopen it there, or add --reopen to propose it again",
        )


def _push_new(attempt: Attempt, known: KnownRequests, proposal: Proposal, commit: str) -> NewerPipeline | None:
    """Push a branch that should not be there; one left behind by an earlier run is taken over, a person's is not."""
    checkout = attempt.target.checkout
    try:
        push(checkout, commit, proposal.branch, None)
    except PushRaceLost:
        left = branches.fetch_own(checkout, proposal.branch, known.gitlab)
        newer = newer_on_branch(attempt, left, proposal.record, None)
        if newer is not None:
            return newer
        push(checkout, commit, proposal.branch, left.head.id)
    return None


def _update(
    attempt: Attempt, known: KnownRequests, proposal: Proposal, commit: str, current: MergeRequest
) -> Published | NewerPipeline:
    checkout = attempt.target.checkout
    try:
        branch = branches.fetch_own(checkout, proposal.branch, known.gitlab)
    except PushRaceLost:  # somebody deleted it; GitLab then closes its merge request, some time later
        if merge_requests.read(known.gitlab, current.iid).state != "opened":
            raise
        push(checkout, commit, proposal.branch, None)
        return Published(_give_text(known, proposal, current), Action.UPDATED, commit)
    newer = newer_on_branch(attempt, branch, proposal.record, current.author)
    if newer is not None:
        return newer
    holds = branches.compare(checkout, branch, proposal.files)
    has_words = holds is Holds.OUTDATED or _words(branch.head.message) == _words(proposal.message)
    if holds is not Holds.OTHER and has_words and _may_stay(known, proposal, branch, current):
        shown = _read_at_head(attempt, known, current, branch)
        if _can_be_merged(attempt, known, branch, shown, holds):
            return _keep(known, proposal, shown, branch, attempt.options)
    return _replace(known, checkout, proposal, commit, current, branch)


def _read_at_head(attempt: Attempt, known: KnownRequests, current: MergeRequest, branch: Branch) -> MergeRequest:
    """The open merge request as soon as it shows the head of its branch.

    Raises:
        PushRaceLost: it was merged or closed a moment ago, or another run has pushed, whose head alone GitLab may show.
        Unavailable: GitLab does not bring the head to it in time.

    """
    head, name = branch.head.id, branch.checkout.branch
    shown = merge_requests.read_at_head(known.gitlab, current.iid, head, attempt.session.clock, _HEAD_TIMEOUT)
    if shown is None and head in remote_refs(attempt.target.checkout, f"{HEADS}{name}"):
        raise Unavailable(
            f"{current.url} does not yet show the newest commit of its branch, {head[:12]}",
            "try again as soon as GitLab's background jobs have caught up",
        )
    if shown is None or shown.state != "opened":
        raise PushRaceLost(name)
    return shown


def _words(message: str) -> str:
    """A message without its trailers. GitLab obeys what lands: "Closes #7" closes an issue."""
    return message.rstrip("\n").rpartition("\n\n")[0]


def _may_stay(known: KnownRequests, proposal: Proposal, branch: Branch, current: MergeRequest) -> bool:
    """Whether the head's trailers, which are merged too, are bumper's own or claim nothing that this request does not.

    Nor may they lack why it passes soak and freeze, as `bumper check` reads it there.
    """
    theirs, ours = branch.record, proposal.record
    if theirs is None or (ours.urgent is not None and theirs.urgent is None):
        return False
    unsealed = known.sealer.check(branch.head.message) is Sealed.UNKNOWN
    if unsealed and theirs.claims_no_more_than(ours):
        return True
    return known.made_head(proposal.branch, branch.head, current.author)


def _can_be_merged(
    attempt: Attempt, known: KnownRequests, branch: Branch, shown: MergeRequest, holds: Holds
) -> bool:  # fmt: skip
    """Whether it does not conflict: around its lines the target may have changed since the branch was made."""
    if branch.parent == attempt.target.checkout.tip:
        return True
    if holds is Holds.PROPOSAL:
        settled = merge_requests.read_settled(known.gitlab, shown.iid, attempt.session.clock)
        if not settled.has_conflict:
            return True
    return shown.auto_merge and merge_requests.is_on_train(known.gitlab, shown.iid)  # a train is left alone


def _keep(
    known: KnownRequests, proposal: Proposal, shown: MergeRequest, branch: Branch, options: DeliveryOptions
) -> Published:
    """Leave the branch as it is; what stands on the merge request is brought in line where it says something else.

    It does after an update that was interrupted between the push and the merge request, and where a title or a label is
    asked for that it does not have.
    """
    _note_newer_pipeline(known, proposal, shown, branch)
    record = read_comment(shown.description)
    is_current = record is not None and outcome(record.changes) == outcome(proposal.record.changes)
    has_title = options.title is None or shown.title == _title_for(shown, proposal)
    if is_current and has_title and set(proposal.labels) <= set(shown.labels):
        return Published(shown, Action.UNCHANGED, branch.head.id)
    return Published(_give_text(known, proposal, shown), Action.UPDATED, branch.head.id)


def _note_newer_pipeline(known: KnownRequests, proposal: Proposal, shown: MergeRequest, branch: Branch) -> None:
    """A newer pipeline asks for what is proposed already: an older one that comes later must not undo it."""
    ours, theirs = proposal.record.pipeline, branch.record.pipeline if branch.record is not None else None
    if ours is None or (theirs is not None and theirs.project == ours.project and theirs.id >= ours.id):
        return
    note = pipeline_note(ours)
    if shown.comments == 0 or note not in (text for _, text in merge_requests.notes_of(known.gitlab, shown.iid)):
        merge_requests.comment(known.gitlab, shown.iid, note)


def _replace(
    known: KnownRequests, checkout: Checkout, proposal: Proposal, commit: str, current: MergeRequest, branch: Branch
) -> Published:
    """Give the branch the new commit, and the merge request what belongs to it."""
    if current.merge_status == "merging":  # what it held so far lands: then the proposal is another one
        raise PushRaceLost(proposal.branch)
    if current.auto_merge:
        merge_requests.cancel_auto_merge(known.gitlab, current.iid)
    approved = merge_requests.is_approved(known.gitlab, current.iid)
    push(checkout, commit, proposal.branch, branch.head.id)
    updated = _give_text(known, proposal, current)
    if approved:
        _inform_approvers(known, current, proposal)
    return Published(updated, Action.UPDATED, commit)


def _give_text(known: KnownRequests, proposal: Proposal, current: MergeRequest) -> MergeRequest:
    """Have the merge request say what its branch proposes now.

    Raises:
        PushRaceLost: it was merged or closed in the meantime, maybe with what its branch held before.

    """
    text = replace(text_of(proposal), title=_title_for(current, proposal))
    updated = merge_requests.update(known.gitlab, current.iid, text)
    if updated.state != "opened":
        raise PushRaceLost(proposal.branch)
    return updated


def _title_for(current: MergeRequest, proposal: Proposal) -> str:
    """What somebody marked as a draft stays one, whatever it proposes now."""
    return f"Draft: {proposal.title}"[:MAX_TITLE] if current.is_draft else proposal.title


def _inform_approvers(known: KnownRequests, current: MergeRequest, proposal: Proposal) -> None:
    """What was approved is not what will be merged: take the approvals back where that is allowed, and comment."""
    reset = merge_requests.reset_approvals(known.gitlab, current.iid)
    record = read_comment(current.description)
    before = {change.place: change.after for change in (record.changes if record is not None else ())}
    lines = [
        f"- {code(change.app)}: {code(str(before.get(change.place, change.before)))} is now {code(str(change.after))}"
        for change in proposal.record.changes
    ]
    ending = "The approvals were reset." if reset else "The approvals were given to the earlier content."
    text = "\n".join(["This was changed after it was approved:", "", *lines, "", ending])
    merge_requests.comment(known.gitlab, current.iid, text)
