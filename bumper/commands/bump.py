"""``bumper bump``: set images' tags in an environment."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from bumper.commands.self_rollback import undo_by_rollback
from bumper.delivery.attempt import DeliveryOptions, Session, begin_attempt, remake_after_lost_push
from bumper.delivery.deliver import require_wait
from bumper.delivery.other_requests import find_freeze_and_mark
from bumper.delivery.proposal_text import proposal_text
from bumper.delivery.result import Result, Status, dry_run_result, nothing_to_do
from bumper.delivery.superseded import find_superseded, superseded_result
from bumper.delivery.watched import deliver_watched, finish_unchanged
from bumper.environments.repository import Target, open_target, pushed_images
from bumper.environments.selection import Selection, choose_applications
from bumper.errors import Refused
from bumper.gate.rules import broken_by_bump, check_heirs, missing_digests, refuse
from bumper.git.checkout import Checkout
from bumper.image import ImageReference
from bumper.planning.bump import Plan, check_images, images_to_resolve, plan_bump
from bumper.planning.proposal import Request, make_draft
from bumper.records.record import Command
from bumper.registry.pushed_image import PushedImage
from bumper.registry.resolve import resolve_digests


@dataclass(frozen=True, slots=True)
class BumpRequest:
    """What the command line asks for: ``images``, or those of a push notification (``event``, its bytes)."""

    environment: str
    images: tuple[ImageReference, ...]
    event: bytes | None = None
    event_registry: str | None = None  # of a notification that names none
    apps: tuple[str, ...] = ()
    allow_missing: bool = False
    dry_run: bool = False
    verify: bool = True
    urgent: str | None = None  # the reason to go past a freeze


def bump(request: BumpRequest, options: DeliveryOptions, session: Session) -> Result:
    """Clone, read the environment, plan, propose, wait."""
    check_images(request.images)
    pushed: Sequence[PushedImage] = ()
    if request.event is not None:
        from bumper.registry.events import read_push_event  # with a model of each registry's notifications

        pushed = read_push_event(request.event)
        if not pushed:
            warning = "the notification is not about the push of a tag; nothing was done."
            return Result(Command.BUMP, request.environment, Status.UNCHANGED, warnings=(warning,))
    return remake_after_lost_push(session, lambda tip: _bump_once(request, pushed, options, tip, session))


def _bump_once(
    request: BumpRequest, pushed: Sequence[PushedImage], options: DeliveryOptions, checkout: Checkout,
    session: Session,
) -> Result:  # fmt: skip
    ahead = session.ask_ahead(checkout)
    # A notification may name an image without its registry: which pins it means is decided among all.
    named = () if pushed else tuple(image.repository for image in request.images)
    target = open_target(checkout, request.environment, Selection(request.apps, named))
    images = check_images(request.images) or pushed_images(
        target, pushed, request.event_registry, allow_missing=request.allow_missing
    )
    refuse(broken_by_bump(target.setup.config, target.environment, images))
    attempt = begin_attempt(target, options, session, ahead)
    apps = choose_applications(target.gathered.applications, request.environment, request.apps)
    repositories = tuple(image.repository for image in images)
    asked = Request(Command.BUMP, request.environment, checkout.branch, repositories, request.apps)
    superseded = find_superseded(attempt, images, apps)
    left_out = [one.image for one in superseded]
    plan = _plan(request, target, [image for image in images if image not in left_out], apps, session)
    if superseded and len(superseded) == len(images):
        done = superseded_result(Command.BUMP, request.environment, superseded, plan.warnings)
        return done if request.dry_run else require_wait(done, options)
    plan = replace(plan, warnings=(*plan.warnings, *(one.explain(request.environment) for one in superseded)))
    if not plan.changes:
        done = nothing_to_do(target, plan, asked)
        return done if request.dry_run else finish_unchanged(done, plan, attempt)
    frozen = find_freeze_and_mark(attempt, dry_run=request.dry_run) if request.urgent is None else None
    if frozen is not None:
        raise Refused(str(frozen), frozen.fix)
    text = proposal_text(asked, plan, attempt)
    text = replace(text, checks=["image exists"] if request.verify else [], urgent=request.urgent)
    draft = make_draft(target, asked, plan, text, session.environ)
    if request.dry_run:
        return dry_run_result(draft, attempt.delivery)
    return deliver_watched(draft, attempt, partial(undo_by_rollback, attempt))


def _plan(
    request: BumpRequest, target: Target, images: Sequence[ImageReference], apps: frozenset[str], session: Session
) -> Plan:
    """The plan, with the digests that the registries name for the images that it changes."""
    rules = target.environment.config
    if request.verify:
        wanted = images_to_resolve(target.gathered, images, apps, write_digests=rules.digests)
        digests = resolve_digests(wanted, target.registry_access(session.environ))
        images = [image.with_digest(digests.get(image, image.digest)) for image in images]
    plan = plan_bump(
        target.gathered, target.environment.name, images, apps,
        write_digests=rules.digests, allow_missing=request.allow_missing,
    )  # fmt: skip
    refuse(missing_digests(target.environment, [change.reference for change in plan.changes]))
    return replace(plan, warnings=(*plan.warnings, *check_heirs(target, plan.changes)))
