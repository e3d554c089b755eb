"""The digests that a promotion carries: those of the source's records, compared with what the tags mean now."""

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bumper.environments.repository import Target
from bumper.environments.selection import canonical
from bumper.errors import LookedFarEnough, Refused
from bumper.gitlab.connection import GitLab
from bumper.image import ImageReference
from bumper.records.history import deployments_that, scope_of
from bumper.records.record import Sealed, make_sealer
from bumper.registry.resolve import RegistryAccess, resolve_digests
from bumper.values.change import Change

_STRETCHES = (100, 500)  # commits of the target branch: what a job should fetch for a digest


@dataclass(frozen=True, slots=True)
class RecordedDigest:
    """A digest from the record of a deployment; ``sealed`` where this token wrote the record."""

    digest: str
    sealed: bool


def recorded_digests(
    source: Target, gitlab: GitLab | None, images: Sequence[ImageReference]
) -> dict[ImageReference, RecordedDigest]:
    """The recorded digest of those of ``images`` (each with its tag) that have one, as of the newest deployment.

    A record is what the trailers say of a commit that set the tag on the target branch's first-parent line, or those of
    the head that it merged or squashed: what stands in a description anybody may have written.
    """
    config, sealer = source.setup.config, make_sealer(source.checkout.settings, source.checkout.branch)
    missing = {(canonical(config, image.repository), image.tag): image for image in images}
    found: dict[ImageReference, RecordedDigest] = {}

    def is_missing(change: Change) -> bool:
        return (canonical(config, change.image), change.after.tag) in missing

    with contextlib.suppress(LookedFarEnough):
        for deployment in deployments_that(is_missing, scope_of(source, gitlab), _STRETCHES):
            record, sealed = deployment.record, sealer.check(deployment.message)
            if record is None or record.environment != source.environment.name or sealed is Sealed.BROKEN:
                continue
            changed = {(canonical(config, change.image), change.after.tag) for change in deployment.changes}
            for image in record.images:
                name = (canonical(config, image.repository), image.tag)
                if name in changed and name in missing and image.digest is not None:
                    found[missing.pop(name)] = RecordedDigest(image.digest, sealed is Sealed.OURS)
            if not missing:
                break
    return found


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
    An image that does not exist, or whose tag has moved since the source was given it, is refused.
    """
    listed, name = list(changes), source.environment.name
    images = list(dict.fromkeys(map(_by_tag, listed)))
    # Where the target's values are to hold the tag alone, what that means now is run.
    always = target.environment.config.digests
    written = {_by_tag(one) for one in listed if always or (one.before.digest or one.after.digest) is not None}
    given = {_by_tag(change): change.after.digest for change in listed if change.after.digest is not None}
    others = [image for image in images if image not in given]
    # Where nobody would see the difference no record is looked up.
    recorded = recorded_digests(source, gitlab, others) if others and (access is not None or written) else {}
    if access is None:
        return _sealed(given, recorded, name)
    given |= {image: one.digest for image, one in recorded.items()}
    now = resolve_digests(images, access)
    for image, digest in now.items():
        if not allow_moved and given.get(image, digest) != digest:
            raise Refused(
                f"{image} means {digest} now, but {given[image]} when it was deployed to the source",
                "deploy it there again, or add --allow-moved",
            )
    warnings = (
        f"no record says which digest {image} had in {name}; it is {now[image]} now."
        for image in others
        if image not in given
    )
    carried = {image: given[image] for image in now if image in given and image in written}
    return Digests(now | carried, tuple(warnings))


def _by_tag(change: Change) -> ImageReference:
    return ImageReference(change.image, change.after.tag)


def _sealed(
    given: Mapping[ImageReference, str], recorded: Mapping[ImageReference, RecordedDigest], name: str
) -> Digests:
    """What is known without a registry of the digests that the environment was given."""
    known = {image: one.digest for image, one in recorded.items() if one.sealed}
    doubted = (
        f"the digest that is recorded for {image} in {name} was not written with this token, and --no-verify asks "
        "no registry, so it is left out; leave --no-verify out to have it looked up."
        for image in recorded
        if image not in known
    )
    return Digests({**given, **known}, tuple(doubted))
