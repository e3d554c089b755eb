"""The digests that images had when an environment was given them: from the records of its deployments."""

from collections.abc import Iterable, Iterator, Mapping

from bumper.environments.config_models import Config
from bumper.environments.same_images import canonical
from bumper.git.checkout import Checkout
from bumper.git.log import newest_commits as newest_in_git
from bumper.gitlab.commits import message_of, newest_messages
from bumper.gitlab.connection import GitLab
from bumper.gitlab.merge_requests import newest_merged
from bumper.image import ImageReference
from bumper.records.description import read_comment
from bumper.records.record import Record, read_trailers

_DEPLOYS = frozenset({"bump", "promote", "rollback"})


def recorded_digests(
    checkout: Checkout, gitlab: GitLab | None, environment: str, config: Config, images: Iterable[ImageReference]
) -> dict[ImageReference, str]:
    """The recorded digest of those of ``images`` (each with its tag) that have one; the newest record counts.

    By the trailers on the target branch, and by those of the heads of squashed merge requests: what stands in a
    description anybody may have written. A page at a time for all images together: one question an image would be
    thousands.
    """
    wanted = {(canonical(config, image.repository), image.tag): image for image in images}
    found: dict[ImageReference, str] = {}
    for record in _records(checkout, gitlab):
        if record.environment == environment and record.command in _DEPLOYS:
            for name, digest in _digests(record, config).items():
                image = wanted.get(name)
                if image is not None:
                    found.setdefault(image, digest)
        if len(found) == len(wanted):
            break
    return found


def _records(checkout: Checkout, gitlab: GitLab | None) -> Iterator[Record]:
    """Those of the target branch's commits, then those of squashed merge requests, each kind the newest first."""
    if gitlab is None:
        yield from _read(commit.message for commit in newest_in_git(checkout))
        return
    yield from _read(newest_messages(gitlab, checkout.branch))
    for request in newest_merged(gitlab, checkout.branch):
        hint = read_comment(request.description)
        if hint is not None and any(image.digest is not None for image in hint.images) and request.sha is not None:
            yield from _read([message_of(gitlab, request.sha)])


def _read(messages: Iterable[str]) -> Iterator[Record]:
    return (record for message in messages if (record := read_trailers(message)) is not None)


def _digests(record: Record, config: Config) -> Mapping[tuple[str, str | None], str]:
    return {
        (canonical(config, image.repository), image.tag): image.digest
        for image in record.images
        if image.digest is not None
    }
