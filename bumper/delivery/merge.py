"""Merging: GitLab is asked to merge now, or by itself as soon as all checks pass; a branch behind is rebased before.

Auto-merge needs something to wait for. With nothing awaited GitLab answers it with 405 (gitlab-org/gitlab issues 217710
and 355455), and merging at once is what was meant. Whether something is awaited shows late: a pipeline appears seconds
after the push, the merge request learns of the new head in the background, and is checked after it was first looked at.
"""

import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass

from bumper.clock import Clock, polls
from bumper.delivery import branch as branches
from bumper.delivery.attempt import Session
from bumper.environments.gather import pins_of_version
from bumper.environments.repository import Target
from bumper.errors import NotDeployed, Unavailable
from bumper.git.checkout import at_commit, read_files, refreshed
from bumper.git.past_commits import fetch_commits, newest_commits
from bumper.gitlab import merge_requests
from bumper.gitlab.connection import AlreadyThere, NotMergeable, Unauthorized
from bumper.gitlab.merge_requests import CHECKING, MergeMessages, MergeRequest
from bumper.gitlab.project import ProjectSettings
from bumper.records.known_requests import KnownRequests
from bumper.records.record import COMMAND_TRAILER, read_comment
from bumper.values.change import Change
from bumper.values.pin import Version, format_path

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
            merge_requests.join_train(gitlab, iid, head, squash=messages.squash)
        else:
            merge_requests.merge(gitlab, iid, head, messages, when_ready=when_ready)
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
    if merge_requests.is_on_train(known.gitlab, iid):
        return None
    before = branches.fetch(target.checkout, branch, known.gitlab)
    if before.head.id != head:  # somebody has pushed: nobody has looked at that
        return None
    with contextlib.suppress(AlreadyThere):  # 409: one is under way, and ends like this one
        merge_requests.rebase(known.gitlab, iid)
    for _ in polls(clock, _REBASE_TIMEOUT):
        found = merge_requests.read(known.gitlab, iid)
        if found.state != "opened" or found.merge_error is not None:
            return None
        if found.sha not in (None, before.head.id):
            after = branches.fetch(target.checkout, branch, known.gitlab)
            branches.require_same_change(target.checkout, before, after)
            return after.head.id
    return None


_MAX_PAUSE = 5.0  # seconds between two looks


@dataclass(frozen=True, slots=True)
class Awaited:
    """A merge request to wait for; ``auto_merge`` where bumper itself sees to the merge, and not a person."""

    iid: int
    branch: str
    head: str
    message: str
    auto_merge: bool
    problem: str | None = None  # why GitLab will not merge by itself although it was asked to
    may_write: bool = True  # a job's token only reads merge requests


def wait_until_merged(
    known: KnownRequests, target: Target, awaited: Awaited, seconds: float, session: Session
) -> MergeRequest:
    """The merge request as soon as it is merged.

    Raises:
        NotDeployed: it was closed, its branch got other content, or it was not merged within ``seconds``.

    """
    show, waiting = session.show, _Waiting(known, target, awaited, session)
    found = merge_requests.read(known.gitlab, awaited.iid)
    problem = f"; GitLab will not merge it by itself: {awaited.problem}" if awaited.problem is not None else ""
    with named_when_interrupted(found.iid, found.url, show):
        show(f"waiting up to {seconds:g} s for {found.url}{problem}")
        for _ in polls(session.clock, seconds, first=0.5, longest=_MAX_PAUSE):
            found = merge_requests.read(known.gitlab, awaited.iid)
            if found.target_branch != known.target_branch:
                raise NotDeployed(f"{found.url}: {retargeted(known, found)}", "change it back, and run this again")
            if found.state == "merged":
                return found
            if found.state == "closed":
                raise _closed(found)
            waiting.look_at(found)
    raise _not_in_time(found, awaited, seconds)


@contextlib.contextmanager
def named_when_interrupted(iid: int, url: str, show: Callable[[str], None]) -> Iterator[None]:
    """Whoever interrupts the waiting is shown what is left behind."""
    try:
        yield
    except KeyboardInterrupt:
        show(f"!{iid} stays open: {url}")
        raise


def _closed(found: MergeRequest) -> NotDeployed:
    """By a person, or by bumper itself, which says so in the description."""
    record = read_comment(found.description)
    if record is None or record.superseded_by is None:
        return NotDeployed(f"{found.url} was closed", "reopen it there, or run this again with --reopen")
    by = f"!{record.superseded_by}" if record.superseded_by else f"what {found.target_branch} holds by now"
    return NotDeployed(f"{found.url} was closed by bumper, because {by} replaces it", "look at its last comment")


def _not_in_time(found: MergeRequest, awaited: Awaited, seconds: float) -> NotDeployed:
    if found.merge_status == "mergeable" and not awaited.auto_merge:
        return NotDeployed(
            f"{found.url} was not merged within {seconds:g} s: nobody has merged it yet",
            "add --auto-merge, or merge it there",
        )
    reason = found.merge_error or awaited.problem or f"it waits for {waits_for(found)}"
    return NotDeployed(
        f"{found.url} was not merged within {seconds:g} s: {reason}", "resolve that, and run this again to keep waiting"
    )


class _Waiting:
    """What is remembered from one look to the next: the state that was shown, the head that is bumper's."""

    def __init__(self, known: KnownRequests, target: Target, awaited: Awaited, session: Session) -> None:
        self._known, self._target, self._awaited, self._session = known, target, awaited, session
        self._head = awaited.head
        self._seen: tuple[object, ...] = ()
        self._shown = ""

    def look_at(self, found: MergeRequest) -> None:
        """Show a new state, and do what is no person's turn: rebase, and set auto-merge that GitLab did not take."""
        state = (found.merge_status, found.sha, found.auto_merge, found.pipeline)
        if state == self._seen or found.merge_status in CHECKING:
            return
        self._seen = state
        if self._shown != (reason := waits_for(found)):
            self._session.show(f"waiting for !{found.iid}: it waits for {reason}")
            self._shown = reason
        if not self._awaited.may_write:
            return
        if found.merge_status == "need_rebase":
            branch, iid = self._awaited.branch, found.iid
            head = rebased_head(self._known, self._target, branch, iid, self._head, self._session.clock)
            self._head = head or self._head
        if self._awaited.auto_merge and not found.auto_merge and found.sha == self._head:
            files = self._target.checkout.entries
            ask_to_merge(self._known, found.iid, self._head, self._awaited.message, files, self._session.clock)


def landed_commit(target: Target, merged: MergeRequest, message: str) -> str:
    """The target branch's commit that a merged merge request made of a commit with ``message``."""
    if merged.merged_as is not None:
        return merged.merged_as
    now = refreshed(target.checkout)
    commits = newest_commits(now)
    if merged.sha in {commit.id for commit in commits}:
        return str(merged.sha)
    wanted = _trailers(message)
    return next((commit.id for commit in commits if _trailers(commit.message) == wanted), now.tip)


def _trailers(message: str) -> list[str]:
    last = message.rstrip("\n").rpartition("\n\n")[2].splitlines()
    return last if any(line.startswith(f"{COMMAND_TRAILER}: ") for line in last) else [message]


def require_content(target: Target, commit: str, changes: Iterable[Change], url: str) -> None:
    """Check that ``commit`` holds what ``changes`` asked for: the files count, not what a description says of them.

    Raises:
        NotDeployed: it holds something else.

    """
    fetch_commits(target.checkout, [commit])
    landed = at_commit(target.checkout, commit)
    wanted = list(changes)
    contents = read_files(landed, {change.file for change in wanted if change.file in landed.entries})
    for change in wanted:
        if change.file not in contents or change.after not in _held(target, change, contents[change.file]):
            raise NotDeployed(
                f"{url} was merged with other content than this request's: {change.file}: {change.path} is not at "
                f"{change.after}",
                "look at its commits",
            )


def _held(target: Target, change: Change, content: bytes) -> set[Version]:
    """What the pin at the change's place holds in a version of its file; without a digest, with any."""
    pins = pins_of_version(target.environment, target.setup.config, change.file, content, target.gathered.values)
    found = [one.pin for one in pins if format_path(one.pin.path) == change.path]
    held = {pin.version for pin in found}
    return held | {Version(pin.tag, change.after.digest) for pin in found if pin.digest is None}
