"""``bumper promote``: set an environment's tags (and digests) to the ones another environment runs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from bumper.clock import format_duration
from bumper.commands.promotion import Promotion, open_promotion
from bumper.commands.self_rollback import undo_by_rollback
from bumper.delivery.attempt import Attempt, DeliveryOptions, Session, begin_attempt, remake_after_lost_push
from bumper.delivery.other_requests import find_freeze_and_mark, stop_waiting
from bumper.delivery.proposal_text import proposal_text
from bumper.delivery.result import Result, Status, dry_run_result, nothing_to_do
from bumper.delivery.watched import deliver_watched, finish_unchanged
from bumper.environments.layout import Environment
from bumper.environments.repository import (
    RepositoryConfig,
    Target,
    fetch_environments,
    open_environment,
    open_environment_at,
    read_repository_config,
)
from bumper.errors import Refused, WrongUsage
from bumper.gate.rules import Waiting, broken_tags, check_heirs, missing_digests, refuse
from bumper.git.checkout import Checkout
from bumper.planning.bump import Plan
from bumper.planning.promote import differing, plan_promote
from bumper.planning.proposal import Request, make_draft
from bumper.records.digests import find_digests
from bumper.records.line import Line, commit_as_of, parse_as_of
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
    when_ready: bool = False
    as_of: str | None = None  # a commit or a time
    urgent: str | None = None  # the reason


def promote(
    request: PromoteRequest, options: DeliveryOptions, session: Session, confirm: Callable[[Result], None]
) -> Result:
    """Clone, read both environments, plan, ask, propose, wait."""
    if request.source == request.target:
        raise WrongUsage(f"{request.source} cannot be promoted to itself", "name two environments")
    if request.as_of is not None:
        parse_as_of(request.as_of, session.clock.now())
    return remake_after_lost_push(session, lambda tip: _promote_once(request, options, tip, session, confirm))


def _promote_once(
    request: PromoteRequest, options: DeliveryOptions, checkout: Checkout, session: Session,
    confirm: Callable[[Result], None],
) -> Result:  # fmt: skip
    setup = read_repository_config(checkout)
    _check_source(setup.layout.environment(request.target), request.source)
    fetch_environments(checkout, setup, (request.source, request.target))
    promotion = _open(request, checkout, setup, session)
    target, attempt = promotion.target, begin_attempt(promotion.target, options, session)
    plan, waiting = _plan(request, promotion, attempt)
    selector = " ".join([request.source, *sorted(request.images)])
    asked = Request(Command.PROMOTE, request.target, checkout.branch, (), request.apps, selector)
    if not plan.changes:
        done = replace(nothing_to_do(target, plan, asked), source=request.source, waiting=waiting)
        if waiting:
            return replace(done, status=Status.WAITING, landed=None)
        return done if request.dry_run else finish_unchanged(done, plan, attempt)
    as_of = f" as of {promotion.then.checkout.tip[:12]}" if promotion.then is not promotion.source else ""
    text = replace(
        proposal_text(asked, plan, attempt), note=f"from {request.source}{as_of}", checks=_checks(request, target),
        left_out=[one.reason for one in waiting], urgent=request.urgent,
    )  # fmt: skip
    draft = replace(make_draft(target, asked, plan, text, session.environ), source=request.source, waiting=waiting)
    preview = dry_run_result(draft, attempt.delivery)
    if request.dry_run:
        return preview
    confirm(preview)
    return deliver_watched(draft, attempt, partial(undo_by_rollback, attempt))


def _check_source(target: Environment, source: str) -> None:
    allowed = target.config.promote_from
    if allowed is not None and source not in allowed:
        raise Refused(
            f"{target.name} takes promotions from {', '.join(allowed)} only (promote_from in bumper.yaml), not from "
            f"{source}."
        )


def _open(request: PromoteRequest, checkout: Checkout, setup: RepositoryConfig, session: Session) -> Promotion:
    source = open_environment(checkout, setup, request.source)
    target = open_environment(checkout, setup, request.target)
    now, soak, then = session.clock.now(), target.environment.config.soak, None
    wanted = parse_as_of(request.as_of, now) if request.as_of is not None else None
    since = [now - timedelta(seconds=soak)] if soak is not None else []
    since += [wanted] if isinstance(wanted, datetime) else []
    line = Line(checkout, now, min(since, default=None), session.gitlab)
    if wanted is not None:
        then = open_environment_at(checkout, setup, request.source, commit_as_of(wanted, line, session.gitlab))
    return open_promotion(source, target, line, session, then=then, apps=request.apps, images=request.images)


def _plan(request: PromoteRequest, promotion: Promotion, attempt: Attempt) -> tuple[Plan, tuple[Waiting, ...]]:
    """The plan, with the digests that the source was given, each compared with what its tag means now; what waits."""
    target, session = promotion.target, attempt.session
    rules, matched = target.environment.config, promotion.match()
    changes, held = differing(matched)
    refuse(broken_tags(target.environment, [change.reference for change in (*changes, *held)]))
    waiting = _find_waiting(request, promotion, changes, attempt)
    if not request.when_ready:
        _refuse_waiting(waiting)
    matched = matched.without(waiting)
    left = [change for change in changes if change.app not in waiting]
    if left:
        access = target.registry_access(session.environ) if request.verify else None
        digests = find_digests(target, promotion.then, session.gitlab, left, access, allow_moved=request.allow_moved)
        matched = replace(matched.with_digests(digests.known), warnings=(*matched.warnings, *digests.warnings))
    plan = plan_promote(target.gathered, matched, request.target, write_digests=rules.digests)
    refuse(missing_digests(target.environment, [change.reference for change in plan.changes]))
    warnings = (*plan.warnings, *check_heirs(target, plan.changes, request.source))
    return replace(plan, warnings=warnings), tuple(waiting.values())


def _find_waiting(
    request: PromoteRequest, promotion: Promotion, changes: Sequence[Change], attempt: Attempt
) -> dict[str, Waiting]:  # fmt: skip
    """The applications that may not go on now; merge requests that were opened before are not to be merged, either."""
    frozen = None
    if changes and not request.urgent:
        frozen = find_freeze_and_mark(attempt, dry_run=request.dry_run)
    soak, needs_health = _soak(request, promotion.target), _requires_health(request, promotion.target)
    waiting = promotion.find_waiting(changes, frozen, soak, needs_health=needs_health)
    if frozen is None and not request.dry_run:
        stop_waiting(attempt, changes, waiting)
    return waiting


def _refuse_waiting(waiting: dict[str, Waiting]) -> None:
    """Refuse a request that is not content with what is ready, with a sentence for each application that waits."""
    sentences = list(dict.fromkeys(f"{one.reason}; {one.fix}" for one in waiting.values()))
    if sentences:
        first = next(iter(waiting.values()))
        raise Refused(first.reason, first.fix) if len(sentences) == 1 else Refused(".\n".join(sentences))


def _checks(request: PromoteRequest, target: Target) -> list[str]:
    """What was checked, for whoever decides on the merge request."""
    soak = _soak(request, target)
    return [
        *(["image exists"] if request.verify else []),
        *([f"in {request.source} for {format_duration(soak)} at least"] if soak else []),
        *([f"healthy in {request.source}"] if _requires_health(request, target) else []),
    ]


def _soak(request: PromoteRequest, target: Target) -> float | None:
    return target.environment.config.soak if request.urgent is None else None


def _requires_health(request: PromoteRequest, target: Target) -> bool:
    return request.require_healthy or target.environment.config.require_healthy
