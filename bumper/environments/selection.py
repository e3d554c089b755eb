"""Which applications of an environment a request can selection, told before any file is parsed. Pure.

Parsing thousands of values files takes seconds, a byte search milliseconds.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from bumper.environments.config_models import Config
from bumper.environments.layout import AppFiles, Environment
from bumper.image import Repository, read_repository


@dataclass(frozen=True, slots=True)
class Selection:
    """The applications (globs) and images that a request is about; empty: all."""

    apps: tuple[str, ...] = ()
    images: tuple[Repository, ...] = ()


EVERYTHING = Selection()
_LITTLE = 250_000  # bytes; read whole, which takes a twentieth of a second and tells of every file that is broken


def with_apps(environment: Environment, globs: Sequence[str]) -> Environment:
    """The environment with the applications that a glob names."""
    if not globs:
        return environment
    return replace(
        environment, apps=tuple(app for app in environment.apps if any(fnmatchcase(app.app, glob) for glob in globs))
    )


def with_images(
    environment: Environment, config: Config, sources: Mapping[str, bytes], images: Sequence[Repository]
) -> Environment:
    """The environment with the applications whose files can hold a pin of one of ``images``."""
    if sum(map(len, sources.values())) <= _LITTLE:
        return environment
    given = {read_repository(pinned.image) for pinned in config.images}
    if not images or given & set(images):  # bumper.yaml gives the image to paths in files that name it nowhere
        return environment
    needles = [image.name.rpartition("/")[2].encode() for image in images]
    return replace(environment, apps=tuple(_mentioning(environment.apps, sources, needles)))


def _mentioning(apps: Sequence[AppFiles], sources: Mapping[str, bytes], needles: Sequence[bytes]) -> Iterator[AppFiles]:
    """The last part of a repository's name stands in one piece in every file that names it, however the rest is split
    over keys; only escapes (a letter as its number), UTF-16 and SOPS could hide it: such files are read in any case.
    """
    signs = (b"\\", b"\0", b"sops", *needles)
    mentions: dict[str, bool] = {}
    for app in apps:
        for path in (*app.bases, *app.values):
            if path not in mentions:
                content = sources.get(path)  # a symbolic link has none, and is told of
                mentions[path] = content is None or any(sign in content for sign in signs)
        if any(mentions[path] for path in (*app.bases, *app.values)):
            yield app
