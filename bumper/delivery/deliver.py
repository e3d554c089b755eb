"""A proposal on its way: as a merge request or pushed straight to the branch, and waited for as far as is asked."""

from dataclasses import replace

from bumper.clock import Clock
from bumper.delivery.attempt import Attempt, DeliveryOptions
from bumper.delivery.by_api import Published, publish
from bumper.delivery.by_push import deliver_by_push
from bumper.delivery.merge import (
    Awaited,
    MergeReply,
    ask_to_merge,
    landed_commit,
    named_when_interrupted,
    rebased_head,
    require_content,
    wait_until_merged,
)
from bumper.delivery.other_requests import close, close_promotions_of, close_replaced, close_superseded
from bumper.delivery.result import Action, NotDone, Result, Status, overtaken_result, proposed_at, result_of
from bumper.environments.repository import Target
from bumper.errors import NotDeployed
from bumper.git.commit import push, write_commit
from bumper.gitlab import merge_requests
from bumper.planning.draft import Draft
from bumper.planning.proposal import Proposal
from bumper.progress import report_step
from bumper.records.known_requests import KnownRequests
from bumper.records.newer_pipeline import NewerPipeline, newer_of_request
from bumper.records.record import Command, make_sealer

_DEFAULT_AUTHOR = "bumper <bumper@localhost>"


def deliver(draft: Draft, attempt: Attempt) -> Result:
    """Carry the draft out, and wait for the merge where that is asked for.

    Raises:
        PushRaceLost: a branch moved on meanwhile; nothing is half done.
        NotDeployed: what was waited for is not what runs in the end.

    """
    checkout = attempt.target.checkout
    draft = replace(draft, proposal=_sealed(draft.proposal, attempt.target))
    proposal = draft.proposal
    author = attempt.target.setup.config.author or _DEFAULT_AUTHOR
    commit = write_commit(checkout, proposal.files, proposal.message, author)
    if attempt.delivery == "commit":
        report_step(f"pushing to {checkout.branch} of {checkout.settings.address.url}")
        push(checkout, commit, checkout.branch, checkout.tip)
        close_replaced(attempt, draft.plan, proposal.record.command)
        return replace(result_of(draft, Status.COMMITTED), branch=checkout.branch, commit=commit, landed=commit)
    if attempt.known is None:
        done = deliver_by_push(draft, attempt, commit)
    else:
        done = _deliver_by_api(draft, attempt, attempt.known, commit)
    return require_wait(done, attempt.options)


def _sealed(proposal: Proposal, target: Target) -> Proposal:
    """The proposal with a seal on its commit's trailers, by which a later run recognises what it wrote itself."""
    sealer = make_sealer(target.checkout.settings, proposal.target_branch)
    return replace(proposal, message=sealer.seal(proposal.message))


def require_wait(done: Result, options: DeliveryOptions) -> Result:
    """``done``, unless somebody waits for what will not come: a green job would be taken for a deployment.

    Raises:
        NotDeployed: the request is held or superseded.

    """
    if options.seconds_to_merge is not None and done.status in (Status.HELD, Status.SUPERSEDED):
        raise NotDeployed(
            f"{done.environment}: the request is {done.status}, so there is nothing to wait for",
            " ".join(done.warnings) or "remove the hold with bumper unhold, or run this without --wait",
        )
    return done


def _deliver_by_api(draft: Draft, attempt: Attempt, known: KnownRequests, commit: str) -> Result:
    """As GitLab's API has it: the merge request opened or updated, those that it supersedes closed, merged."""
    target, options = attempt.target, attempt.options
    draft = draft.on_branch(known.branch_of(draft.proposal.branch))
    proposal, record = draft.proposal, draft.proposal.record
    report_step(f"proposing {proposal.branch} over the API of {target.checkout.settings.address.gitlab_url}")
    people = merge_requests.find_people(known.gitlab, attempt.people)
    published = publish(attempt, known, proposal, commit, people)
    if isinstance(published, NewerPipeline):
        return overtaken_result(draft, published)
    one, warnings = published.merge_request, _explain_missing_people(published, attempt, people.unknown)
    others = [other for other in known.opened_now() if other.iid != one.iid]
    newer = None if options.allow_older else newer_of_request(target, known, others, record)
    if newer is not None and newer.merge_request is not None:
        by = newer.merge_request.iid
        close(known, one, f"!{by} is of a newer pipeline ({newer.pipeline.id})", by)
        return overtaken_result(draft, newer)
    close_superseded(known, target, draft.plan, record.command, others, one)
    if record.command == Command.ROLLBACK and published.action is not Action.UNCHANGED:
        close_promotions_of(known, target, draft.plan.changes, one)
    done = replace(
        result_of(draft, Status.PROPOSED), branch=proposal.branch, commit=published.commit,
        warnings=(*draft.plan.warnings, *warnings), merge_request=proposed_at(one, published.action),
    )  # fmt: skip
    try:
        return _see_it_merged(done, published, draft, attempt, known)
    except NotDeployed as error:
        raise NotDone(error.what, error.next_step, done) from error


def _see_it_merged(
    done: Result, published: Published, draft: Draft, attempt: Attempt, known: KnownRequests
) -> Result:  # fmt: skip
    """Ask GitLab to merge and wait for it, each as far as it is wanted; the result says what is true then."""
    target, session, seconds = attempt.target, attempt.session, attempt.options.seconds_to_merge
    one, head, message, asked = published.merge_request, published.commit, draft.proposal.message, None
    began = session.elapsed()
    if attempt.auto_merge:
        if seconds is not None and one.state == "opened":
            session.show(f"asking GitLab to merge !{one.iid}: {one.url}")
        with named_when_interrupted(one.iid, one.url, session.show):
            asked, head = _ask_to_merge(known, target, draft.proposal, one.iid, head, session.clock)
        one = asked.merge_request
    if seconds is not None and one.state != "merged":
        if draft.plan.held:
            raise NotDeployed(
                f"{done.environment}: part of the request is held, so not all of it will run",
                "remove the hold with bumper unhold, or leave the application out with --app",
            )
        problem = asked.problem if asked is not None else None
        awaited = Awaited(one.iid, draft.proposal.branch, head, message, attempt.auto_merge, problem)
        one = wait_until_merged(known, target, awaited, seconds, session)
    done = replace(done, merge_request=proposed_at(one, published.action))
    if one.state != "merged":
        warnings = [asked.warning] if asked is not None and asked.warning is not None else []
        return replace(done, warnings=(*done.warnings, *warnings))
    waited = session.elapsed() - began if seconds is not None else None
    landed = landed_commit(target, one, message)
    if seconds is not None or one.sha != head:
        require_content(target, landed, draft.plan.changes, one.url)
    return replace(done, status=Status.MERGED, landed=landed, waited=waited)


def _ask_to_merge(
    known: KnownRequests, target: Target, proposal: Proposal, iid: int, head: str, clock: Clock
) -> tuple[MergeReply, str]:
    """GitLab's reply and the branch's head then: a branch behind is rebased, which shows once GitLab has checked it."""
    files, message = target.checkout.entries, proposal.message
    asked = ask_to_merge(known, iid, head, message, files, clock)
    if asked.problem is not None and asked.merge_request.merge_status == "need_rebase":
        rebased = rebased_head(known, target, proposal.branch, iid, head, clock)
        if rebased is not None:
            return ask_to_merge(known, iid, rebased, message, files, clock), rebased
    return asked, head


def _explain_missing_people(published: Published, attempt: Attempt, unknown: tuple[str, ...]) -> list[str]:
    """Whom the merge request does not ask although they are named, because GitLab or a person left them out."""
    one = published.merge_request
    warnings = [f"GitLab knows no user {name!r}, so nobody of that name was asked." for name in unknown]
    if published.action is Action.OPENED:
        missing = [name for name in attempt.people.reviewers if name not in {*one.reviewers, *unknown}]
        names, why = (
            ", ".join(missing),
            "its Free tier keeps one reviewer, and only adds people who may see the project",
        )
        left_out = f"GitLab did not add {names} as reviewer of !{one.iid} ({why}); ask them yourself."
    else:
        asked = attempt.options.people
        missing = [name for name in asked.reviewers if name not in {*one.reviewers, *unknown}]
        missing += [name for name in asked.assignees if name not in {*one.assignees, *unknown}]
        names = ", ".join(dict.fromkeys(missing))
        left_out = f"not added to !{one.iid}, which was open already: {names}; ask them there."
    return [*warnings, left_out] if missing else warnings
