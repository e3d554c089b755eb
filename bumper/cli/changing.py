"""Commands that change an environment, by merge request or straight on the branch."""

from bumper.cli import options as opt
from bumper.cli.common import Changing, with_options
from bumper.cli.options import WAITING, argument, environment_argument, flag, number, option


@with_options
def bump(
    environment: str = environment_argument("The environment to change."),
    images: list[str] | None = argument("registry/repository:tag[@digest]", "IMAGE", default=None),
    event: str | None = option("--event", "Take the images from a registry's push notification; - for stdin.", "FILE"),
    event_registry: str | None = option(
        "--event-registry",
        "The registry of a notification that names none; by default registry in bumper.yaml.",
        "HOST",
    ),
    app: list[str] | None = opt.APPS,
    verify: bool = opt.VERIFY,
    allow_missing: bool = flag("--allow-missing", "Do not fail if nothing in the environment uses an image."),
    allow_older: bool = flag("--allow-older", "Even if a newer pipeline (by CI_PIPELINE_ID) already changed this."),
    rollback_on_failure: bool = opt.ROLLBACK_ON_FAILURE,
    urgent: str | None = opt.URGENT,
    *,
    common: Changing,
) -> None:
    """Set images' tags in ENVIRONMENT after an image push, by merge request.

    Example: bumper bump staging registry.example.com/backend/app:1.0.3
    """
    from bumper.errors import WrongUsage
    from bumper.image import has_host, parse_image, read_reference

    if event_registry is not None and not (event is not None and has_host(f"{event_registry}/name")):
        raise WrongUsage("--event-registry works only with --event", "give both, or neither")
    if images and ":" in environment and read_reference(environment) is not None:
        what = f"{environment!r} is an image, but the environment comes first"
        raise WrongUsage(what, f"write bumper bump {images[0]} {' '.join([environment, *images[1:]])}")
    parsed = tuple(parse_image(image) for image in images or ())
    if bool(parsed) == (event is not None):
        raise WrongUsage("bump takes either images or a notification", "name the images, or give --event FILE")
    with common.session() as session:
        from bumper.commands.bump import BumpRequest
        from bumper.commands.bump import bump as run
        from bumper.files import read_body

        body = read_body(event) if event is not None else None
        request = BumpRequest(
            environment, parsed, body, event_registry, tuple(app or ()), allow_missing, common.dry_run, verify, urgent
        )
        options = common.delivery_options(allow_older=allow_older, rollback_on_failure=rollback_on_failure)
        result = run(request, options, session)
    common.finish(result)


@with_options
def promote(
    source: str = environment_argument("The environment whose tags are taken.", "SOURCE"),
    target: str = environment_argument("The environment to change.", "TARGET"),
    app: list[str] | None = opt.APPS,
    image: list[str] | None = opt.IMAGES,
    verify: bool = opt.VERIFY,
    allow_moved: bool = flag("--allow-moved", "Even if a tag now means another digest than when SOURCE got it."),
    require_healthy: bool = flag("--require-healthy", "Only what Argo CD reports healthy in SOURCE.", WAITING),
    rollback_on_failure: bool = opt.ROLLBACK_ON_FAILURE,
    when_ready: bool = flag("--when-ready", "Only what soak, freeze and health let through now; list what waits."),
    as_of: str | None = option(
        "--as-of", "What SOURCE ran at that commit or time: the versions that were tested.", "COMMIT|TIME"
    ),
    urgent: str | None = opt.URGENT,
    *,
    common: Changing,
) -> None:
    """Set TARGET's tags and digests to the ones SOURCE runs, in one merge request.

    Example: bumper promote staging prod --app backend
    """
    with common.session(asks_later=True) as session:
        from bumper.commands.promote import PromoteRequest
        from bumper.commands.promote import promote as run

        apps, images = tuple(app or ()), tuple(image or ())
        request = PromoteRequest(
            source, target, apps, images, common.dry_run, verify, allow_moved, require_healthy, when_ready, as_of,
            urgent,
        )  # fmt: skip
        options = common.delivery_options(rollback_on_failure=rollback_on_failure)
        result = run(request, options, session, common.confirm)
    common.finish(result)


@with_options
def rollback(
    environment: str = environment_argument("The environment to roll back."),
    app: list[str] | None = opt.APPS,
    image: list[str] | None = opt.IMAGES,
    all_apps: bool = flag("--all-apps", "Undo the environment's last deployment."),
    to: str | None = option("--to", "Go back to this tag.", "TAG"),
    steps: int | None = number("--steps", "This many deployments back.", "N", 1),
    mr: int | None = number("--mr", "Undo what this merge request changed.", "IID", 1),
    force: bool = flag("--force", "Also pins that have changed since."),
    hold: str | None = option("--hold", "Put a hold on the pins, in the same merge request.", "REASON"),
    verify: bool = opt.VERIFY,
    *,
    common: Changing,
) -> None:
    """Undo the last deployment of ENVIRONMENT, by merge request.

    Example: bumper rollback prod --app backend --hold "payment errors"
    """
    with common.session(asks_later=True) as session:
        from bumper.commands.rollback import RollbackRequest
        from bumper.commands.rollback import rollback as run

        apps, images = tuple(app or ()), tuple(image or ())
        request = RollbackRequest(
            environment, apps, images, all_apps, to, steps, mr, force, hold, common.dry_run, verify
        )
        result = run(request, common.delivery_options(), session, common.confirm)
    common.finish(result)


@with_options
def hold(
    environment: str = environment_argument("The environment."),
    app: list[str] = opt.REQUIRED_APPS,
    image: list[str] | None = opt.IMAGES,
    reason: str = option("--reason", "The reason, which is written into the comment.", "TEXT", default=""),
    *,
    common: Changing,
) -> None:
    """Stop bump and promote from touching an application's pins.

    Example: bumper hold prod --app backend --reason "until the fix of OPS-7"
    """
    _hold("hold", environment, app, image, reason, common)


@with_options
def unhold(
    environment: str = environment_argument("The environment."),
    app: list[str] = opt.REQUIRED_APPS,
    image: list[str] | None = opt.IMAGES,
    *,
    common: Changing,
) -> None:
    """Let bump and promote touch an application's pins again.

    Example: bumper unhold prod --app backend
    """
    _hold("unhold", environment, app, image, "", common)


def _hold(
    command: str, environment: str, app: list[str], image: list[str] | None, reason: str, common: Changing
) -> None:
    with common.session() as session:
        from bumper.commands.hold import HoldRequest
        from bumper.commands.hold import hold as run
        from bumper.records.record import Command

        request = HoldRequest(Command(command), environment, tuple(app), tuple(image or ()), reason, common.dry_run)
        result = run(request, common.delivery_options(), session)
    common.finish(result)
