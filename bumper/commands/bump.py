"""``bumper bump``: set images' tags in an environment."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bumper.ci import read_pipeline
from bumper.commands.self_rollback import undo_by_rollback
from bumper.delivery import deliver
from bumper.delivery.options import DeliveryOptions, choose_delivery
from bumper.delivery.other_requests import mark_frozen
from bumper.delivery.proposal_text import proposal_text
from bumper.delivery.result import Result, Status
from bumper.delivery.session import Session, remake_after_lost_push
from bumper.delivery.superseded import Superseded, find_superseded, superseded_by
from bumper.delivery.watched import deliver_watched, see_what_runs
from bumper.environments.registries import pushed_images, registry_access, resolve_digests
from bumper.environments.repository import Target, open_target
from bumper.environments.selection import Selection, choose_applications
from bumper.gate.freeze import broken_freeze, find_freeze
from bumper.gate.inheritance import check_heirs
from bumper.gate.rules import check_rules, refuse, require_digests
from bumper.git.checkout import Checkout
from bumper.image import ImageReference
from bumper.planning.bump import Plan, check_images, images_to_resolve, plan_bump
from bumper.planning.draft import make_draft
from bumper.planning.proposal import Request
from bumper.planning.rollout import rollout_of
from bumper.records.known_requests import KnownRequests
from bumper.records.record import Command
from bumper.registry.events.pushed_image import PushedImage


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
    """Clone, read the environment, plan, propose, wait.

    Raises:
        BumperError: the request cannot be fulfilled; nothing is half done.

    """
    check_images(request.images)
    pushed = _read_event(request.event)
    if request.event is not None and not pushed:
        warning = "the notification is not about the push of a tag; nothing was done."
        return Result(Command.BUMP, request.environment, Status.UNCHANGED, warnings=(warning,))
    return remake_after_lost_push(
        session.cloning.end(), lambda tip: _bump_once(request, pushed, options, tip, session), session.clock
    )


def _read_event(event: bytes | None) -> tuple[PushedImage, ...]:
    if event is None:
        return ()
    from bumper.registry.events.read import read_push_event  # with a model of each registry's notifications

    return read_push_event(event)


def _bump_once(
    request: BumpRequest, pushed: Sequence[PushedImage], options: DeliveryOptions, checkout: Checkout,
    session: Session,
) -> Result:  # fmt: skip
    ahead = session.ask_ahead(checkout)
    target = open_target(checkout, request.environment, _selection(request))
    known = session.known_requests(checkout, target.setup, ahead)
    images = check_images(request.images) or _images_of(target, pushed, request)
    check_rules(target.setup.config, target.environment, images)
    delivery = choose_delivery(target.setup.written, target.environment, options.delivery)
    apps = choose_applications(target.gathered.applications, request.environment, request.apps)
    asked = Request(
        Command.BUMP, request.environment, checkout.branch, tuple(image.repository for image in images), request.apps
    )  # fmt: skip
    superseded = _superseded(target, known, images, apps, options, session)
    plan = _plan(request, target, _without(images, superseded), apps, session)
    if superseded and len(superseded) == len(images):
        return deliver.require_wait(superseded_by(asked, superseded, plan.warnings), options)
    plan = replace(plan, warnings=(*plan.warnings, *(one.explain(request.environment) for one in superseded)))
    if not plan.changes:
        return _unchanged(target, plan, asked, request, options, session, known)
    _refuse_in_freeze(request, target, session, known)
    text = proposal_text(asked, plan, target, delivery, options, session, known)
    text = replace(text, checks=["image exists"] if request.verify else [], urgent=request.urgent)
    draft = make_draft(target, asked, plan, text, session.environ)
    if request.dry_run:
        return deliver.dry_run_result(draft, delivery)
    undo = undo_by_rollback(target, options, session, known)
    return deliver_watched(draft, target, delivery, options, session, known, undo)


def _refuse_in_freeze(request: BumpRequest, target: Target, session: Session, known: KnownRequests | None) -> None:
    frozen = find_freeze(target.environment, session.gitlab, session.clock.now()) if request.urgent is None else None
    if frozen is not None and not request.dry_run:
        mark_frozen(known, frozen)
    refuse(broken_freeze(frozen))


def _selection(request: BumpRequest) -> Selection:
    """A notification may name an image without its registry: which pins it means is decided among all."""
    named = () if request.event is not None else tuple(image.repository for image in request.images)
    return Selection(request.apps, named)


def _images_of(target: Target, pushed: Sequence[PushedImage], request: BumpRequest) -> tuple[ImageReference, ...]:
    return pushed_images(target, pushed, request.event_registry, allow_missing=request.allow_missing)


def _superseded(
    target: Target, known: KnownRequests | None, images: Sequence[ImageReference], apps: frozenset[str],
    options: DeliveryOptions, session: Session,
) -> list[Superseded]:  # fmt: skip
    pipeline = None if options.allow_older else read_pipeline(session.environ)
    return find_superseded(target, known, images, apps, pipeline)


def _without(images: Sequence[ImageReference], superseded: Sequence[Superseded]) -> list[ImageReference]:
    left_out = [one.image for one in superseded]
    return [image for image in images if image not in left_out]


def _plan(
    request: BumpRequest, target: Target, images: Sequence[ImageReference], apps: frozenset[str], session: Session
) -> Plan:
    """The plan, with the digests that the registries name for the images that it changes."""
    rules = target.environment.config
    if request.verify:
        wanted = images_to_resolve(target.gathered, images, apps, write_digests=rules.digests)
        digests = resolve_digests(wanted, registry_access(target, session.environ))
        images = [image.with_digest(digests.get(image, image.digest)) for image in images]
    plan = plan_bump(
        target.gathered, target.environment.name, images, apps,
        write_digests=rules.digests, allow_missing=request.allow_missing,
    )  # fmt: skip
    require_digests(target.environment, [change.reference for change in plan.changes])
    return replace(plan, warnings=(*plan.warnings, *check_heirs(target, plan.changes)))


def _unchanged(
    target: Target, plan: Plan, asked: Request, request: BumpRequest, options: DeliveryOptions, session: Session,
    known: KnownRequests | None,
) -> Result:  # fmt: skip
    done = deliver.nothing_to_do(target, plan, asked)
    if request.dry_run:
        return done
    done = deliver.close_outdated(target, plan, deliver.require_wait(done, options), known)
    rollout = rollout_of(target.environment, target.gathered, plan)
    return see_what_runs(done, rollout, target, options, session, known)
