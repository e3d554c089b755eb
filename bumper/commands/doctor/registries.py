"""Whether the registries show what the environments run to these credentials."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice, zip_longest

from bumper.commands.doctor.check import Check, failed, warned
from bumper.environments.registries import registry_access
from bumper.environments.repository import Target
from bumper.errors import BumperError, Refused
from bumper.image import ImageReference, Repository, is_tag
from bumper.records.history import scope_of
from bumper.records.rollback_targets import Depth, rollback_targets
from bumper.registry.credentials import find_credentials
from bumper.registry.resolve import RegistryAccess, resolve_all

_MAX_IMAGES = 3  # of one registry
_MAX_TARGETS = 50  # rollback targets, the newest of each environment


def examine_registries(targets: Sequence[Target], environ: Mapping[str, str]) -> Iterator[Check]:
    """One check for each registry: whether it shows some of the images that the environments run.

    The registries are asked all at once, about few images each.
    """
    images = _images(targets)
    if not images:
        return
    access = registry_access(targets[0], environ)
    try:
        found = resolve_all([image for some in images.values() for image in some], access)
    except BumperError as error:  # the CA file
        yield failed("registries", error)
        return
    for host, some in images.items():
        yield _check_registry(host, {image: found[image] for image in some}, access)


def examine_rollback_targets(targets: Sequence[Target], environ: Mapping[str, str]) -> Iterator[Check]:
    """Whether the registries still have what the last deployments replaced; those that cannot tell are left out."""
    back = [
        image
        for target in targets
        for _, image in rollback_targets(scope_of(target, None), Depth()).images[:_MAX_TARGETS]
    ]
    if not back:
        return
    try:
        found = resolve_all([image.with_digest(None) if image.tag is not None else image for image in back],
                            registry_access(targets[0], environ))  # fmt: skip
    except BumperError:  # the CA file, of which there is another check
        return
    gone = [str(image) for image, answer in found.items() if isinstance(answer, Refused)]
    if gone:
        more = f" and {len(gone) - 1} more" if len(gone) > 1 else ""
        next_step = "have its clean-up keep what `bumper images` lists, or push the image again"
        yield Check("rollback targets", f"the registry no longer has {gone[0]}{more}", next_step)
    elif any(isinstance(answer, str) for answer in found.values()):
        yield Check("rollback targets", "the registries have what could be rolled back to")


def _images(targets: Iterable[Target]) -> dict[str, list[ImageReference]]:
    """By registry a few images, by the tags that the values have: as many repositories as there are, then more tags."""
    tags: dict[str, dict[Repository, dict[ImageReference, None]]] = {}
    for target in targets:
        for found in target.gathered.pins:
            repository, tag = found.pin.repository, found.pin.tag
            if repository is not None and found.pin.refusal is None and tag is not None and is_tag(tag):
                own = tags.setdefault(repository.host, {}).setdefault(repository, {})
                own[ImageReference(repository, tag, None)] = None
    return {host: _some(list(images.values())) for host, images in tags.items()}


def _some(images: Sequence[Iterable[ImageReference]]) -> list[ImageReference]:
    rounds = (image for each in zip_longest(*images) for image in each if image is not None)
    return list(islice(rounds, _MAX_IMAGES))


def _check_registry(host: str, found: Mapping[ImageReference, str | BumperError], access: RegistryAccess) -> Check:
    name = f"registry {host}"
    try:
        login = find_credentials(host, access.environ)
    except BumperError as error:
        return failed(name, error)
    errors = [one for one in found.values() if isinstance(one, BumperError)]
    refusal = next((error for error in errors if not isinstance(error, Refused)), None)
    if refusal is not None:
        return failed(name, refusal)
    shown = [image for image, one in found.items() if isinstance(one, str)]
    if not shown:
        return warned(name, errors[0])
    whom = f"the login from {login.source}" if login is not None else "a request without a login"
    return Check(name, f"shows {shown[0]} to {whom}")
