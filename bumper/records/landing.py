"""Whether a commit that claims to have deployed an image did so: its difference has to set the tag."""

from collections.abc import Iterator

from bumper.environments.gather import pins_of_version
from bumper.environments.repository import Target
from bumper.environments.same_images import canonical
from bumper.git.past_commits import PastCommit, Touched
from bumper.image import Repository
from bumper.values.change import Version


def sets_version(target: Target, past: PastCommit, image: Repository, version: str) -> bool:
    """Whether the commit gives the image this tag (or digest) in one of the environment's files."""
    files = {path for app in target.environment.apps for path in app.values}
    return any(_sets(target, touched, image, version) for touched in past.touched if touched.path in files)


def _sets(target: Target, touched: Touched, image: Repository, version: str) -> bool:
    if touched.new_blob is None:
        return False
    contents = target.checkout.blobs.read({blob for blob in (touched.old_blob, touched.new_blob) if blob is not None})
    before = dict(held(target, touched.path, contents[touched.old_blob], image)) if touched.old_blob is not None else {}
    after = held(target, touched.path, contents[touched.new_blob], image)
    return any(now != before.get(place) and version in (now.tag, now.digest) for place, now in after)


def held(target: Target, file: str, content: bytes, image: Repository) -> Iterator[tuple[str, Version]]:
    """What a version of a file holds for the image, by application and path."""
    config = target.setup.config
    for found in pins_of_version(target.environment, config, file, content, target.gathered.values):
        pin = found.pin
        if pin.repository is not None and canonical(config, pin.repository) == canonical(config, image):
            yield f"{found.app} {pin.path}", Version(pin.tag, pin.digest)
