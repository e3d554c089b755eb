"""``bumper bump``: set images' tags in an environment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bumper.ci import read_pipeline, read_source
from bumper.delivery import deliver
from bumper.delivery.options import DeliveryOptions, choose_delivery
from bumper.delivery.result import Result
from bumper.delivery.source_commits import describe_commits
from bumper.delivery.superseded import Late, find_late, superseded
from bumper.environments.repository import Target, open_target
from bumper.environments.rules import check_rules, require_digests
from bumper.environments.selection import Selection
from bumper.git.checkout import Checkout
from bumper.git.clone import Cloning
from bumper.image import ImageReference
from bumper.planning.bump import Plan, check_images, choose_apps, plan_bump
from bumper.planning.draft import ProposalText, make_draft
from bumper.planning.proposal import Request, bump_subject
from bumper.records.order import NewerPipeline, Outrun

if TYPE_CHECKING:  # only a notification needs it
    from bumper.registry.events.notification import PushedImage


@dataclass(frozen=True, slots=True)
class BumpRequest:
    """What the command line asks for: ``images``, or those of a push notification (``event``, its bytes)."""

    environment: str
    images: tuple[ImageReference, ...]
    event: bytes | None = None
    apps: tuple[str, ...] = ()
    allow_missing: bool = False
    dry_run: bool = False
    verify: bool = True


def bump(request: BumpRequest, options: DeliveryOptions, cloning: Cloning, environ: Mapping[str, str]) -> Result:
    """Clone, gather, plan, ask the registries, propose, publish.

    Raises:
        BumperError: the request cannot be fulfilled; nothing is half done.

    """
    check_images(request.images)
    pushed = _read_event(request.event)
    if request.event is not None and not pushed:
        told = "the notification tells of no push of a tag; nothing was done."
        return Result("bump", request.environment, "unchanged", warnings=(told,))
    return deliver.retry_when_outrun(cloning.end(), lambda tip: _bump_once(request, pushed, options, tip, environ))


def _read_event(event: bytes | None) -> "tuple[PushedImage, ...]":
    if event is None:
        return ()
    from bumper.registry.events.read import read_push_event  # with a model of each registry's notifications

    return read_push_event(event)


def _bump_once(
    request: BumpRequest, pushed: "Sequence[PushedImage]", options: DeliveryOptions, checkout: Checkout,
    environ: Mapping[str, str],
) -> Result:  # fmt: skip
    target = open_target(checkout, request.environment, _selection(request))
    name = target.environment.name
    images = check_images(request.images) or _images_of(target, pushed, request)
    check_rules(target.setup.config, target.environment, images)
    delivery = choose_delivery(target.setup.written, target.environment, options.delivery)
    apps = choose_apps(target.gathered, name, request.apps)
    pipeline = None if options.mr_options.allow_older else read_pipeline(environ)
    late = find_late(target, images, apps, pipeline)
    overtaken = [one.image for one in late]
    plan = _plan(request, target, [image for image in images if image not in overtaken], apps, environ)
    plan = replace(plan, warnings=(*plan.warnings, *(one.explain(name) for one in late)))
    asked = Request("bump", name, checkout.branch, tuple(image.repository for image in images), request.apps)
    if late and len(late) == len(images):
        return superseded(asked, plan.warnings, [one.newer for one in late])
    if not plan.changes:
        done = deliver.nothing_to_do(target, plan, asked)
        return done if request.dry_run else deliver.close_outdated(target, plan, done)
    remarks = describe_commits(checkout.settings, plan.changes, read_source(environ)) if delivery != "commit" else []
    text = ProposalText(bump_subject(name, plan.changes), options.title, options.labels, remarks)
    draft = make_draft(target, asked, plan, text, environ)
    if request.dry_run:
        return draft.shown()
    try:
        return deliver.deliver(draft, target, options)
    except Outrun as overtaking:
        told = _late(plan, images, overtaking.newer)
        return superseded(asked, (*plan.warnings, *(one.explain(name) for one in told)), [overtaking.newer])


def _images_of(target: Target, pushed: "Sequence[PushedImage]", request: BumpRequest) -> tuple[ImageReference, ...]:
    from bumper.environments.pushed_images import pushed_images  # as above

    return pushed_images(target, pushed, allow_missing=request.allow_missing)


def _selection(request: BumpRequest) -> Selection:
    """A notification may name an image without its registry: what it means is told from all pins."""
    named = () if request.event is not None else tuple(image.repository for image in request.images)
    return Selection(request.apps, named)


def _plan(
    request: BumpRequest, target: Target, images: Sequence[ImageReference], apps: frozenset[str],
    environ: Mapping[str, str],
) -> Plan:  # fmt: skip
    """The plan, made again with the digests that the registries name for the images that it changes."""
    name, rules = target.environment.name, target.environment.config

    def planned(wanted: Sequence[ImageReference]) -> Plan:
        return plan_bump(
            target.gathered, name, wanted, apps, write_digests=rules.digests, allow_missing=request.allow_missing
        )  # fmt: skip

    plan = planned(images)
    if request.verify:
        from bumper.environments.registries import registry_access, resolve_digests  # with the registries' client

        digests = resolve_digests(_to_ask(target, plan, images, apps), registry_access(target, environ))
        images = [image.with_digest(digests.get(image, image.digest)) for image in images]
        plan = planned(images)
    require_digests(target.environment, [change.reference for change in plan.changes])
    return plan


def _to_ask(
    target: Target, plan: Plan, images: Sequence[ImageReference], apps: frozenset[str]
) -> list[ImageReference]:  # fmt: skip
    """The images that the plan changes, and those that it will once the digest is known: a tag may have moved."""
    changed = {change.image for change in plan.changes}
    pinned = {
        found.pin.repository
        for found in target.gathered.pins
        if found.app in apps and (target.environment.config.digests or found.pin.digest is not None)
    }
    return [image for image in images if image.repository in changed | (set() if image.digest else pinned)]


def _late(plan: Plan, images: Sequence[ImageReference], newer: NewerPipeline) -> list[Late]:
    """The images of a plan that was overtaken on the way, with their applications."""
    apps = {
        image: tuple(dict.fromkeys(change.app for change in plan.changes if change.image == image.repository))
        for image in images
    }
    return [Late(image, names, newer) for image, names in apps.items() if names]
