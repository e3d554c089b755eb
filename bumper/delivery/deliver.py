"""A proposal on its way: as a merge request or pushed straight to the branch, and waited for as far as is asked."""

import random
from collections.abc import Callable
from dataclasses import replace

from bumper.clock import Clock
from bumper.delivery import by_api
from bumper.delivery.by_push import publish_by_push
from bumper.delivery.landed import landed_commit, require_content
from bumper.delivery.merge import Asked, ask_to_merge
from bumper.delivery.options import DeliveryOptions, people_for, wants_auto_merge
from bumper.delivery.result import Action, ProposedAt, Result, Status
from bumper.delivery.session import Session
from bumper.delivery.supersede import Coverage, close, close_promotions_of, close_superseded
from bumper.delivery.superseded import superseded_result
from bumper.delivery.wait import Awaited, wait_until_merged
from bumper.environments.config_models import Delivery
from bumper.environments.repository import Target
from bumper.errors import NotDeployed, Refused, Unavailable
from bumper.git.checkout import Checkout, refreshed
from bumper.git.commit import write_commit
from bumper.git.failures import PushRaceLost
from bumper.git.push import push
from bumper.gitlab import merge_request_changes
from bumper.gitlab.merge_requests import MergeRequest
from bumper.planning.bump import Plan
from bumper.planning.draft import Draft
from bumper.planning.expected_images import Rollout
from bumper.planning.proposal import Request, readable
from bumper.progress import report_step
from bumper.records.known_requests import KnownRequests
from bumper.records.order import NewerPipeline, newer_of_request
from bumper.records.record import Command

_DEFAULT_AUTHOR = "bumper <bumper@localhost>"
_MAX_TRIES = 30
_PAUSE = 0.3  # seconds, longer by as much after each loss: the more rivals, the wider they spread
_MAX_PAUSE = 3.0


def remake_after_lost_push(checkout: Checkout, attempt: Callable[[Checkout], Result], clock: Clock) -> Result:
    """Do the job, and do it again from the new tip for as long as others push first, within bounds."""
    for number in range(_MAX_TRIES):
        try:
            return attempt(checkout if number == 0 else refreshed(checkout))
        except PushRaceLost:
            # Jitter keeps many pipelines that start at one moment from meeting again and again.
            clock.sleep(random.uniform(0, min(_MAX_PAUSE, _PAUSE * (number + 1))))  # noqa: S311 - no secret
    raise Unavailable(
        f"{checkout.settings.address.url} was changed by others {_MAX_TRIES} times while this was made", "try again"
    )


def dry_run_result(draft: Draft, delivery: Delivery) -> Result:
    """What ``--dry-run`` prints: the diff, and the merge request or the commit as it would be."""
    proposal = draft.proposal
    preview = readable(proposal) if delivery == "merge-request" else proposal.message
    branch = proposal.branch if delivery == "merge-request" else proposal.target_branch
    return replace(_result(draft, Status.DRY_RUN), branch=branch, preview=preview)


def _result(draft: Draft, status: Status) -> Result:
    record, plan = draft.proposal.record, draft.plan
    return Result(
        record.command, record.environment, status, (*plan.changes, *plan.along), plan.held, plan.warnings,
        diff=draft.diff,
    )  # fmt: skip


def deliver(
    draft: Draft, target: Target, delivery: Delivery, options: DeliveryOptions, session: Session,
    known: KnownRequests | None,
) -> Result:  # fmt: skip
    """Carry the draft out, and wait for the merge where that is asked for.

    Raises:
        PushRaceLost: a branch moved on meanwhile; nothing is half done.
        NotDeployed: what was waited for is not what runs in the end.

    """
    checkout, proposal = target.checkout, draft.proposal
    if options.wait_deployed is not None:
        from bumper.delivery.rollout import check_rollout  # with Argo CD's client

        check_rollout(draft.rollout, target.environment.name, session)
    author = target.setup.config.author or _DEFAULT_AUTHOR
    commit = write_commit(checkout, proposal.files, proposal.message, author)
    if delivery == "commit":
        report_step(f"pushing to {checkout.branch} of {checkout.settings.address.url}")
        push(checkout, commit, checkout.branch, checkout.tip)
        close_replaced(target, draft.plan, proposal.record.command, known)
        done = replace(_result(draft, Status.COMMITTED), branch=checkout.branch, commit=commit, landed=commit)
    elif known is None:
        done = _deliver_by_push(draft, target, options, commit)
    else:
        done = _deliver_by_api(draft, target, options, commit, session, known)
    return done


def require_wait(done: Result, options: DeliveryOptions) -> Result:
    """``done``, unless somebody waits for what will not come: a green job would be taken for a deployment.

    Raises:
        NotDeployed: the request is held or superseded.

    """
    if options.seconds_to_merge is not None and done.status in (Status.HELD, Status.SUPERSEDED):
        raise NotDeployed(
            f"{done.environment}: the request is {done.status}, so there is nothing to wait for",
            " ".join(done.warnings) or "remove the hold by bumper unhold, or run this without --wait",
        )
    return done


def wait_for_rollout(done: Result, rollout: Rollout | None, options: DeliveryOptions, session: Session) -> Result:
    """``done`` once Argo CD runs it and reports it healthy, where that is waited for.

    Raises:
        NotDeployed: it degraded, its sync failed, or it took too long.

    """
    if options.wait_deployed is not None and done.landed is not None:
        from bumper.delivery.rollout import wait_until_deployed  # with Argo CD's client

        wait_until_deployed(rollout, done.environment, done.landed, options.wait_deployed, session)
    return done


def _deliver_by_api(
    draft: Draft, target: Target, options: DeliveryOptions, commit: str, session: Session, known: KnownRequests
) -> Result:
    """As GitLab's API has it: the merge request opened or updated, those that it supersedes closed, merged."""
    proposal, record = draft.proposal, draft.proposal.record
    report_step(f"proposing {proposal.branch} over the API of {target.checkout.settings.address.gitlab_url}")
    people = merge_request_changes.find_people(known.gitlab, people_for(target.environment, options))
    warnings = [f"GitLab knows no user {name!r}; nobody was asked in that name." for name in people.unknown]
    published = by_api.publish(known, target, proposal, commit, people, options, session.clock)
    if isinstance(published, NewerPipeline):
        return superseded_result(draft, [published])
    one = published.merge_request
    warnings += _dropped(one, people_for(target.environment, options).reviewers, people.unknown)
    opened = known.opened_now()
    others = [other for other in opened if other.iid != one.iid]
    newer = None if options.allow_older else newer_of_request(target, known, others, record)
    if newer is not None and newer.merge_request is not None:
        by = newer.merge_request.iid
        close(known, one, f"!{by} is of a newer pipeline ({newer.pipeline.id})", by)
        return superseded_result(draft, [newer])
    close_superseded(known, target, _coverage(draft.plan, record.command), one, others)
    if record.command == Command.ROLLBACK and published.action is not Action.UNCHANGED:
        close_promotions_of(known, target, draft.plan.changes, one)
    done = replace(
        _result(draft, Status.PROPOSED), branch=proposal.branch, commit=published.commit,
        warnings=(*draft.plan.warnings, *warnings), merge_request=_shown(one, published.action),
    )  # fmt: skip
    return _see_it_merged(done, one, draft, target, options, session, known)


def _see_it_merged(
    done: Result, one: MergeRequest, draft: Draft, target: Target, options: DeliveryOptions, session: Session,
    known: KnownRequests,
) -> Result:  # fmt: skip
    """Ask GitLab to merge and wait for it, each as far as it is wanted; the result says what is true then."""
    auto_merge, seconds = wants_auto_merge(target.environment, options), options.seconds_to_merge
    head, message, problem = str(done.commit), draft.proposal.message, None
    if auto_merge:
        files = {*target.checkout.entries}
        asked = ask_to_merge(known, one.iid, head, message, files, session.clock)
        one, problem = asked.merge_request, asked.problem
        done = _after_asking(done, asked, waits=seconds is not None)
    if seconds is not None and one.state != "merged":
        if draft.plan.held:
            raise NotDeployed(
                f"{done.environment}: a part of the request is held, so it will not run as a whole",
                "remove the hold by bumper unhold, or leave the application out by --app",
            )
        awaited = Awaited(one.iid, draft.proposal.branch, head, message, auto_merge, problem)
        one = wait_until_merged(known, target, awaited, seconds, session.clock, session.show)
    if one.state != "merged":
        return done
    landed = landed_commit(target, one, message)
    if seconds is not None:
        require_content(target, landed, draft.plan.changes, one.url)
    shown = _shown(one, done.merge_request.action if done.merge_request is not None else Action.UNCHANGED)
    return replace(done, status=Status.MERGED, merge_request=shown, landed=landed)


def _after_asking(done: Result, asked: Asked, *, waits: bool) -> Result:
    action = done.merge_request.action if done.merge_request is not None else Action.UNCHANGED
    warning = asked.warning if asked.problem is not None or not waits else None
    warnings = (*done.warnings, *([warning] if warning is not None else []))
    return replace(done, merge_request=_shown(asked.merge_request, action), warnings=warnings)


def _shown(one: MergeRequest, action: Action) -> ProposedAt:
    return ProposedAt(one.iid, one.url, one.state, action, one.auto_merge)


def _dropped(one: MergeRequest, reviewers: tuple[str, ...], unknown: tuple[str, ...]) -> list[str]:
    """The reviewers that GitLab left out without a word: Free keeps one, and only who may read the project."""
    missing = [name for name in reviewers if name not in {*one.reviewers, *unknown}]
    if not missing:
        return []
    why = "its Free tier keeps one reviewer, and only people who may see the project are taken"
    return [f"GitLab did not take {', '.join(missing)} as reviewer of !{one.iid} ({why}); ask them yourself."]


def _deliver_by_push(draft: Draft, target: Target, options: DeliveryOptions, commit: str) -> Result:
    """Without GitLab's API; what only that can do is named in warnings."""
    if options.seconds_to_merge is not None:
        raise Refused(
            "--wait needs GitLab's API",
            "set BUMPER_TOKEN to a token with the scopes api and write_repository, or leave --wait out",
        )
    report_step(f"pushing {draft.proposal.branch}, with options by which GitLab makes the merge request")
    auto_merge, people = wants_auto_merge(target.environment, options), people_for(target.environment, options)
    published = publish_by_push(target, draft.proposal, commit, options, people, auto_merge=auto_merge)
    if isinstance(published, NewerPipeline):
        return superseded_result(draft, [published])
    iid = published.merge_request.iid
    warnings = [f"!{iid} was made by push options, because there is no token for GitLab's API (BUMPER_TOKEN)."]
    if people.reviewers:
        warnings.append(f"push options name no reviewers; ask {', '.join(people.reviewers)} in !{iid}.")
    if auto_merge:
        warnings.append(_about_auto_merge(target, iid))
    return replace(
        _result(draft, Status.PROPOSED), branch=draft.proposal.branch, commit=published.commit,
        warnings=(*draft.plan.warnings, *warnings), merge_request=published.merge_request,
    )  # fmt: skip


def _about_auto_merge(target: Target, iid: int) -> str:
    """GitLab answers no push option; and what CI_JOB_TOKEN pushes starts no pipeline that could set it off."""
    token = target.checkout.settings.token
    if token is not None and token.is_job_token:
        return (
            f"whether auto-merge is set on !{iid} is unknown: a push by CI_JOB_TOKEN starts no pipeline, and without "
            "one GitLab may never merge it; set BUMPER_TOKEN to have it merged for certain."
        )
    return f"whether auto-merge is set on !{iid} is unknown: GitLab does not say so after a push."


def nothing_to_do(target: Target, plan: Plan, asked: Request) -> Result:
    """The result where no tag changes: everything is as asked, or held."""
    status = Status.HELD if plan.held else Status.UNCHANGED
    return Result(
        asked.command, asked.environment, status, held=plan.held, warnings=plan.warnings, landed=target.checkout.tip
    )


def close_outdated(target: Target, plan: Plan, done: Result, known: KnownRequests | None) -> Result:
    """Every pin has its tag: close the open merge requests that propose another, and say so."""
    closed = close_replaced(target, plan, done.command, known) if plan.covers else []
    warnings = [f"closed !{iid}, which proposed another tag." for iid in closed]
    return replace(done, warnings=(*done.warnings, *warnings))


def close_replaced(target: Target, plan: Plan, command: Command, known: KnownRequests | None) -> list[int]:
    """Close the open merge requests that the target branch has made pointless; without the API none is known."""
    if known is None:
        return []
    return close_superseded(known, target, _coverage(plan, command), None, known.opened_now())


def _coverage(plan: Plan, command: Command) -> Coverage:
    return Coverage(command, plan.covers)
