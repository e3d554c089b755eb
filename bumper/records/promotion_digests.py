"""The digests that a promotion carries: what the source was given, compared with what the tag means now."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bumper.environments.repository import Target
from bumper.errors import BumperError, Refused
from bumper.gitlab.connection import GitLab
from bumper.image import ImageReference
from bumper.records.recorded_digests import RecordedDigest, recorded_digests
from bumper.registry.resolve import RegistryAccess, resolve_all
from bumper.values.change import Change


@dataclass(frozen=True, slots=True)
class Digests:
    """The digest of each image (by its reference with the tag alone), and warnings about them."""

    known: Mapping[ImageReference, str]
    warnings: tuple[str, ...] = ()


def find_digests(
    target: Target, source: Target, gitlab: GitLab | None, changes: Iterable[Change], access: RegistryAccess | None, *,
    allow_moved: bool,
) -> Digests:  # fmt: skip
    """The digests of ``changes``; ``access`` is None where registries are not to be asked.

    Then a record counts only where this token wrote it, by what a registry answered: others may have written anything.

    Raises:
        Refused: an image does not exist, or its tag has moved since the source was given it. Unavailable: a registry
            cannot tell.

    """
    listed = list(changes)
    in_values = {_by_tag(change): change.after.digest for change in listed if change.after.digest is not None}
    others = [image for image in dict.fromkeys(map(_by_tag, listed)) if image not in in_values]
    recorded = _recorded(target, source, gitlab, others, listed, ask=access is not None)
    if access is None:
        sealed = {image: one.digest for image, one in recorded.items() if one.sealed}
        return Digests(in_values | sealed, tuple(_doubted(image, source) for image in recorded if image not in sealed))
    given = in_values | {image: one.digest for image, one in recorded.items()}
    now = _resolved(dict.fromkeys(map(_by_tag, listed)), given, access, allow_moved=allow_moved)
    warnings = [
        f"no record says which digest {image} had in {source.environment.name}; it is {now[image]} now."
        for image in others
        if image not in given
    ]
    written = {_by_tag(change) for change in listed if _is_written(target, change)}
    return Digests({image: given[image] if image in given and image in written else digest
                    for image, digest in now.items()}, tuple(warnings))  # fmt: skip


def _is_written(target: Target, change: Change) -> bool:
    """Whether the target's values are to hold a digest; where they hold the tag alone, what it means now is run."""
    stands = change.before.digest is not None or change.after.digest is not None
    return stands or target.environment.config.digests


def _by_tag(change: Change) -> ImageReference:
    return ImageReference(change.image, change.after.tag)


def _recorded(
    target: Target, source: Target, gitlab: GitLab | None, images: list[ImageReference], changes: list[Change], *,
    ask: bool,
) -> dict[ImageReference, RecordedDigest]:  # fmt: skip
    """Records are looked up where somebody will see the difference: a registry is asked, or a digest is written."""
    if not images or not (ask or any(_is_written(target, change) for change in changes)):
        return {}
    return recorded_digests(source, gitlab, images)


def _doubted(image: ImageReference, source: Target) -> str:
    return (
        f"the digest that is recorded for {image} in {source.environment.name} was not written with this token, and "
        "--no-verify asks no registry, so it is left out; leave --no-verify out to have it looked up."
    )


def _resolved(
    images: Iterable[ImageReference], given: Mapping[ImageReference, str], access: RegistryAccess, *, allow_moved: bool
) -> dict[ImageReference, str]:
    digests: dict[ImageReference, str] = {}
    for image, found in resolve_all(list(images), access).items():
        if isinstance(found, BumperError):
            raise found
        if image in given and given[image] != found and not allow_moved:
            raise Refused(
                f"{image} means {found} now, but {given[image]} when it was deployed to the source; deploy it there "
                "again, or add --allow-moved."
            )
        digests[image] = found
    return digests
