"""``bumper images``: what a registry's clean-up must keep, because an environment runs it or could go back to it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bumper.delivery.attempt import Session
from bumper.environments.effective import running
from bumper.environments.repository import Target, fetch_environments, open_environment, read_repository_config
from bumper.errors import Refused
from bumper.image import ImageReference
from bumper.records.digests import recorded_digests
from bumper.records.history import Depth, rollback_targets
from bumper.values.values_file import EncryptedBySops, describe


@dataclass(frozen=True, slots=True)
class KeptImage:
    """An image that must stay, and why: it "runs", or is a "rollback target"."""

    environment: str
    app: str
    image: ImageReference
    reason: str


@dataclass(frozen=True, slots=True)
class KeptImages:
    """All of them, by environment and application; what runs stands first."""

    images: tuple[KeptImage, ...]
    warnings: tuple[str, ...]


def images(environments: Sequence[str], depth: Depth, session: Session) -> KeptImages:
    """Clone, gather the environments (those named, else all), walk back through the target branch's commits.

    What cannot be read is refused: a clean-up would delete what a list lacks.
    """
    checkout = session.cloning.end()
    setup = read_repository_config(checkout)
    names = setup.named_or_all(environments)
    fetch_environments(checkout, setup, names)
    targets = [open_environment(checkout, setup, name) for name in names]
    _require_readable(targets)
    found: list[KeptImage] = []
    warnings: list[str] = []
    for target in targets:
        name, back = target.environment.name, rollback_targets(target, session.gitlab, depth)
        reasons = dict.fromkeys(_running(target), "runs")
        for place in back.images:
            reasons.setdefault(place, "rollback target")
        bare = list(dict.fromkeys(image for _, image in reasons if image.digest is None))
        # The digests that deployments recorded, where the values have none.
        recorded = recorded_digests(target, session.gitlab, bare) if bare else {}
        for (app, image), reason in sorted(reasons.items(), key=lambda one: one[0][0]):
            digest = recorded[image].digest if image in recorded else image.digest
            found.append(KeptImage(name, app, image.with_digest(digest), reason))
        warnings += _unnamed(target)
        warnings += [f"rollback targets of {name} may be missing: {back.missing}."] if back.missing else []
    return KeptImages(tuple(found), tuple(dict.fromkeys(warnings)))


def _running(target: Target) -> Iterator[tuple[str, ImageReference]]:
    """What the applications run; where that cannot be told, all that their files name."""
    known = running(target.gathered, target.environment.name, target.setup.config)
    raw = (one for one in target.gathered.with_shared if one.app in known.unknown)
    for one in (*known.pins, *raw):
        if one.pin.repository is not None and (one.pin.tag is not None or one.pin.digest is not None):
            yield one.app, ImageReference(one.pin.repository, one.pin.tag, one.pin.digest)


def _require_readable(targets: Sequence[Target]) -> None:
    refusals = [
        str(refusal)
        for target in targets
        for refusal in target.gathered.unreadable_files.values()
        if not isinstance(refusal, EncryptedBySops)
    ]
    if refusals:
        raise Refused(
            "\n".join(["what runs is not known, because files cannot be read:", *dict.fromkeys(refusals)]),
            "correct them, or leave them out with `exclude` in bumper.yaml",
        )


def _unnamed(target: Target) -> Iterator[str]:
    for found in target.gathered.pins:
        if found.pin.repository is None and found.pin.tag is not None:
            place = describe(target.gathered.values[found.file], found.pin)
            yield f"{place} names no image and is not in the list; name it under images in bumper.yaml."
