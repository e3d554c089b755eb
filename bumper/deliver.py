"""A proposal on its way: as a merge request, or pushed straight to the branch."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from bumper import merge_requests
from bumper.checkout import Checkout, push, refreshed, write_commit
from bumper.config_models import Config
from bumper.errors import Refused, Unavailable
from bumper.git_failures import RaceLost
from bumper.layout import Environment
from bumper.merge_requests import NOBODY, MergeRequest, People, connect
from bumper.plan import Plan
from bumper.proposal import Proposal
from bumper.publish import close_covered, publish
from bumper.result import ProposedAt, Result

_DEFAULT_AUTHOR = "bumper <bumper@localhost>"
_MOST_TRIES = 30
_LONGEST_PAUSE = 2.0  # seconds


@dataclass(frozen=True, slots=True)
class DeliveryOptions:
    """What the command line says about the way of a proposal."""

    delivery: str | None = None
    reopen: bool = False
    people: People = NOBODY
    labels: tuple[str, ...] = ()


def choose_delivery(written: Config | None, environment: Environment, option: str | None) -> str:
    """``merge-request`` or ``commit``; the command line never loosens what bumper.yaml demands.

    ``written`` is bumper.yaml; without one that names the environment bumper makes merge requests only.

    """
    name, demanded = environment.name, environment.config.delivery
    if option == "commit" and (written is None or name not in written.environments):
        raise Refused(f"Pushing straight to the branch is allowed by bumper.yaml only, and none names {name}; add one.")
    if option == "commit" and demanded == "merge-request":
        raise Refused(f"bumper.yaml demands merge requests for {name} (delivery); leave --delivery commit out.")
    return option or demanded or "merge-request"


def retry_when_outrun(checkout: Checkout, attempt: Callable[[Checkout], Result]) -> Result:
    """Make the job again from the new tip for as long as others are faster, within bounds."""
    for number in range(_MOST_TRIES):
        try:
            return attempt(checkout)
        except RaceLost:
            # Jitter keeps many pipelines that start at one moment from meeting again and again.
            time.sleep(random.uniform(0, min(_LONGEST_PAUSE, 0.05 * 2**number)))  # noqa: S311 - no secret
            checkout = refreshed(checkout)
    raise Unavailable(
        f"{checkout.settings.address.url} was changed by others {_MOST_TRIES} times while this was made; try again."
    )


def deliver(
    drafted: Result, delivery: str, checkout: Checkout, proposal: Proposal, plan: Plan, config: Config,
    options: DeliveryOptions,
) -> Result:  # fmt: skip
    """``drafted``, the result of a dry run, carried out by merge request or by commit.

    Raises:
        RaceLost: a branch moved on meanwhile; nothing is half done.

    """
    commit = write_commit(checkout, proposal.files, proposal.message, config.author or _DEFAULT_AUTHOR)
    if delivery == "commit":
        push(checkout, commit, checkout.branch, checkout.tip)
        close_replaced(checkout, plan, config, None)
        return replace(drafted, status="committed", branch=checkout.branch, commit=commit)
    forge = connect(checkout.settings)
    unknown = merge_requests.unknown_people(forge, options.people)
    warnings = [f"GitLab knows no user {name!r}; nobody was asked in that name." for name in unknown]
    published = publish(forge, checkout, proposal, commit, options.people, reopen=options.reopen)
    one = published.merge_request
    close_covered(forge, config.branch_prefix, checkout.branch, plan.covers, one)
    return replace(
        drafted,
        status="proposed",
        warnings=(*drafted.warnings, *warnings),
        commit=published.commit,
        merge_request=ProposedAt(one.iid, one.url, one.state, published.action, one.auto_merge),
    )


def close_replaced(checkout: Checkout, plan: Plan, config: Config, kept: MergeRequest | None) -> list[int]:
    """Close the open merge requests that the target branch has made pointless; without an API token none is known."""
    token = checkout.settings.token
    if token is None or token.is_job_token:
        return []
    return close_covered(connect(checkout.settings), config.branch_prefix, checkout.branch, plan.covers, kept)
