"""``bumper promote``: set an environment's tags (and digests) to the ones another environment runs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bumper.commands.self_rollback import undo_by_rollback
from bumper.delivery import deliver
from bumper.delivery.options import DeliveryOptions, choose_delivery
from bumper.delivery.proposal_text import proposal_text
from bumper.delivery.result import Result
from bumper.delivery.retry import remake_after_lost_push
from bumper.delivery.rollout import check_health
from bumper.delivery.session import Session
from bumper.delivery.watched import deliver_watched, see_what_runs
from bumper.environments.layout import Environment
from bumper.environments.registries import registry_access
from bumper.environments.repository import Target, fetch_environments, open_environment, read_repository_config
from bumper.errors import Refused, WrongUsage
from bumper.gate.inheritance import check_heirs
from bumper.gate.rules import check_tags, require_digests
from bumper.git.checkout import Checkout
from bumper.planning.bump import Plan
from bumper.planning.draft import make_draft
from bumper.planning.expected_images import Rollout, expected_images, rollout_of
from bumper.planning.promote import Choice, choose, differing, match, plan_promote
from bumper.planning.proposal import Request
from bumper.records.promotion_digests import find_digests
from bumper.records.record import Command
from bumper.values.change import Change


@dataclass(frozen=True, slots=True)
class PromoteRequest:
    """What the command line asks for; ``apps`` and ``images`` are globs."""

    source: str
    target: str
    apps: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    dry_run: bool = False
    verify: bool = True
    allow_moved: bool = False
    require_healthy: bool = False


def promote(
    request: PromoteRequest, options: DeliveryOptions, session: Session, confirm: Callable[[Result], bool]
) -> Result:
    """Clone, read both environments, plan, ask, propose, wait.

    Raises:
        BumperError: the request cannot be fulfilled or was not confirmed; nothing is half done.

    """
    if request.source == request.target:
        raise WrongUsage(f"{request.source} cannot be promoted to itself", "name two environments")
    return remake_after_lost_push(
        session.cloning.end(), lambda tip: _promote_once(request, options, tip, session, confirm), session.clock
    )


def _promote_once(
    request: PromoteRequest, options: DeliveryOptions, checkout: Checkout, session: Session,
    confirm: Callable[[Result], bool],
) -> Result:  # fmt: skip
    setup = read_repository_config(checkout)
    _check_source(setup.layout.environment(request.target), request.source)
    fetch_environments(checkout, setup, (request.source, request.target))
    source = open_environment(checkout, setup, request.source)
    target = open_environment(checkout, setup, request.target)
    delivery = choose_delivery(setup.written, target.environment, options.delivery)
    known = session.known_requests(checkout, setup)
    plan = _plan(request, source, target, session)
    selector = " ".join([request.source, *sorted(request.images)])
    asked = Request(Command.PROMOTE, request.target, checkout.branch, (), request.apps, selector)
    if not plan.changes:
        done = deliver.nothing_to_do(target, plan, asked)
        if not request.dry_run:
            done = deliver.close_outdated(target, plan, deliver.require_wait(done, options), known)
            rollout = rollout_of(target.environment, target.gathered, plan)
            done = see_what_runs(done, rollout, target, options, session)
        return replace(done, source=request.source)
    text = proposal_text(asked, plan, target, delivery, options, session, known)
    text = replace(text, note=f"from {request.source}", checks=_checks(request, target))
    draft = replace(make_draft(target, asked, plan, text, session.environ), source=request.source)
    preview = deliver.dry_run_result(draft, delivery)
    if request.dry_run:
        return preview
    if not confirm(preview):
        raise Refused("not confirmed; nothing was changed")
    undo = undo_by_rollback(target, options, session, known)
    return deliver_watched(draft, target, delivery, options, session, known, undo)


def _plan(request: PromoteRequest, source: Target, target: Target, session: Session) -> Plan:
    """The plan, with the digests that the source was given, each compared with what its tag means now."""
    rules, names = target.environment.config, (request.source, request.target)
    choice = choose(source.gathered, target.gathered, request.apps, request.images, names)
    matched = match(source.gathered, target.gathered, choice, target.setup.config, names)
    found = differing(target.gathered, matched)
    check_tags(rules, request.target, [change.reference for change in (*found.changes, *found.held)])
    if found.changes:
        _check_health(request, source, target, choice, found.changes, session)
        access = registry_access(target, session.environ) if request.verify else None
        digests = find_digests(
            target, source, session.gitlab, found.changes, access, allow_moved=request.allow_moved
        )  # fmt: skip
        matched = replace(matched.with_digests(digests.known), warnings=(*matched.warnings, *digests.warnings))
    plan = plan_promote(target.gathered, matched, request.target, write_digests=rules.digests)
    require_digests(target.environment, [change.reference for change in plan.changes])
    return replace(plan, warnings=(*plan.warnings, *check_heirs(target, plan.changes, request.source)))


def _check_source(target: Environment, source: str) -> None:
    allowed = target.config.promote_from
    if allowed is not None and source not in allowed:
        raise Refused(
            f"{target.name} takes promotions from {', '.join(allowed)} only (promote_from in bumper.yaml), not from "
            f"{source}."
        )


def _checks(request: PromoteRequest, target: Target) -> list[str]:
    """What was checked, for whoever decides on the merge request."""
    health = [f"healthy in {request.source}"] if _requires_health(request, target) else []
    return [*(["image exists"] if request.verify else []), *health]


def _requires_health(request: PromoteRequest, target: Target) -> bool:
    return request.require_healthy or target.environment.config.require_healthy


def _check_health(
    request: PromoteRequest, source: Target, target: Target, choice: Choice, changes: Sequence[Change],
    session: Session,
) -> None:  # fmt: skip
    """Ask Argo CD about the applications that change, where the target or the command line demands it."""
    if not _requires_health(request, target):
        return
    apps = {change.app for change in changes}
    running = (*source.gathered.pins, *source.gathered.shared)
    argocd = source.environment.config.argocd
    expected = expected_images(found for found in running if found.app in apps and choice.takes(found))
    rollout = Rollout(argocd, tuple(expected)) if argocd is not None else None
    check_health(rollout, request.source, source.checkout.tip, session)
