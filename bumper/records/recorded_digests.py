"""The digests that images had when an environment was given them: from the records of its deployments."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bumper.environments.repository import Target
from bumper.environments.same_images import canonical
from bumper.errors import LookedFarEnough
from bumper.git.log import read_log
from bumper.git.past_commits import PastCommit
from bumper.gitlab.connection import GitLab
from bumper.image import ImageReference
from bumper.records.landed import LandedRequests
from bumper.records.landing import touched_files, versions_set
from bumper.records.record import read_trailers
from bumper.records.seal import Sealed, make_sealer

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
