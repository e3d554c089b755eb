"""What may enter an environment by a bump, and which images a push notification means there."""

from collections.abc import Iterable, Sequence

from bumper.errors import Refused
from bumper.gather import is_ignored
from bumper.image import ImageReference, Repository
from bumper.plan import check_tags
from bumper.push_event import match_pushed
from bumper.push_event_notification import PushedImage
from bumper.repository import Target


def check_rules(target: Target, images: Iterable[ImageReference]) -> None:
    """Refuse what bumper.yaml does not let into the environment by a bump."""
    name, rules, config = target.environment.name, target.environment.config, target.setup.config
    if rules.promote_from is not None:
        raise Refused(
            f"{name} takes promotions only (promote_from in bumper.yaml); run `bumper promote {rules.promote_from[0]} "
            f"{name}`."
        )
    listed = list(images)
    check_tags(rules, name, listed)
    for image in listed:
        if is_ignored(config, image.repository):
            raise Refused(
                f"{image.repository} is among the images that bumper.yaml's `ignore` leaves alone; take it out there."
            )


def require_digests(target: Target, images: Iterable[ImageReference]) -> None:
    """Refuse an image whose digest is not known where bumper.yaml demands digests."""
    for image in images:
        if target.environment.config.digests and image.digest is None:
            raise Refused(
                f"{target.environment.name} takes images with their digest only (digests in bumper.yaml), and the "
                f"digest of {image} is not known; leave --no-verify out, or write {image}@sha256:…."
            )


def pushed_images(target: Target, pushed: Sequence[PushedImage], *, allow_missing: bool) -> tuple[ImageReference, ...]:
    """The environment's images that a notification names; of an image pushed with several tags the one that may enter.

    Raises:
        Refused: the environment uses none of them (unless ``allow_missing``), or it cannot be told which tag is meant.

    """
    name, rules = target.environment.name, target.environment.config
    repositories = {found.pin.repository for found in target.gathered.pins if found.pin.repository is not None}
    matched = [image for one in pushed if (image := match_pushed(one, repositories)) is not None]
    if not matched and not allow_missing:
        raise Refused(
            f"Nothing in {name} uses {', '.join(str(one) for one in pushed)}, which the notification names; "
            "`bumper status --all` lists what it uses."
        )
    chosen: dict[Repository, ImageReference] = {}
    for image in matched:
        others = [other for other in matched if other.repository == image.repository]
        allowed = [other for other in others if other.tag is not None and rules.admits(other.tag)] or others
        if len({other.tag for other in allowed}) > 1:
            tags = ", ".join(str(other.tag) for other in allowed)
            raise Refused(
                f"The notification names {image.repository} with several tags ({tags}); say by `tags` in bumper.yaml "
                f"which may enter {name}."
            )
        chosen[image.repository] = allowed[0]
    return tuple(chosen.values())
