"""Which applications and images are meant: by a request, and by bumper.yaml where it speaks of images. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from bumper.environments.applications import AppFiles
from bumper.environments.config_models import Config, PinnedImage
from bumper.environments.layout import Environment
from bumper.environments.path_pattern import APP
from bumper.errors import Refused
from bumper.image import Repository, has_host, read_repository
from bumper.values.pin import Pin, parse_path
from bumper.values.requested import pin_at
from bumper.values.values_file import ValuesFile, mark_shared


@dataclass(frozen=True, slots=True)
class Selection:
    """The applications (globs) and images that a request is about; empty: all."""

    apps: tuple[str, ...] = ()
    images: tuple[Repository, ...] = ()


EVERYTHING = Selection()
# Bytes that are read whole, which takes a twentieth of a second and names every file that is broken. Of more, parsing
# takes seconds, a search for an image's name milliseconds.
_LITTLE = 250_000


def with_apps(environment: Environment, globs: Sequence[str]) -> Environment:
    """The environment with the applications that a glob names, and those that keys name, which are not known yet."""
    if not globs:
        return environment
    chosen = choose_applications(environment.apps, environment.name, globs, may_be_missing=True)
    return replace(environment, apps=tuple(app for app in environment.apps if app.app in chosen or app.is_by_key))


def choose_applications(
    apps: Sequence[AppFiles], environment: str, globs: Sequence[str], *, may_be_missing: bool = False
) -> frozenset[str]:
    """The names of the applications that ``--app`` means; all of them without it.

    A glob is compared with the whole name, and with its last part; so is a name with the folders before it. Refused
    if a name means several applications, or a glob none (unless ``may_be_missing``).
    """
    if not globs:
        return frozenset(app.app for app in apps)
    chosen: set[str] = set()
    for glob in globs:
        found = [app.app for app in apps if app.app == glob] or [app.app for app in apps if is_named(app, glob)]
        if not found and not may_be_missing:
            known = ", ".join(app.app for app in apps[:20])
            raise Refused(f"no application of {environment} is called {glob!r}", f"it has {known}")
        if len(found) > 1 and not any(sign in glob for sign in "*?["):
            raise Refused(
                f"{environment} has several applications {glob!r}: {', '.join(found)}", "name one of them with --app"
            )
        chosen.update(found)
    return frozenset(chosen)


def is_named(app: AppFiles, glob: str) -> bool:
    """Whether ``--app glob`` may mean the application."""
    if any(fnmatchcase(name, glob) for name in (app.app, app.identity.app)):
        return True
    return f"/{app.identity.whole_name}".endswith(f"/{glob}")


def is_chosen(image: Repository | None, globs: Sequence[str]) -> bool:
    """Whether one of ``--image``'s globs names the image; without any all are meant."""
    return not globs or any(fnmatchcase(str(image), glob) for glob in globs)


def with_images(
    environment: Environment, config: Config, sources: Mapping[str, bytes], images: Sequence[Repository]
) -> Environment:
    """The environment with the applications whose files can hold a pin of one of ``images``.

    The last part of a repository's name stands in one piece in every file that names it, however the rest is split
    over keys; only escapes (a letter as its number), UTF-16 and SOPS could hide it: such files are read in any case,
    and so is a symbolic link, which has no content here and is warned of.
    """
    if not images or sum(map(len, sources.values())) <= _LITTLE or may_be_given(config, images):
        return environment
    signs = (b"\\", b"\0", b"sops", *(image.name.rpartition("/")[2].encode() for image in images))
    files = environment.files
    telling = {path for path in files if path not in sources or any(sign in sources[path] for sign in signs)}
    return replace(environment, apps=tuple(app for app in environment.apps if not telling.isdisjoint(app.files)))


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
    return mark_shared(pins) if config.images else pins


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
