"""A proposal to GitLab: one request, one branch, one merge request, however often and by how many it is made."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from bumper.delivery import branch as branches
from bumper.delivery.attempt import Attempt
from bumper.delivery.branch import Branch, Holds
from bumper.delivery.other_requests import close, close_promotions_of, close_superseded
from bumper.delivery.result import Action, Pending, Result, Status, proposed_at, result_of
from bumper.delivery.superseded import newer_on_branch, overtaken_result
from bumper.errors import Refused, Unavailable
from bumper.git.commit import push
from bumper.git.failures import PushRaceLost
from bumper.gitlab import merge_request_changes, merge_requests
from bumper.gitlab.connection import AlreadyThere
from bumper.gitlab.merge_request_changes import Text
from bumper.gitlab.merge_requests import MergeRequest
from bumper.log import report_step
from bumper.planning.description import code
from bumper.planning.proposal import MAX_TITLE, Draft, Proposal
from bumper.records.known_requests import KnownRequests
from bumper.records.newer_pipeline import NewerPipeline, newer_of_request, pipeline_note
from bumper.records.record import Command, Sealed, read_comment
from bumper.values.change import outcome


def propose_by_api(draft: Draft, attempt: Attempt, known: KnownRequests, commit: str) -> Pending | Result:
    """The merge request of ``commit``, opened or updated, and those that it supersedes closed.

    A result is returned where a newer pipeline has made the same request in the meantime. Raises ``PushRaceLost`` where
    somebody moved the branch, and ``Refused`` where a person closed the same proposal or has a commit on the branch.
    """
    target, options = attempt.target, attempt.options
    draft = draft.on_branch(known.branch_of(draft.proposal.branch))
    proposal, record = draft.proposal, draft.proposal.record
    report_step(f"proposing {proposal.branch} over the API of {target.checkout.settings.address.gitlab_url}")
    people = attempt.people
    user_ids = merge_request_changes.find_user_ids(known.gitlab, (*people.reviewers, *people.assignees))
    published = _Publication(attempt, known, proposal, commit, user_ids).publish()
    if isinstance(published, NewerPipeline):
        return overtaken_result(draft, published)
    one = published.merge_request
    others = [other for other in known.opened_now() if other.iid != one.iid]
    newer = None if options.allow_older else newer_of_request(target, known, others, record)
    if newer is not None and newer.merge_request is not None:
        by = newer.merge_request.iid
        close(known, one, f"!{by} is of a newer pipeline ({newer.pipeline.id})", by)
        return overtaken_result(draft, newer)
    close_superseded(known, target, draft.plan, record.command, others, one)
    if record.command == Command.ROLLBACK and published.action is not Action.UNCHANGED:
        close_promotions_of(known, target, draft.plan.changes, one)
    shown = proposed_at(one, published.action)
    done = replace(
        result_of(draft, Status.PROPOSED), branch=proposal.branch, commit=published.head, merge_request=shown,
        warnings=(*draft.plan.warnings, *_explain_missing_people(published, attempt, user_ids)),
    )  # fmt: skip
    return Pending(attempt, known, draft, done, shown, published.head)


@dataclass(frozen=True, slots=True)
class _Published:
    """What became of a proposal: its merge request, what was done with it, and the branch's head."""

    merge_request: MergeRequest
    action: Action
    head: str


def _explain_missing_people(published: _Published, attempt: Attempt, user_ids: Mapping[str, int]) -> list[str]:
    """Whom the merge request does not ask although they are named, because GitLab or a person left them out."""
    one, named, asked = published.merge_request, attempt.people, attempt.options.people
    unknown = [name for name in dict.fromkeys((*named.reviewers, *named.assignees)) if name not in user_ids]
    warnings = [f"GitLab knows no user {name!r}, so nobody of that name was asked." for name in unknown]
    is_new = published.action is Action.OPENED
    wanted = named if is_new else asked  # whom bumper.yaml names, somebody may have taken off
    missing = [name for name in wanted.reviewers if name not in {*one.reviewers, *unknown}]
    missing += [name for name in wanted.assignees if name not in {*one.assignees, *unknown}]
    names = ", ".join(dict.fromkeys(missing))
    why = "its Free tier keeps one reviewer and one assignee, and only adds people who may see the project"
    left_out = f"GitLab did not add {names} to !{one.iid} ({why}); ask them yourself."
    if not is_new:
        left_out = f"not added to !{one.iid}, which was open already: {names}; ask them there."
    return [*warnings, left_out] if names else warnings


def refuse_what_a_person_closed(closed: MergeRequest, proposal: Proposal) -> None:
    """Raise ``Refused`` where the closed merge request proposed the same.

    What bumper closed itself, it says in the description.
    """
    record = read_comment(closed.description)
    if record is None or record.superseded_by is not None:
        return
    if outcome(record.changes) == outcome(proposal.record.changes):
        raise Refused(
            f"{closed.url} proposed the same and was closed by a person",
            "reopen it there, or add --reopen to propose it again",
        )


@dataclass(frozen=True, slots=True)
class _Publication:
    """A proposal, pushed as ``commit``, on its way to exactly one open merge request."""

    attempt: Attempt
    known: KnownRequests
    proposal: Proposal
    commit: str
    user_ids: Mapping[str, int]

    def publish(self) -> _Published | NewerPipeline:
        """Push the commit, and see that one merge request is open for it; or the newer pipeline that was here."""
        known, proposal = self.known, self.proposal
        squash = known.project.squashes  # asked first: of a project that has moved nothing may be pushed
        requests = known.of_branch(proposal.branch)
        current = next((one for one in requests if one.state == "opened"), None)
        if current is not None:
            return self._update(current)
        if requests and requests[0].state == "closed" and not self.attempt.options.reopen:
            refuse_what_a_person_closed(requests[0], proposal)
        newer = self._push_new()
        if newer is not None:
            return newer
        text, people = Text(proposal.title, proposal.description, proposal.labels), self.attempt.people
        reviewers, assignees = (
            [self.user_ids[name] for name in names if name in self.user_ids]
            for names in (people.reviewers, people.assignees)
        )
        source, target = proposal.branch, proposal.target_branch
        try:
            made = merge_request_changes.create(known.gitlab, source, target, text, reviewers, assignees, squash=squash)
        except AlreadyThere as conflict:  # another run was faster: its merge request is this request's too
            raise PushRaceLost(proposal.branch) from conflict
        return _Published(made, Action.OPENED, self.commit)

    def _push(self, expected: str | None) -> None:
        push(self.attempt.target.checkout, self.commit, self.proposal.branch, expected)

    def _push_new(self) -> NewerPipeline | None:
        """Push a branch that should not be there; what an earlier run left is taken over, a person's is not."""
        try:
            self._push(None)
        except PushRaceLost:
            left = branches.fetch_own(self.attempt.target.checkout, self.proposal.branch, self.known.gitlab)
            newer = newer_on_branch(self.attempt, left, self.proposal.record, None)
            if newer is not None:
                return newer
            self._push(left.head.id)
        return None

    def _update(self, current: MergeRequest) -> _Published | NewerPipeline:
        checkout, proposal, gitlab = self.attempt.target.checkout, self.proposal, self.known.gitlab
        try:
            branch = branches.fetch_own(checkout, proposal.branch, gitlab)
        except PushRaceLost:  # somebody deleted it; GitLab then closes its merge request, some time later
            if merge_requests.read(gitlab, current.iid).state != "opened":
                raise
            self._push(None)
            return _Published(self._give_text(current), Action.UPDATED, self.commit)
        newer = newer_on_branch(self.attempt, branch, proposal.record, current.author)
        if newer is not None:
            return newer
        holds = branches.compare(checkout, branch, proposal.files)
        has_words = holds is Holds.OUTDATED or _words(branch.head.message) == _words(proposal.message)
        if holds is not Holds.OTHER and has_words and self._may_stay(branch, current):
            shown = self._shown_at_head(current, branch)
            if self._can_be_merged(branch, shown, holds):
                return self._keep(shown, branch)
        return self._replace(current, branch)

    def _shown_at_head(self, current: MergeRequest, branch: Branch) -> MergeRequest:
        """The open merge request as soon as it shows the head of its branch."""
        checkout, clock, head = self.attempt.target.checkout, self.attempt.session.clock, branch.head.id
        shown = branches.read_at_head(checkout, self.known.gitlab, current.iid, self.proposal.branch, head, clock)
        if shown is None:
            raise Unavailable(
                f"{current.url} does not yet show the newest commit of its branch, {head[:12]}",
                "try again as soon as GitLab's background jobs have caught up",
            )
        if shown.state != "opened":
            raise PushRaceLost(self.proposal.branch)
        return shown

    def _may_stay(self, branch: Branch, current: MergeRequest) -> bool:
        """Whether the head's trailers, which are merged too, are bumper's own or claim no more than this request does.

        Nor may they lack why it passes soak and freeze, as `bumper check` reads it there.
        """
        theirs, ours = branch.record, self.proposal.record
        if theirs is None or (ours.urgent is not None and theirs.urgent is None):
            return False
        unsealed = self.known.sealer.check(branch.head.message) is Sealed.UNKNOWN
        if unsealed and theirs.claims_no_more_than(ours):
            return True
        return self.known.made_head(self.proposal.branch, branch.head, current.author)

    def _can_be_merged(self, branch: Branch, shown: MergeRequest, holds: Holds) -> bool:
        """Whether it does not conflict: around its lines the target may have changed since the branch was made."""
        if branch.head.parents[0] == self.attempt.target.checkout.tip:
            return True
        gitlab = self.known.gitlab
        if holds is Holds.PROPOSAL:
            settled = merge_requests.read_settled(gitlab, shown.iid, self.attempt.session.clock)
            if not settled.has_conflict:
                return True
        return shown.auto_merge and merge_request_changes.is_on_train(gitlab, shown.iid)  # a train is left alone

    def _keep(self, shown: MergeRequest, branch: Branch) -> _Published:
        """Leave the branch as it is; the merge request is brought in line where it says something else.

        It does after an update that was interrupted after the push, and where it lacks a title or label.
        """
        self._note_newer_pipeline(shown, branch)
        record, options = read_comment(shown.description), self.attempt.options
        is_current = record is not None and outcome(record.changes) == outcome(self.proposal.record.changes)
        has_title = options.title is None or shown.title == self._title_for(shown)
        if is_current and has_title and set(self.proposal.labels) <= set(shown.labels):
            return _Published(shown, Action.UNCHANGED, branch.head.id)
        return _Published(self._give_text(shown), Action.UPDATED, branch.head.id)

    def _note_newer_pipeline(self, shown: MergeRequest, branch: Branch) -> None:
        """A newer pipeline asks for what is proposed already: an older one that comes later must not undo it."""
        ours, theirs = self.proposal.record.pipeline, branch.record.pipeline if branch.record is not None else None
        if ours is None or (theirs is not None and theirs.project == ours.project and theirs.id >= ours.id):
            return
        gitlab, note = self.known.gitlab, pipeline_note(ours)
        if shown.comments == 0 or note not in (text for _, text in merge_requests.notes_of(gitlab, shown.iid)):
            merge_request_changes.comment(gitlab, shown.iid, note)

    def _replace(self, current: MergeRequest, branch: Branch) -> _Published:
        """Give the branch the new commit, and the merge request what belongs to it."""
        if current.merge_status == "merging":  # what it held so far lands: then the proposal is another one
            raise PushRaceLost(self.proposal.branch)
        if current.auto_merge:
            merge_request_changes.cancel_auto_merge(self.known.gitlab, current.iid)
        approved = merge_requests.is_approved(self.known.gitlab, current.iid)
        self._push(branch.head.id)
        updated = self._give_text(current)
        if approved:
            self._inform_approvers(current)
        return _Published(updated, Action.UPDATED, self.commit)

    def _give_text(self, current: MergeRequest) -> MergeRequest:
        """Have the merge request say what its branch proposes now."""
        text = Text(self._title_for(current), self.proposal.description, self.proposal.labels)
        updated = merge_request_changes.update(self.known.gitlab, current.iid, text)
        if updated.state != "opened":  # it was merged or closed in the meantime, maybe with what its branch held before
            raise PushRaceLost(self.proposal.branch)
        return updated

    def _title_for(self, current: MergeRequest) -> str:
        """What somebody marked as a draft stays one, whatever it proposes now."""
        return f"Draft: {self.proposal.title}"[:MAX_TITLE] if current.is_draft else self.proposal.title

    def _inform_approvers(self, current: MergeRequest) -> None:
        """What was approved is not what will be merged: take the approvals back where that is allowed, and comment."""
        reset = merge_request_changes.reset_approvals(self.known.gitlab, current.iid)
        record = read_comment(current.description)
        before = {change.place: change.after for change in (record.changes if record is not None else ())}
        lines = [
            f"- {code(one.app)}: {code(str(before.get(one.place, one.before)))} is now {code(str(one.after))}"
            for one in self.proposal.record.changes
        ]
        ending = "The approvals were reset." if reset else "The approvals were given to the earlier content."
        text = "\n".join(["This was changed after it was approved:", "", *lines, "", ending])
        merge_request_changes.comment(self.known.gitlab, current.iid, text)


def _words(message: str) -> str:
    """A message without its trailers. GitLab obeys what lands: "Closes #7" closes an issue."""
    return message.rstrip("\n").rpartition("\n\n")[0]
