"""Merging: GitLab is asked to merge now, or by itself as soon as all checks pass; then it is waited for.

Auto-merge needs something to wait for. With nothing awaited GitLab answers it with 405 (gitlab-org/gitlab issues 217710
and 355455), and merging at once is what was meant. Whether something is awaited shows late: a pipeline appears seconds
after the push, the merge request learns of the new head in the background, and is checked after it was first looked at.
"""

from dataclasses import dataclass

from bumper.clock import polls
from bumper.delivery import branch as branches
from bumper.delivery.result import Pending
from bumper.errors import NotDeployed, Unavailable
from bumper.git.failures import PushRaceLost
from bumper.gitlab import merge_request_changes, merge_requests
from bumper.gitlab.connection import AlreadyThere, NotMergeable, Unauthorized
from bumper.gitlab.merge_requests import CHECKING, MergeRequest
from bumper.records.known_requests import KnownRequests
from bumper.records.record import read_comment

_PIPELINE_TIMEOUT = 30.0  # seconds for a pipeline to appear; 20 have been seen (gitlab-org/gitlab issue 353984)
_REBASE_TIMEOUT = 30.0  # seconds
_MAX_REBASES = 5  # in a run that does not wait; each time somebody else may be merged first
_MERGE_TIMEOUT = 10.0  # seconds for a merge that GitLab has agreed to
_MAX_PAUSE = 5.0  # seconds between two looks
# Seconds after a push these mean that GitLab has not looked yet.
_PASSING = CHECKING | {"ci_must_pass", "ci_still_running"}
_UNDER_WAY = frozenset(
    {"created", "waiting_for_resource", "waiting_for_callback", "preparing", "pending", "running", "scheduled"}
)
_FAILED = frozenset({"failed", "canceling", "canceled"})
# Who must do what, by GitLab's detailed_merge_status (its documentation of the merge requests API).
_WAITS_FOR = {
    "ci_must_pass": "its pipeline to pass",
    "ci_still_running": "its pipeline to end",
    "not_approved": "an approval",
    "requested_changes": "the requested changes",
    "discussions_not_resolved": "its threads to be resolved",
    "draft_status": "somebody to mark it as ready",
    "need_rebase": "a rebase",
    "conflict": "its conflicts to be resolved",
    "merge_request_blocked": "another merge request to be merged",
    "status_checks_must_pass": "its status checks to pass",
    "jira_association_missing": "a Jira issue in its title or description",
    "locked_paths": "a locked path to be unlocked",
    "security_policy_violations": "its security policies to pass",
    "security_policy_pipeline_check": "the pipelines of its security policies to pass",
    "locked_lfs_files": "a locked file to be unlocked",
    "merge_time": "the time from which it may be merged",
    "title_regex": "a title as the project demands",
    "commits_status": "a commit on its branch",
    "merging": "GitLab, which is merging it",
}


@dataclass(frozen=True, slots=True)
class MergeReply:
    """The merge request after it was asked to merge; ``problem`` says why it will not merge by itself."""

    merge_request: MergeRequest
    problem: str | None = None

    @property
    def warnings(self) -> tuple[str, ...]:
        """What to add to a result that is not merged: what is awaited, or why auto-merge could not be set."""
        one = self.merge_request
        if self.problem is not None:
            return (f"auto-merge could not be set on !{one.iid}: {self.problem}.",)
        if one.state == "opened" and one.auto_merge:
            return (f"!{one.iid} will be merged by GitLab; it waits for {_waits_for(one)}.",)
        return ()


def _waits_for(one: MergeRequest) -> str:
    """What an open merge request waits for, in words."""
    if one.merge_status in _WAITS_FOR and not one.merge_status.startswith("ci_"):
        return _WAITS_FOR[one.merge_status]
    if one.pipeline in _UNDER_WAY:
        return "its pipeline to end"
    if one.pipeline in _FAILED:
        return "its pipeline to pass, which has failed"
    if one.pipeline == "" and one.merge_status == "ci_must_pass":
        return "its pipeline to pass, and none has appeared"
    if one.merge_status == "mergeable":
        return "GitLab to merge it" if one.auto_merge else "somebody to merge it"
    return _WAITS_FOR.get(one.merge_status, one.merge_status or "GitLab to check it")


def _retargeted(known: KnownRequests, found: MergeRequest) -> str:
    """What to say of a merge request that somebody has given another target branch: bumper does not merge it there."""
    return f"somebody has changed its target branch from {known.target_branch} to {found.target_branch}"


def ask_to_merge(pending: Pending, head: str) -> tuple[MergeReply, str]:
    """Merge the merge request whose branch is at ``head``, or have GitLab merge it as soon as all checks pass.

    Returns the reply and the branch's head then: one that is behind is rebased, which shows once GitLab has checked it.
    Raises ``NotDeployed`` where somebody pushed something else in the meantime.
    """
    reply = _ask(pending, head)
    for _ in range(_MAX_REBASES):
        is_behind = reply.problem is not None and reply.merge_request.merge_status == "need_rebase"
        rebased = _rebased_head(pending, reply.merge_request, head) if is_behind else None
        if rebased is None:
            break
        reply, head = _ask(pending, rebased), rebased
    return reply, head


def _ask(pending: Pending, head: str) -> MergeReply:
    gitlab, checkout, branch = pending.known.gitlab, pending.attempt.target.checkout, pending.draft.proposal.branch
    late = f"it does not show the pushed commit {head[:12]} yet; run this again in a minute"
    try:
        shown = branches.read_at_head(checkout, gitlab, pending.iid, branch, head, pending.clock)
    except PushRaceLost:
        shown, late = None, "its branch has moved on"
    return _ask_until_taken(pending, head) if shown is not None else MergeReply(pending.read(), late)


def _ask_until_taken(pending: Pending, head: str) -> MergeReply:
    """Ask until GitLab takes it, or says why not. A project without a CI file has no pipeline to wait for."""
    known, clock = pending.known, pending.clock
    awaited = known.project.runs_pipelines(pending.attempt.target.checkout.entries)
    for left in polls(clock, _PIPELINE_TIMEOUT):
        found = merge_requests.read_settled(known.gitlab, pending.iid, clock)
        if found.target_branch != known.target_branch:
            return MergeReply(found, _retargeted(known, found))
        if found.state != "opened" or found.auto_merge:
            return MergeReply(found, "somebody has closed it" if found.state == "closed" else None)
        if found.can_merge is False:
            return MergeReply(found, _may_not_merge(found))
        appears_yet = not found.pipeline and (awaited or found.merge_status in _PASSING)
        if left > 0 and (appears_yet or found.merge_status in CHECKING):
            continue  # the pipeline that is awaited has not appeared yet, or GitLab still checks
        problem = _ask_once(pending, found, head)
        if problem is None:
            return _what_came_of_it(pending)
        if not problem:
            continue
        now = merge_requests.read_settled(known.gitlab, pending.iid, clock)
        is_final = problem == now.merge_error and now.merge_status == "mergeable"  # GitLab has tried, in vain
        if left <= 0 or is_final or found.merge_status not in {"mergeable", *_PASSING}:
            return MergeReply(now, problem)
    return MergeReply(pending.read(), f"GitLab still says {found.merge_status}")


def _ask_once(pending: Pending, found: MergeRequest, head: str) -> str | None:
    """None where GitLab took it, else why not; empty where that passes: the head is the old one, or it merges."""
    gitlab, iid, squash = pending.known.gitlab, pending.iid, pending.known.project.squashes
    # Asked to merge at once, GitLab passes over a pipeline that failed, unless the project requires it.
    when_ready = found.pipeline in _UNDER_WAY | _FAILED or found.merge_status != "mergeable"
    try:
        if pending.known.project.has_trains:
            merge_request_changes.join_train(gitlab, iid, head, squash=squash)
        else:
            message = _merge_message(pending)
            merge_request_changes.merge(gitlab, iid, head, message, squash=squash, when_ready=when_ready)
    except Unauthorized:
        return _may_not_merge(found)
    except AlreadyThere:  # 409: another head than the one asked for
        return "" if pending.read().sha == head else "its branch has moved on"
    except NotMergeable as refusal:
        now = pending.read()
        if now.state == "merged" or now.auto_merge:
            return None
        return now.merge_error or f"it waits for {_waits_for(now)} ({refusal.what})"
    except Unavailable:  # GitLab may have merged all the same: a rollback that is made again would go back further
        now = pending.read()
        if now.merge_status == "merging":
            return ""
        if now.state == "opened" and not now.auto_merge:
            raise
    return None


def _merge_message(pending: Pending) -> str:
    """The message of the commit that merging makes: the proposal's trailers survive each merge method.

    Push rules on commit messages hold for it, too; "See merge request" is how GitLab's own default ends.
    """
    subject, _, rest = pending.draft.proposal.message.partition("\n\n")
    return f"{subject}\n\nSee merge request {pending.known.project.path}!{pending.iid}\n\n{rest}"


def _may_not_merge(found: MergeRequest) -> str:
    return (
        f"the token's user may not merge into {found.target_branch}; give it the role Maintainer, or allow Developers "
        "to merge in the protected branch's settings"
    )


def _what_came_of_it(pending: Pending) -> MergeReply:
    """The merge request that GitLab was asked to merge and did not refuse to; a proxy may have answered for it."""
    for _ in polls(pending.clock, _MERGE_TIMEOUT):
        now = pending.read()
        if now.state != "opened" or now.auto_merge:
            return MergeReply(now)
    return MergeReply(now, "GitLab accepted the request, but has not merged it, and gives no reason")


def _rebased_head(pending: Pending, behind: MergeRequest, head: str) -> str | None:
    """What became of ``head`` by a rebase; None where a merge train does it, or GitLab could not in time.

    What failed before the rebase GitLab shows as ``merge_error`` until it has rebased.
    """
    gitlab, checkout, name = pending.known.gitlab, pending.attempt.target.checkout, pending.draft.proposal.branch
    if merge_request_changes.is_on_train(gitlab, pending.iid):
        return None
    before = branches.fetch(checkout, name, gitlab)
    if before.head.id != head:  # somebody has pushed: nobody has looked at that
        return None
    merge_request_changes.rebase(gitlab, pending.iid)
    for _ in polls(pending.clock, _REBASE_TIMEOUT):
        found = pending.read()
        if found.state != "opened" or found.merge_error not in (None, behind.merge_error):
            return None
        if found.sha not in (None, head):
            after = branches.fetch(checkout, name, gitlab)
            branches.require_same_change(before, after)
            return after.head.id
    return None


def wait_until_merged(pending: Pending, head: str, seconds: float, problem: str | None) -> MergeRequest:
    """The merge request as soon as it is merged; what is no person's turn is done meanwhile, the rest is named.

    ``problem`` says why GitLab will not merge it by itself although it was asked to. Raises ``NotDeployed`` where it is
    closed, its branch gets other content, or it is not merged within ``seconds``.
    """
    known, session = pending.known, pending.attempt.session
    seen: tuple[object, ...] = ()
    shown = ""
    for _ in polls(session.clock, seconds, first=0.5, longest=_MAX_PAUSE):
        found = pending.read()
        if found.target_branch != known.target_branch:
            raise NotDeployed(f"{found.url}: {_retargeted(known, found)}", "change it back, and run this again")
        if found.state == "merged":
            return found
        if found.state == "closed":
            raise _closed(found)
        state = (found.merge_status, found.sha, found.auto_merge, found.pipeline)
        if state == seen or found.merge_status in CHECKING:
            continue
        seen = state
        if shown != (reason := _waits_for(found)):
            session.show(f"waiting for !{found.iid}: it waits for {reason}")
            shown = reason
        if pending.attempt.known is not None:
            head = _help_on(pending, found, head)
    raise _not_in_time(pending, found, seconds, problem)


def _help_on(pending: Pending, found: MergeRequest, head: str) -> str:
    """Rebase it, and set auto-merge that GitLab did not take before; returns bumper's head of the branch then."""
    if found.merge_status == "need_rebase":
        head = _rebased_head(pending, found, head) or head
    if pending.attempt.auto_merge and not found.auto_merge and found.sha == head:
        _ask(pending, head)
    return head


def _closed(found: MergeRequest) -> NotDeployed:
    """By a person, or by bumper itself, which says so in the description."""
    record = read_comment(found.description)
    if record is None or record.superseded_by is None:
        return NotDeployed(f"{found.url} was closed", "reopen it there, or run this again with --reopen")
    by = f"!{record.superseded_by}" if record.superseded_by else f"what {found.target_branch} holds by now"
    return NotDeployed(f"{found.url} was closed by bumper, because {by} replaces it", "look at its last comment")


def _not_in_time(pending: Pending, found: MergeRequest, seconds: float, problem: str | None) -> NotDeployed:
    late = f"{found.url} was not merged within {seconds:g} s"
    if found.merge_status == "mergeable" and not pending.attempt.auto_merge:
        return NotDeployed(f"{late}: nobody has merged it yet", "add --auto-merge, or merge it there")
    reason = found.merge_error or problem or f"it waits for {_waits_for(found)}"
    return NotDeployed(f"{late}: {reason}", "resolve that, and run this again to keep waiting")
