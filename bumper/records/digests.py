"""The digests that a promotion carries: those of the source's records, compared with what the tags mean now."""

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bumper.environments.images import canonical
from bumper.environments.repository import Target
from bumper.errors import LookedFarEnough, Refused
from bumper.git.past_commits import PastCommit, read_log
from bumper.gitlab.connection import GitLab
from bumper.image import ImageReference
from bumper.records.landed import LandedRequests, touched_files, versions_set
from bumper.records.record import Sealed, make_sealer, read_trailers
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
    landed = LandedRequests(gitlab, source.checkout) if gitlab is not None else None
    found: dict[ImageReference, RecordedDigest] = {}
    with contextlib.suppress(LookedFarEnough):
        for commits in read_log(source.checkout, _STRETCHES):
            missing = [image for image in images if image not in found]
            deployed = list(_deployments(source, commits, missing))
            messages = _messages(landed, [past for past, _ in deployed])
            for past, image in deployed:
                recorded = _read(source, messages.get(past.commit.id, ""), image)
                if recorded is not None:
                    found.setdefault(image, recorded)
            if len(found) == len(images):
                break
    return found


def _deployments(
    source: Target, commits: Sequence[PastCommit], images: Sequence[ImageReference]
) -> Iterator[tuple[PastCommit, ImageReference]]:
    """The commits that set an image's tag in the environment, the newest first; their files are fetched at once."""
    touched = [(past, touched_files(source, past)) for past in commits]
    source.checkout.blobs.read({blob for _, files in touched for one in files for blob in one[1:] if blob is not None})
    wanted = {(canonical(source.setup.config, image.repository), image.tag): image for image in images}
    for past, files in touched:
        for version in versions_set(source, files):
            if version in wanted:
                yield past, wanted[version]


def _messages(landed: LandedRequests | None, commits: Sequence[PastCommit]) -> Mapping[str, str]:
    """The message that tells of each deployment: the commit's, the merged head's, else the squashed head's."""
    own = {
        past.commit.id: message
        for past in commits
        for message in (past.commit.message, past.merged.message if past.merged is not None else "")
        if read_trailers(message) is not None
    }
    others = list(dict.fromkeys(past.commit.id for past in commits if past.commit.id not in own))
    if landed is None or not others:
        return own
    requests = landed.find(others)
    heads = landed.messages(list(requests.values()))
    return own | {commit: heads[one.iid] for commit, one in requests.items() if one.iid in heads}


def _read(source: Target, message: str, image: ImageReference) -> RecordedDigest | None:
    record, config = read_trailers(message), source.setup.config
    sealed = make_sealer(source.checkout.settings, source.checkout.branch).check(message)
    if record is None or record.environment != source.environment.name or sealed is Sealed.BROKEN:
        return None
    name = canonical(config, image.repository)
    recorded = (one for one in record.images if canonical(config, one.repository) == name and one.tag == image.tag)
    digest = next((one.digest for one in recorded if one.digest is not None), None)
    return RecordedDigest(digest, sealed is Sealed.OURS) if digest is not None else None


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
    # Where nobody would see the difference no record is looked up.
    matters = access is not None or any(_is_written(target, change) for change in listed)
    recorded = recorded_digests(source, gitlab, others) if others and matters else {}
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


def _doubted(image: ImageReference, source: Target) -> str:
    return (
        f"the digest that is recorded for {image} in {source.environment.name} was not written with this token, and "
        "--no-verify asks no registry, so it is left out; leave --no-verify out to have it looked up."
    )


def _resolved(
    images: Iterable[ImageReference], given: Mapping[ImageReference, str], access: RegistryAccess, *, allow_moved: bool
) -> dict[ImageReference, str]:
    digests = resolve_digests(list(images), access)
    for image, found in digests.items():
        if not allow_moved and given.get(image, found) != found:
            raise Refused(
                f"{image} means {found} now, but {given[image]} when it was deployed to the source",
                "deploy it there again, or add --allow-moved",
            )
    return digests
