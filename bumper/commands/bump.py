"""``bumper bump``: set images' tags in an environment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bumper import deliver
from bumper.checkout import Checkout, clone
from bumper.config_models import Config
from bumper.deliver import DeliveryOptions
from bumper.errors import Refused
from bumper.gather import is_ignored
from bumper.image import ImageReference
from bumper.layout import Environment
from bumper.plan import Plan, apply_plan, check_images, check_tags, choose_apps, diff_of, plan_bump
from bumper.proposal import Proposal, Request, Words, bump_subject, propose, readable
from bumper.record import Record
from bumper.repository import Setup, gather_environment, read_setup
from bumper.result import Result
from bumper.settings import Settings, argocd_references, read_pipeline, requested_by

NOT_VERIFIED = "the registry was not asked whether the image exists: this version of bumper cannot yet (--no-verify)."


@dataclass(frozen=True, slots=True)
class BumpRequest:
    """What the command line asks for."""

    environment: str
    images: tuple[ImageReference, ...]
    apps: tuple[str, ...] = ()
    title: str | None = None
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
    setup = read_setup(checkout)
    environment = setup.layout.environment(request.environment)
    delivery = deliver.choose_delivery(setup.written, environment, options.delivery)
    _check(environment, setup.config, images)
    gathered = gather_environment(checkout, setup, environment)
    apps = choose_apps(gathered, environment.name, request.apps)
    plan = plan_bump(
        gathered, environment.name, images, apps,
        write_digests=environment.config.digests, allow_missing=request.allow_missing,
    )  # fmt: skip
    if not plan.changes:
        return _unchanged(request, plan, setup, checkout)
    files = apply_plan(plan, gathered.values)
    proposal = _propose(request, plan, files, environment, setup.config, checkout, environ, options)
    drafted = Result(
        "bump", environment.name, "dry-run", plan.changes, plan.held,
        (*plan.warnings, *((NOT_VERIFIED,) if request.verify else ())), proposal.branch,
        diff=diff_of(files, gathered.values),
    )  # fmt: skip
    if request.dry_run:
        return replace(drafted, preview=readable(proposal))
    return deliver.deliver(drafted, delivery, checkout, proposal, plan, setup.config, options)


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


def _unchanged(request: BumpRequest, plan: Plan, setup: Setup, checkout: Checkout) -> Result:
    """Every pin has its tag: an open merge request that proposes another is out of date."""
    warnings = list(plan.warnings)
    if plan.covers and not request.dry_run:
        closed = deliver.close_replaced(checkout, plan, setup.config, None)
        warnings += [f"closed !{iid}, which proposed another tag." for iid in closed]
    return Result("bump", request.environment, "unchanged", held=plan.held, warnings=tuple(warnings))


def _propose(
    request: BumpRequest, plan: Plan, files: Mapping[str, bytes], environment: Environment, config: Config,
    checkout: Checkout, environ: Mapping[str, str], options: DeliveryOptions,
) -> Proposal:  # fmt: skip
    images = check_images(request.images)
    changed = {change.image for change in plan.changes}
    asked = Request(
        "bump", environment.name, checkout.branch, tuple(image.repository for image in images), request.apps
    )
    record = Record(
        "bump", environment.name, tuple(image for image in images if image.repository in changed), plan.changes,
        read_pipeline(environ), requested_by(environ),
    )  # fmt: skip
    words = Words(config.commit_message, request.title, argocd_references(environ))
    labels = (*environment.config.labels, *options.labels)
    return propose(
        asked, config.branch_prefix, bump_subject(environment.name, plan.changes), files, record, words, labels
    )
