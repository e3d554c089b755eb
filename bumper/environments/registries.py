"""What registries say of an environment's images, asked before anything is pushed, and notified of by them."""

from collections.abc import Iterable, Mapping, Sequence

from bumper.environments.repository import Target
from bumper.errors import BumperError, Refused
from bumper.image import ImageReference, Repository
from bumper.registry.pushed_image import PushedImage, match_pushed
from bumper.registry.resolve import RegistryAccess, resolve_all


def registry_access(target: Target, environ: Mapping[str, str]) -> RegistryAccess:
    """How registries are reached: bumper.yaml says which speak plain HTTP."""
    registries = target.setup.config.registries
    insecure = frozenset(host for host, settings in registries.items() if settings.insecure)
    return RegistryAccess(environ, insecure, target.checkout.settings.ca_file)


def resolve_digests(images: Iterable[ImageReference], access: RegistryAccess) -> dict[ImageReference, str]:
    """The digest of every image, asked for in parallel.

    Raises:
        Refused: one does not exist, or its tag means another digest. Unavailable: a registry cannot tell.

    """
    digests: dict[ImageReference, str] = {}
    for image, found in resolve_all(list(images), access).items():
        if isinstance(found, BumperError):
            raise found
        digests[image] = found
    return digests


def explain_missing(images: Iterable[ImageReference], access: RegistryAccess) -> list[str]:
    """One sentence for every image that does not exist or cannot be looked up."""
    return [str(found) for found in resolve_all(list(images), access).values() if isinstance(found, BumperError)]


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
                f"set `tags` of {name} in bumper.yaml, so that only one of them may enter",
            )
        chosen[image.repository] = allowed[0]
    return tuple(chosen.values())
