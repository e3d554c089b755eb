"""``bumper bump``: set images' tags in an environment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bumper import deliver
from bumper.checkout import Checkout, clone
from bumper.config_models import Config
from bumper.deliver import DeliveryOptions
from bumper.draft import Wording, make_draft
from bumper.errors import Refused
from bumper.gather import is_ignored
from bumper.image import ImageReference
from bumper.layout import Environment
from bumper.plan import check_images, check_tags, choose_apps, plan_bump
from bumper.proposal import Request, bump_subject
from bumper.repository import open_target
from bumper.result import Result
from bumper.settings import Settings

NOT_VERIFIED = "the registry was not asked whether the image exists: this version of bumper cannot yet (--no-verify)."


@dataclass(frozen=True, slots=True)
class BumpRequest:
    """What the command line asks for."""

    environment: str
    images: tuple[ImageReference, ...]
    apps: tuple[str, ...] = ()
    allow_missing: bool = False
    dry_run: bool = False
    verify: bool = True


def bump(request: BumpRequest, options: DeliveryOptions, settings: Settings, environ: Mapping[str, str]) -> Result:
    """Clone, gather, plan, propose, publish.

    Raises:
        BumperError: the request cannot be fulfilled; nothing is half done.

    """
    images = check_images(request.images)
    with clone(settings, environ) as checkout:
        return deliver.retry_when_outrun(checkout, lambda tip: _bump_once(request, images, options, tip, environ))


def _bump_once(
    request: BumpRequest, images: Sequence[ImageReference], options: DeliveryOptions, checkout: Checkout,
    environ: Mapping[str, str],
) -> Result:  # fmt: skip
    target = open_target(checkout, request.environment)
    name, rules = target.environment.name, target.environment.config
    _check(target.environment, target.setup.config, images)
    deliver.choose_delivery(target.setup.written, target.environment, options.delivery)
    plan = plan_bump(
        target.gathered, name, images, choose_apps(target.gathered, name, request.apps),
        write_digests=rules.digests, allow_missing=request.allow_missing,
    )  # fmt: skip
    asked = Request("bump", name, checkout.branch, tuple(image.repository for image in images), request.apps)
    if not plan.changes:
        done = deliver.nothing_to_do(plan, asked)
        return done if request.dry_run else deliver.close_outdated(target, plan, done)
    if request.verify:
        plan = replace(plan, warnings=(*plan.warnings, NOT_VERIFIED))
    wording = Wording(bump_subject(name, plan.changes), options.title, options.labels)
    draft = make_draft(target, asked, plan, wording, environ)
    return draft.shown() if request.dry_run else deliver.deliver(draft, target, options)


def _check(environment: Environment, config: Config, images: Sequence[ImageReference]) -> None:
    """What bumper.yaml demands of a bump to this environment."""
    name, rules = environment.name, environment.config
    if rules.promote_from is not None:
        raise Refused(
            f"{name} takes promotions only (promote_from in bumper.yaml); run `bumper promote {rules.promote_from[0]} "
            f"{name}`."
        )
    check_tags(rules, name, images)
    for image in images:
        if is_ignored(config, image.repository):
            raise Refused(f"{image.repository} is among the images that bumper.yaml's `ignore` leaves alone.")
        if rules.digests and image.digest is None:
            raise Refused(
                f"{name} takes images with their digest only (digests in bumper.yaml), and the digest of {image} is "
                f"not known; write {image}@sha256:…."
            )
