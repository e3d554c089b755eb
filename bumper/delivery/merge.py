"""Merging: GitLab is asked to merge as soon as nothing stands against it, and bumper waits until it has."""

import time
from collections.abc import Callable
from dataclasses import replace

from bumper.delivery.result import Result
from bumper.errors import NotDeployed
from bumper.gitlab import merge_requests, merge_trains
from bumper.gitlab.connection import AlreadyThere, GitLab, NotMergeable, connect
from bumper.gitlab.merge_requests import MergeRequest
from bumper.settings import Settings
from bumper.values.change import outcome

# What a merge request answers while GitLab still looks at it; merging at once is then refused (405, 422).
_CHECKING = frozenset({"unchecked", "checking", "preparing", "approvals_syncing"})
_NOT_YET = _CHECKING | {"mergeable"}
_PAUSES = (0.2, 0.5, 1, 2, 4)  # seconds
_MAX_PAUSE = 5.0  # seconds between two looks
_STATUS_OF_A_REBASE = "need_rebase"


def ask_to_merge(gitlab: GitLab, iid: int, sha: str) -> tuple[MergeRequest, str | None]:
    """Set auto-merge, which merges at once where nothing is awaited; what GitLab says then, and what it waits for.

    In a project with merge trains the merge request joins the train.
    """
    set_auto_merge = merge_trains.join if merge_trains.has_trains(gitlab) else merge_requests.merge_when_ready
    for pause in _PAUSES:
        found = merge_requests.read_settled(gitlab, iid)
        if found.state != "opened" or found.auto_merge:
            break
        try:
            set_auto_merge(gitlab, iid, sha)
        except NotMergeable:
            if found.merge_status not in _NOT_YET:
                return found, f"auto-merge could not be set on !{iid}: it waits for {found.merge_status}."
            time.sleep(pause)
        except AlreadyThere:  # 409: the branch is no longer at sha, so somebody else speaks for it now
            return found, f"auto-merge was not set on !{iid}: its branch has moved on."
    found = merge_requests.read(gitlab, iid)
    if found.state == "opened" and found.auto_merge:
        return found, f"!{iid} will be merged by itself; it waits for {found.merge_status}."
    return found, None


def wait_until_merged(result: Result, settings: Settings, seconds: float | None, show: Callable[[str], None]) -> Result:
    """``result`` once its merge request is merged; at once where there is nothing to wait for.

    Raises:
        NotDeployed: it is not what runs in the end: held, superseded, closed, changed, or not merged in time.

    """
    if seconds is None or result.status in ("dry-run", "committed", "unchanged"):
        return result
    if result.status in ("held", "superseded") or result.held:
        raise NotDeployed(f"{result.environment}: the request is {result.status}, so there is nothing to wait for.")
    if result.merge_request is None:
        raise NotDeployed(f"{result.environment}: there is no merge request to wait for.")
    iid = result.merge_request.iid
    head = result.commit if result.merge_wanted else None
    merged = _wait(connect(settings), iid, head, time.monotonic() + seconds, seconds, show)
    if merged.record is not None and outcome(merged.record.changes) != outcome(result.changes):
        raise NotDeployed(f"{merged.url} was merged with other tags than this request's.")
    shown = replace(result.merge_request, state=merged.state, auto_merge=merged.auto_merge)
    return replace(result, merge_request=shown, landed=merged.merged_as or merged.sha)


def _wait(
    gitlab: GitLab, iid: int, head: str | None, deadline: float, seconds: float, show: Callable[[str], None]
) -> MergeRequest:
    """``head`` is the commit on which auto-merge is wanted; None where a person merges."""
    pause, seen, rebased = 0.5, ("", ""), ""
    while True:
        found = merge_requests.read(gitlab, iid)
        if found.state == "merged":
            return found
        if found.state == "closed":
            raise NotDeployed(f"{found.url} was closed; reopen it there, or run this again with --reopen.")
        if rebased and found.sha != rebased:  # by us: GitLab wrote the same commit anew
            head, rebased = (found.sha if head is not None else None), ""
        if (found.merge_status, found.sha) != seen:
            seen = (found.merge_status, found.sha or "")
            show(f"waiting for !{iid}: {found.merge_status}")
            rebased = _bring_on(gitlab, found, head) or rebased
        left = deadline - time.monotonic()
        if left <= 0:
            raise NotDeployed(f"{found.url} was not merged within {seconds:g} s: it waits for {found.merge_status}.")
        time.sleep(min(pause, left))
        pause = min(pause * 1.5, _MAX_PAUSE)


def _bring_on(gitlab: GitLab, found: MergeRequest, head: str | None) -> str | None:
    """Do what is no person's turn: rebase, and set auto-merge where GitLab did not take it before; the rebased head."""
    if found.merge_status == _STATUS_OF_A_REBASE:
        if merge_trains.is_queued(gitlab, found.iid):  # the train does that itself
            return None
        merge_requests.rebase(gitlab, found.iid)
        return found.sha
    if head is not None and head == found.sha and not found.auto_merge and found.merge_status not in _CHECKING:
        ask_to_merge(gitlab, found.iid, head)
    return None
