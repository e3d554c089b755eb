"""What bumper.yaml says of images: which are the same in several registries, left alone, or at which path. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from bumper.environments.applications import AppFiles
from bumper.environments.config_models import Config, PinnedImage
from bumper.environments.path_pattern import APP
from bumper.image import Repository, has_host, read_repository
from bumper.values.pin import Pin, parse_path
from bumper.values.requested import pin_at
from bumper.values.values_file import ValuesFile


def canonical(config: Config, repository: Repository) -> str:
    """One name for the repository in all registries that ``same_as`` puts together; the longest prefix counts."""
    name = str(repository)
    prefixes = [(len(prefix), group[0]) for group in config.same_as for prefix in group if _is_below(name, prefix)]
    length, first = max(prefixes, default=(0, ""))
    return first + name[length:]


def _is_below(name: str, prefix: str) -> bool:
    return f"{name}/".startswith(f"{prefix}/")


def may_be_given(config: Config, images: Iterable[Repository]) -> bool:
    """Whether an entry may give one of ``images`` to a path in a file that names it nowhere."""
    wanted = set(images)
    return any(
        APP in image or read_repository(_complete(config, image)) in wanted
        for entry in config.images
        for image in entry.image
    )


def is_ignored(config: Config, repository: Repository | None) -> bool:
    """Whether bumper.yaml's ``ignore`` names it, by glob or by a name that Docker would complete."""
    if repository is None:
        return False
    return any(
        fnmatchcase(str(repository), pattern) or read_repository(_complete(config, pattern)) == repository
        for pattern in config.ignore
    )


def _complete(config: Config, image: str) -> str:
    """``image`` with the registry that bumper.yaml names for those without a host."""
    return image if config.registry is None or has_host(image) else f"{config.registry}/{image}"


def with_given_images(
    values: ValuesFile, pins: tuple[Pin, ...], app: AppFiles, config: Config, environment: str
) -> tuple[Pin, ...]:
    """``pins`` with the images of bumper.yaml's ``images`` in the place of whatever was read at their paths."""
    for entry in config.images:
        if not _applies(entry, app, environment):
            continue
        path = (*app.section, *parse_path(entry.path))
        names = (_complete(config, image.replace(APP, app.identity.app)) for image in entry.image)
        repositories = [repository for name in names if (repository := read_repository(name)) is not None]
        there = pin_at(values, path, pins, repositories[0] if repositories else None)
        given = (*(pin for pin in pins if pin.path != path), *_given(there, repositories))
        pins = tuple(sorted(given, key=lambda pin: pin.line))
    return pins


def _applies(entry: PinnedImage, app: AppFiles, environment: str) -> bool:
    of_app = entry.apps is None or not {app.app, app.identity.app}.isdisjoint(entry.apps)
    return of_app and (entry.environments is None or environment in entry.environments)


def _given(pins: Iterable[Pin], repositories: Sequence[Repository]) -> Iterator[Pin]:
    """One pin for each image; several share the tag, and whoever sets one sets all."""
    for pin in pins:
        named = replace(pin, unnamed="", name_parts=())
        if len(repositories) > 1 and (pin.digest is not None or pin.digest_scalars):
            named = replace(named, refusal="it holds a digest, which several images cannot share; leave the tag alone")
        yield from (replace(named, repository=repository) for repository in repositories)
