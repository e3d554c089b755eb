"""The digests that images had when an environment was given them: from the records of its deployments."""

from collections.abc import Iterable, Iterator, Mapping

from bumper.environments.config_models import Config
from bumper.environments.same_images import canonical
from bumper.git import log as local_log
from bumper.git.checkout import Checkout
from bumper.gitlab.commits import newest_messages
from bumper.gitlab.connection import connect_if_possible
from bumper.gitlab.merge_requests import newest_merged
from bumper.image import ImageReference
from bumper.records.record import Record, read_trailers

_DEPLOYS = frozenset({"bump", "promote", "rollback"})


def recorded_digests(
    checkout: Checkout, environment: str, config: Config, images: Iterable[ImageReference]
) -> dict[ImageReference, str]:
    """The recorded digest of those of ``images`` (each with its tag) that have one; the newest record counts.

    Looked up a page at a time for all images together, in the merged merge requests and then in the branch's commits
    (where commits are delivered straight): one question an image would be thousands.
    """
    wanted = {(canonical(config, image.repository), image.tag): image for image in images}
    found: dict[ImageReference, str] = {}
    for record in _records(checkout):
        if record.environment == environment and record.command in _DEPLOYS:
            for name, digest in _digests(record, config).items():
                image = wanted.get(name)
                if image is not None:
                    found.setdefault(image, digest)
        if len(found) == len(wanted):
            break
    return found


def _records(checkout: Checkout) -> Iterator[Record]:
    gitlab = connect_if_possible(checkout.settings)
    requests = newest_merged(gitlab, checkout.branch) if gitlab is not None else ()
    yield from (request.record for request in requests if request.record is not None)
    messages = newest_messages(gitlab, checkout.branch) if gitlab is not None else local_log.newest_messages(checkout)
    for message in messages:
        record = read_trailers(message)
        if record is not None:
            yield record


def _digests(record: Record, config: Config) -> Mapping[tuple[str, str | None], str]:
    return {
        (canonical(config, image.repository), image.tag): image.digest
        for image in record.images
        if image.digest is not None
    }
