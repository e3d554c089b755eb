"""Merging: GitLab is asked to merge now, or by itself as soon as all checks pass; a branch behind is rebased before.

Auto-merge needs something to wait for. With nothing awaited GitLab answers it with 405 (gitlab-org/gitlab issues 217710
and 355455), and merging at once is what was meant. Whether something is awaited shows late: a pipeline appears seconds
after the push, the merge request learns of the new head in the background, and is checked after it was first looked at.
"""

import contextlib
from collections.abc import Collection
from dataclasses import dataclass

from bumper.clock import Clock, polls
from bumper.delivery import branch as branches
from bumper.environments.repository import Target
from bumper.errors import Unavailable
from bumper.gitlab import merge_request_changes, merge_requests, merge_trains
from bumper.gitlab.connection import AlreadyThere, NotMergeable, Unauthorized
from bumper.gitlab.merge_request_changes import MergeMessages
from bumper.gitlab.merge_requests import CHECKING, MergeRequest
from bumper.gitlab.project import ProjectSettings
from bumper.records.known_requests import KnownRequests

_HEAD_TIMEOUT = 60.0  # seconds for the merge request to show the pushed commit
_PIPELINE_TIMEOUT = 30.0  # seconds for a pipeline to appear; 20 have been seen (gitlab-org/gitlab issue 353984)
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
_REBASE_TIMEOUT = 30.0  # seconds
_MERGE_TIMEOUT = 10.0  # seconds for a merge that GitLab has agreed to


@dataclass(frozen=True, slots=True)
class MergeReply:
    """The merge request after it was asked to merge; ``problem`` says why it will not merge by itself."""

    merge_request: MergeRequest
    problem: str | None = None

    @property
    def warning(self) -> str | None:
        """What to add to a result that is not merged: what is awaited, or why auto-merge could not be set."""
        one = self.merge_request
        if self.problem is not None:
            return f"auto-merge could not be set on !{one.iid}: {self.problem}."
        if one.state == "opened" and one.auto_merge:
            return f"!{one.iid} will be merged by GitLab; it waits for {waits_for(one)}."
        return None


def waits_for(one: MergeRequest) -> str:
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


def retargeted(known: KnownRequests, found: MergeRequest) -> str:
    """What to say of a merge request that somebody has given another target branch: bumper does not merge it there."""
    return f"somebody has changed its target branch from {known.target_branch} to {found.target_branch}"


def merge_messages(project: ProjectSettings, iid: int, message: str) -> MergeMessages:
    """The messages of the commits that merging makes, so that the trailers of ``message`` survive each merge method.

    Push rules on commit messages hold for these commits, too; "See merge request" is how GitLab's own default ends.
    """
    subject, _, rest = message.partition("\n\n")
    merged = f"{subject}\n\nSee merge request {project.path}!{iid}\n\n{rest}"
    return MergeMessages(project.squashes, merged, merged)


def ask_to_merge(
    known: KnownRequests, iid: int, head: str, message: str, files: Collection[str], clock: Clock
) -> MergeReply:
    """Merge the merge request whose branch is at ``head``, or have GitLab merge it as soon as all checks pass.

    ``message`` is the proposal's commit message, ``files`` are the paths of the branch's files: a project without a CI
    file has no pipeline to wait for. In a project with merge trains the merge request joins the train.
    """
    found = merge_requests.read_at_head(known.gitlab, iid, head, clock, _HEAD_TIMEOUT)
    if found is None:
        late = merge_requests.read(known.gitlab, iid)
        return MergeReply(late, f"it does not show the pushed commit {head[:12]} yet; run this again in a minute")
    if found.state == "opened" and found.sha != head:
        return MergeReply(found, "its branch has moved on")
    messages = merge_messages(known.project, iid, message)
    return _ask_until_taken(known, found, head, messages, clock, awaited=known.project.runs_pipelines(files))


def _ask_until_taken(
    known: KnownRequests, found: MergeRequest, head: str, messages: MergeMessages, clock: Clock, *, awaited: bool
) -> MergeReply:
    for left in polls(clock, _PIPELINE_TIMEOUT if awaited else _HEAD_TIMEOUT / 2):
        found = merge_requests.read_settled(known.gitlab, found.iid, clock)
        if found.target_branch != known.target_branch:
            return MergeReply(found, retargeted(known, found))
        if found.state != "opened" or found.auto_merge:
            return MergeReply(found, "somebody has closed it" if found.state == "closed" else None)
        if found.can_merge is False:
            return MergeReply(found, _may_not_merge(found))
        # Asked to merge at once, GitLab passes over a pipeline that failed, unless the project requires it.
        when_ready = found.pipeline in _UNDER_WAY | _FAILED or found.merge_status != "mergeable"
        appears_yet = not found.pipeline and (awaited or found.merge_status in _PASSING)
        if left > 0 and (appears_yet or found.merge_status in CHECKING):
            continue  # the pipeline that is awaited has not appeared yet, or GitLab still checks
        problem = _ask_once(known, found, head, messages, when_ready=when_ready)
        if problem is None:
            return _what_came_of_it(known, found.iid, clock)
        if problem and (left <= 0 or found.merge_status not in {"mergeable", *_PASSING}):
            return MergeReply(merge_requests.read(known.gitlab, found.iid), problem)
    return MergeReply(merge_requests.read(known.gitlab, found.iid), f"GitLab still says {found.merge_status}")


def _what_came_of_it(known: KnownRequests, iid: int, clock: Clock) -> MergeReply:
    """The merge request that GitLab was asked to merge and did not refuse to; a proxy may have answered for it."""
    for _ in polls(clock, _MERGE_TIMEOUT):
        now = merge_requests.read(known.gitlab, iid)
        if now.state != "opened" or now.auto_merge:
            return MergeReply(now)
    return MergeReply(now, "GitLab accepted the request, but has not merged it, and gives no reason")


def _ask_once(
    known: KnownRequests, found: MergeRequest, head: str, messages: MergeMessages, *, when_ready: bool
) -> str | None:
    """None where GitLab took it, else why not; empty where that passes: the head is the old one, or it merges."""
    gitlab, iid = known.gitlab, found.iid
    try:
        if known.project.has_trains:
            merge_trains.join(gitlab, iid, head, squash=messages.squash)
        else:
            merge_request_changes.merge(gitlab, iid, head, messages, when_ready=when_ready)
    except Unauthorized:
        return _may_not_merge(found)
    except AlreadyThere:  # 409: another head than the one asked for
        now = merge_requests.read(gitlab, iid)
        return "" if now.sha == head else "its branch has moved on"
    except NotMergeable as refusal:
        now = merge_requests.read(gitlab, iid)
        if now.state == "merged" or now.auto_merge:
            return None
        return now.merge_error or f"it waits for {waits_for(now)} ({refusal.what})"
    except Unavailable:  # GitLab may have merged all the same: a rollback that is made again would go back further
        now = merge_requests.read(gitlab, iid)
        if now.merge_status == "merging":
            return ""
        if now.state == "opened" and not now.auto_merge:
            raise
    return None


def _may_not_merge(found: MergeRequest) -> str:
    return (
        f"the token's user may not merge into {found.target_branch}; give it the role Maintainer, or allow Developers "
        "to merge in the protected branch's settings"
    )


def rebased_head(
    known: KnownRequests, target: Target, branch: str, iid: int, head: str, clock: Clock
) -> str | None:  # fmt: skip
    """What became of the branch's ``head`` by a rebase; None where a merge train does it, or GitLab could not in time.

    Raises:
        NotDeployed: somebody pushed something else in the meantime.

    """
    if merge_trains.is_queued(known.gitlab, iid):
        return None
    before = branches.fetch(target.checkout, branch, known.gitlab)
    if before.head.id != head:  # somebody has pushed: nobody has looked at that
        return None
    with contextlib.suppress(AlreadyThere):  # 409: one is under way, and ends like this one
        merge_request_changes.rebase(known.gitlab, iid)
    for _ in polls(clock, _REBASE_TIMEOUT):
        found = merge_requests.read(known.gitlab, iid)
        if found.state != "opened" or found.merge_error is not None:
            return None
        if found.sha not in (None, before.head.id):
            after = branches.fetch(target.checkout, branch, known.gitlab)
            branches.require_same_change(target.checkout, before, after)
            return after.head.id
    return None
