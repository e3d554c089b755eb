"""What a commit really deployed, whatever its message says: the versions that its difference sets."""

from collections.abc import Iterator

from bumper.environments.gather import FoundPin, pins_of_version
from bumper.environments.repository import Target
from bumper.environments.same_images import canonical
from bumper.git.past_commits import PastCommit, Touched
from bumper.image import Repository


def sets_version(target: Target, past: PastCommit, image: Repository, version: str) -> bool:
    """Whether the commit gives the image this tag (or digest) in one of the environment's files."""
    return (canonical(target.setup.config, image), version) in versions_set(target, touched_files(target, past))


def touched_files(target: Target, past: PastCommit) -> list[Touched]:
    """The environment's own values files that the commit changed."""
    files = {path for app in target.environment.apps for path in app.values}
    return [touched for touched in past.touched if touched.path in files]


def versions_set(target: Target, files: list[Touched]) -> set[tuple[str, str]]:
    """Each image, by its canonical name, with the tags and digests that a commit gives it in ``files``."""
    contents = target.checkout.blobs.read({blob for file in files for blob in (file.old_blob, file.new_blob) if blob})
    found = set()
    for file in files:
        old, new = (contents[blob] if blob is not None else b"" for blob in (file.old_blob, file.new_blob))
        before = set(versions_in(target, file.path, old))
        for _, _, image, *version in set(versions_in(target, file.path, new)) - before:
            found |= {(image, part) for part in version if part is not None}
    return found


def versions_in(target: Target, file: str, content: bytes) -> Iterator[tuple[str, str, str, str | None, str | None]]:
    """Application, path, image, tag and digest of each pin in a version of a file."""
    config = target.setup.config
    found: tuple[FoundPin, ...] = pins_of_version(target.environment, config, file, content, target.gathered.values)
    for one in found:
        if one.pin.repository is not None:
            image = canonical(config, one.pin.repository)
            yield one.app, str(one.pin.path), image, one.pin.tag, one.pin.digest
