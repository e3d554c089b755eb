"""Delivers a proposal: as a merge request or straight to the branch; waits for the merge if somebody asks for that."""

import contextlib
from collections.abc import Iterable
from dataclasses import replace

from bumper.delivery.attempt import Attempt, DeliveryOptions
from bumper.delivery.by_api import propose_by_api
from bumper.delivery.by_push import propose_by_push
from bumper.delivery.merge import MergeReply, ask_to_merge, wait_until_merged
from bumper.delivery.other_requests import close_replaced
from bumper.delivery.result import NotDone, Pending, Result, Status, result_of
from bumper.environments.gather import pins_of_version
from bumper.environments.repository import Target
from bumper.errors import NotDeployed, Unavailable
from bumper.git.checkout import at_commit, read_files, refreshed
from bumper.git.commit import push, write_commit
from bumper.git.past_commits import fetch_commits, newest_commits
from bumper.gitlab.merge_requests import MergeRequest
from bumper.log import report_step
from bumper.planning.proposal import Draft
from bumper.records.record import COMMAND_TRAILER, make_sealer
from bumper.values.change import Change
from bumper.values.pin import Version, format_path

_DEFAULT_AUTHOR = "bumper <bumper@localhost>"


def deliver(draft: Draft, attempt: Attempt) -> Result:
    """Carry the draft out, and wait for the merge where that is asked for.

    Raises ``PushRaceLost`` where a branch moved on meanwhile: nothing is half done; and ``NotDeployed`` where what was
    waited for is not what runs in the end.
    """
    checkout, proposal = attempt.target.checkout, draft.proposal
    # The seal on the commit's trailers is how a later run recognises what it wrote itself.
    message = make_sealer(checkout.settings, proposal.target_branch).seal(proposal.message)
    draft = replace(draft, proposal=replace(proposal, message=message))
    author = attempt.target.setup.config.author or _DEFAULT_AUTHOR
    commit = write_commit(checkout, proposal.files, message, author)
    if attempt.delivery == "commit":
        report_step(f"pushing to {checkout.branch} of {checkout.settings.address.url}")
        push(checkout, commit, checkout.branch, checkout.tip)
        close_replaced(attempt, draft.plan, proposal.record.command)
        return replace(result_of(draft, Status.COMMITTED), branch=checkout.branch, commit=commit, landed=commit)
    if attempt.known is None:
        proposed = propose_by_push(draft, attempt, commit)
    else:
        proposed = propose_by_api(draft, attempt, attempt.known, commit)
    done = _see_it_merged(proposed) if isinstance(proposed, Pending) else proposed
    return require_wait(done, attempt.options)


def require_wait(done: Result, options: DeliveryOptions) -> Result:
    """``done``, unless somebody waits for what will not come: a green job would be taken for a deployment.

    Raises ``NotDeployed`` where the request is held or superseded.
    """
    if options.seconds_to_merge is not None and done.status in (Status.HELD, Status.SUPERSEDED):
        raise NotDeployed(
            f"{done.environment}: the request is {done.status}, so there is nothing to wait for",
            " ".join(done.warnings) or "remove the hold with bumper unhold, or run this without --wait",
        )
    return done


def _see_it_merged(pending: Pending) -> Result:
    """The result after asking GitLab to merge and waiting for the merge, where either is wanted."""
    target, session, seconds = pending.attempt.target, pending.attempt.session, pending.attempt.options.seconds_to_merge
    began = session.elapsed()
    try:
        reply, head = _ask_and_wait(pending, seconds)
        if reply is None:
            return pending.done
        waited = session.elapsed() - began if seconds is not None else None
        one = reply.merge_request
        done = pending.done_with(one)
        if one.state != "merged":
            return replace(done, warnings=(*done.warnings, *reply.warnings))
        landed = _landed_commit(target, one, pending.draft.proposal.message)
        is_in_doubt = seconds is not None or one.sha != head
        other = other_content(target, landed, pending.draft.plan.changes) if is_in_doubt else None
    except (NotDeployed, Unavailable) as error:
        done = pending.done
        with contextlib.suppress(Unavailable):
            done = pending.done_with(pending.read())
        raise NotDone(error.what, error.next_step, done, error.exit_code) from error
    if other is not None:
        what = f"{one.url} was merged with other content than this request's: {other}"
        raise NotDone(what, "look at its commits", done)
    return replace(done, status=Status.MERGED, landed=landed, waited=waited)


def _ask_and_wait(pending: Pending, seconds: float | None) -> tuple[MergeReply | None, str]:
    """GitLab's last word on the merge request, None where it was asked nothing; and the branch's head then."""
    attempt, show, head = pending.attempt, pending.attempt.session.show, pending.head
    reply: MergeReply | None = None
    try:
        if attempt.auto_merge and attempt.known is not None:
            if seconds is not None:
                show(f"asking GitLab to merge !{pending.iid}: {pending.shown.url}")
            reply, head = ask_to_merge(pending, head)
        if seconds is None or (reply is not None and reply.merge_request.state == "merged"):
            return reply, head
        if pending.draft.plan.held:
            raise NotDeployed(
                f"{pending.done.environment}: part of the request is held, so not all of it will run",
                "remove the hold with bumper unhold, or leave the application out with --app",
            )
        problem = reply.problem if reply is not None else None
        why = f"; GitLab will not merge it by itself: {problem}" if problem is not None else ""
        show(f"waiting up to {seconds:g} s for {pending.shown.url}{why}")
        return MergeReply(wait_until_merged(pending, head, seconds, problem)), head
    except KeyboardInterrupt:
        show(f"!{pending.iid} stays open: {pending.shown.url}")
        raise


def _landed_commit(target: Target, merged: MergeRequest, message: str) -> str:
    """The target branch's commit that a merged merge request made of a commit with ``message``.

    By the merge method it is a merge commit, a squash commit or the branch's own; where GitLab rebases before it
    merges, that has become another, which only its trailers tell.
    """
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


def other_content(target: Target, commit: str, changes: Iterable[Change]) -> str | None:
    """Which pin is not at ``commit`` as ``changes`` asked for it; None where all are.

    The files count, not what a description says of them. Where the values have no digest, the tag alone is compared.
    """
    fetch_commits(target.checkout, [commit])
    landed = at_commit(target.checkout, commit)
    contents = read_files(landed, {change.file for change in changes if change.file in landed.entries})
    for change in changes:
        content = contents.get(change.file, b"")
        pins = pins_of_version(target.environment, target.setup.config, change.file, content, target.gathered.values)
        held = [one.pin for one in pins if format_path(one.pin.path) == change.path]
        versions = {pin.version for pin in held}
        versions |= {Version(pin.tag, change.after.digest) for pin in held if pin.digest is None}
        if change.after not in versions:
            return f"{change.file}: {change.path} is not at {change.after}"
    return None
