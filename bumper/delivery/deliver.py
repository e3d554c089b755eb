"""A proposal on its way: as a merge request, or pushed straight to the branch."""

import random
import time
from collections.abc import Callable
from dataclasses import replace

from bumper.delivery.by_api import publish
from bumper.delivery.merge import ask_to_merge
from bumper.delivery.options import DeliveryOptions, choose_delivery, merge_request_options, wants_auto_merge
from bumper.delivery.result import ProposedAt, Result, Status
from bumper.delivery.supersede import Coverage, close_covered, give_way_to_newer
from bumper.environments.repository import Target
from bumper.errors import Refused, Unavailable
from bumper.git.checkout import Checkout, refreshed
from bumper.git.commit import write_commit
from bumper.git.failures import PushRaceLost
from bumper.git.push import push
from bumper.gitlab import merge_requests
from bumper.gitlab.connection import connect
from bumper.planning.bump import Plan
from bumper.planning.draft import Draft
from bumper.planning.expected_images import rollout_of
from bumper.planning.proposal import Request
from bumper.progress import report_step

_DEFAULT_AUTHOR = "bumper <bumper@localhost>"
_MAX_TRIES = 30
_PAUSE = 0.3  # seconds, longer by as much after each loss: the more rivals, the wider they spread
_MAX_PAUSE = 3.0


def retry_when_outrun(checkout: Checkout, attempt: Callable[[Checkout], Result]) -> Result:
    """Make the job again from the new tip for as long as others are faster, within bounds."""
    for number in range(_MAX_TRIES):
        try:
            return attempt(checkout if number == 0 else refreshed(checkout))
        except PushRaceLost:
            # Jitter keeps many pipelines that start at one moment from meeting again and again.
            time.sleep(random.uniform(0, min(_MAX_PAUSE, _PAUSE * number)))  # noqa: S311 - no secret
    raise Unavailable(
        f"{checkout.settings.address.url} was changed by others {_MAX_TRIES} times while this was made; try again."
    )


def deliver(draft: Draft, target: Target, options: DeliveryOptions) -> Result:
    """Carry the draft out, by merge request or by commit.

    Raises:
        PushRaceLost: a branch moved on meanwhile; nothing is half done.
        Outrun: a newer pipeline has made the same request meanwhile.

    """
    checkout, proposal, config = target.checkout, draft.proposal, target.setup.config
    if options.waits_deployed:
        from bumper.delivery.rollout import check_rollout  # with Argo CD's client

        check_rollout(draft.result.rollout, target.environment.name, checkout.settings)
    delivery = choose_delivery(target.setup.written, target.environment, options.delivery)
    commit = write_commit(checkout, proposal.files, proposal.message, config.author or _DEFAULT_AUTHOR)
    if delivery == "commit":
        report_step(f"pushing to {checkout.branch} of {checkout.settings.address.url}")
        push(checkout, commit, checkout.branch, checkout.tip)
        close_replaced(target, draft.plan, draft.result.command)
        return replace(draft.result, status="committed", branch=checkout.branch, commit=commit, landed=commit)
    if not checkout.settings.has_api:
        return _deliver_by_push(draft, target, options, commit)
    return _deliver_by_api(draft, target, options, commit)


def _deliver_by_api(draft: Draft, target: Target, options: DeliveryOptions, commit: str) -> Result:
    """As GitLab's API has it: the merge request opened or updated, those that it covers closed."""
    checkout, proposal = target.checkout, draft.proposal
    gitlab = connect(checkout.settings)
    report_step(f"proposing {proposal.branch} over the API of {checkout.settings.address.gitlab_url}")
    mr_options = merge_request_options(target.environment, options)
    unknown = merge_requests.unknown_people(gitlab, mr_options.people)
    warnings = [f"GitLab knows no user {name!r}; nobody was asked in that name." for name in unknown]
    published = publish(gitlab, checkout, proposal, commit, mr_options)
    one = published.merge_request
    open_requests = merge_requests.find_open(gitlab, checkout.branch)
    if not mr_options.allow_older:
        give_way_to_newer(gitlab, proposal.record, one, open_requests)
    close_covered(gitlab, _coverage(target, draft.plan, draft.result.command), one, open_requests)
    wanted = wants_auto_merge(target.environment, options)
    if wanted:
        one, told = ask_to_merge(gitlab, one.iid, published.commit)
        warnings += [told] if told is not None else []
    return replace(
        draft.result,
        status="proposed",
        warnings=(*draft.result.warnings, *warnings),
        commit=published.commit,
        merge_request=ProposedAt(one.iid, one.url, one.state, published.action, one.auto_merge),
        merge_wanted=wanted,
    )


def _deliver_by_push(draft: Draft, target: Target, options: DeliveryOptions, commit: str) -> Result:
    """Without GitLab's API; what only that can do is told."""
    if options.waits:
        raise Refused(
            "--wait needs GitLab's API; set BUMPER_TOKEN to a token with the scopes api and write_repository, or leave "
            "--wait out."
        )
    from bumper.delivery.by_push import publish_by_push

    report_step(f"pushing {draft.proposal.branch}, with options by which GitLab makes the merge request")
    mr_options = merge_request_options(target.environment, options)
    merge_request, head = publish_by_push(
        target.checkout, draft.proposal, commit, mr_options, auto_merge=wants_auto_merge(target.environment, options)
    )
    told = [
        f"!{merge_request.iid} was made by push options, because there is no token for GitLab's API (BUMPER_TOKEN)."
    ]
    if mr_options.people.reviewers:
        told.append(
            f"push options name no reviewers; ask {', '.join(mr_options.people.reviewers)} in !{merge_request.iid}."
        )
    return replace(
        draft.result,
        status="proposed",
        warnings=(*draft.result.warnings, *told),
        commit=head,
        merge_request=merge_request,
    )


def nothing_to_do(target: Target, plan: Plan, asked: Request) -> Result:
    """The result where no tag changes: everything is as asked, or held."""
    status: Status = "held" if plan.held else "unchanged"
    return Result(
        asked.command, asked.environment, status, held=plan.held, warnings=plan.warnings,
        rollout=rollout_of(target.environment, target.gathered, plan), landed=target.checkout.tip,
    )  # fmt: skip


def close_outdated(target: Target, plan: Plan, done: Result) -> Result:
    """Every pin has its tag: close the open merge requests that propose another, and say so."""
    closed = close_replaced(target, plan, done.command) if plan.covers else []
    told = [f"closed !{iid}, which proposed another tag." for iid in closed]
    return replace(done, warnings=(*done.warnings, *told))


def close_replaced(target: Target, plan: Plan, command: str) -> list[int]:
    """Close the open merge requests that the target branch has made pointless; without the API none is known."""
    settings = target.checkout.settings
    if not settings.has_api:
        return []
    gitlab = connect(settings)
    open_requests = merge_requests.find_open(gitlab, target.checkout.branch)
    return close_covered(gitlab, _coverage(target, plan, command), None, open_requests)


def _coverage(target: Target, plan: Plan, command: str) -> Coverage:
    return Coverage(command, target.checkout.branch, target.setup.config.branch_prefix, plan.covers)
