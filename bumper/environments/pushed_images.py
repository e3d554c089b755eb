"""Which images a push notification means in an environment."""

from collections.abc import Sequence

from bumper.environments.repository import Target
from bumper.errors import Refused
from bumper.image import ImageReference, Repository
from bumper.registry.events.notification import PushedImage
from bumper.registry.events.read import match_pushed


def pushed_images(
    target: Target, pushed: Sequence[PushedImage], registry: str | None, *, allow_missing: bool
) -> tuple[ImageReference, ...]:
    """The environment's images that a notification names; of an image pushed with several tags the one that may enter.

    ``registry`` is that of a notification which names none; else it is bumper.yaml's.

    Raises:
        Refused: the environment uses none of them (unless ``allow_missing``), or it is not clear which tag is meant.

    """
    name, rules = target.environment.name, target.environment.config
    repositories = {found.pin.repository for found in target.gathered.pins if found.pin.repository is not None}
    of = registry or target.setup.config.registry
    matched = [image for one in pushed if (image := match_pushed(one, repositories, of)) is not None]
    if not matched and not allow_missing:
        raise Refused(
            f"Nothing in {name} uses {', '.join(str(one) for one in pushed)}, which the notification names",
            "`bumper status --all` lists what it uses",
        )
    chosen: dict[Repository, ImageReference] = {}
    for image in matched:
        others = [other for other in matched if other.repository == image.repository]
        allowed = [other for other in others if other.tag is not None and rules.admits(other.tag)] or others
        if len({other.tag for other in allowed}) > 1:
            tags = ", ".join(str(other.tag) for other in allowed)
            raise Refused(
                f"The notification names {image.repository} with several tags ({tags})",
                f"say by `tags` in bumper.yaml which may enter {name}",
            )
        chosen[image.repository] = allowed[0]
    return tuple(chosen.values())
