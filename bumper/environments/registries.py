"""Ask the registries, before anything is pushed, whether images exist and which digests they are."""

from collections.abc import Iterable, Mapping

from bumper.environments.repository import Target
from bumper.errors import BumperError
from bumper.image import ImageReference
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
