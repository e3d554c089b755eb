"""From the bytes of an environment's files to its pins, application by application. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from bumper.environments.config_models import Config, PinnedImage
from bumper.environments.layout import AppFiles, Environment
from bumper.environments.sharing_out import chunks, map_in_processes
from bumper.errors import Refused
from bumper.image import Repository, read_repository
from bumper.values.holds import HOLD
from bumper.values.pin import Pin
from bumper.values.pin_path import PinPath, parse_path
from bumper.values.siblings import resolve, value_of
from bumper.values.skimming import skim
from bumper.values.values_file import ValuesFile, find_pins, pin_at, read_values, try_values
from bumper.values.values_on_demand import ValuesOnDemand
from bumper.values.yaml_tree import MappingNode

_MANY = 250  # applications
_AT_ONCE = 250  # of many


@dataclass(frozen=True, slots=True)
class FoundPin:
    """A pin of an application, in ``file``; ``own_file`` is the last of the environment's own files for it."""

    app: str
    file: str
    pin: Pin
    own_file: str


@dataclass(frozen=True, slots=True)
class Gathered:
    """An environment's pins.

    ``shared`` are pins of base files whose tag no file of the environment's own overrides; ``unreadable`` says of each
    file that could not be read why; ``with_holds`` are the files in which the words of a hold stand.
    """

    pins: tuple[FoundPin, ...]
    shared: tuple[FoundPin, ...]
    values: Mapping[str, ValuesFile]
    unreadable: tuple[str, ...]
    apps: tuple[str, ...]
    with_holds: frozenset[str]


def gather(environment: Environment, config: Config, sources: Mapping[str, bytes]) -> Gathered:
    """Read ``sources`` (the environment's files and their bases; symbolic links are not among them)."""
    apps = environment.apps
    values: Mapping[str, ValuesFile]
    if len(apps) < _MANY:
        values, unreadable = _read_all(environment, sources)
        found = [_find(environment, config, values, unreadable)]
    else:  # neither the trees of all of them at once, nor one core for all
        parts = [replace(environment, apps=tuple(part)) for part in chunks(apps, _AT_ONCE)]
        found = map_in_processes(lambda part: _find(part, config, *_look_at(part, config, sources)), parts)
        values = ValuesOnDemand({path: sources[path] for one in found for path in one.readable})
    return Gathered(
        pins=tuple(pin for one in found for pin in one.pins),
        shared=tuple(pin for one in found for pin in one.shared),
        values=values,
        unreadable=tuple(dict.fromkeys(warning for one in found for warning in one.unreadable)),
        apps=tuple(dict.fromkeys(app.app for app in apps)),
        with_holds=frozenset(path for path in environment.files if HOLD.encode() in sources.get(path, b"")),
    )


@dataclass(frozen=True, slots=True)
class _Found:
    """What was found in some of an environment's applications."""

    pins: tuple[FoundPin, ...]
    shared: tuple[FoundPin, ...]
    readable: Sequence[str]
    unreadable: Sequence[str]


def _find(
    environment: Environment, config: Config, values: Mapping[str, ValuesFile], unreadable: Sequence[str]
) -> _Found:
    pins: list[FoundPin] = []
    shared: list[FoundPin] = []
    for app in environment.apps:
        own = list(_own_pins(environment, config, app, values))
        pins += own
        shared += _shared_pins(app, values, {found.pin.path for found in own})
    return _Found(
        tuple(found for found in pins if not is_ignored(config, found.pin.repository)),
        tuple(found for found in shared if not is_ignored(config, found.pin.repository)),
        tuple(values),
        unreadable,
    )


def pin_paths(gathered: Iterable[Gathered]) -> dict[str, set[PinPath]]:
    """Where pins stand, by file, bases included."""
    paths: defaultdict[str, set[PinPath]] = defaultdict(set)
    for one in gathered:
        for found in (*one.pins, *one.shared):
            paths[found.file].add(found.pin.path)
    return paths


def is_ignored(config: Config, repository: Repository | None) -> bool:
    """Whether bumper.yaml's ``ignore`` names it, by glob or by a name that Docker would complete."""
    if repository is None:
        return False
    return any(
        fnmatchcase(str(repository), pattern) or read_repository(pattern) == repository for pattern in config.ignore
    )


def _read_all(
    environment: Environment, sources: Mapping[str, bytes]
) -> tuple[dict[str, ValuesFile], list[str]]:  # fmt: skip
    return _sorted_out(
        environment, {path: try_values(path, sources[path]) for path in environment.files if path in sources}
    )


def _look_at(
    environment: Environment, config: Config, sources: Mapping[str, bytes]
) -> tuple[dict[str, ValuesFile], list[str]]:  # fmt: skip
    """The same for looking only, in less than half the time."""
    if config.images:  # which name paths whose keys need not speak of an image
        return _read_all(environment, sources)
    return _sorted_out(environment, skim(environment, sources))


def _sorted_out(
    environment: Environment, read: Mapping[str, ValuesFile | Refused]
) -> tuple[dict[str, ValuesFile], list[str]]:  # fmt: skip
    """What could be read, and why the rest could not."""
    values, unreadable = {}, []
    for path in environment.files:
        one = read.get(path)
        if isinstance(one, ValuesFile):
            values[path] = one
        elif one is None:
            unreadable.append(f"{path}: the file is a symbolic link, which bumper does not follow; make it a file.")
        else:
            unreadable.append(str(one))
    return values, unreadable


def pins_of_version(
    environment: Environment,
    config: Config,
    app: AppFiles,
    path: str,
    content: bytes,
    current: Mapping[str, ValuesFile],
) -> tuple[Pin, ...]:
    """The pins of another version of the application's file ``path``, beside the current versions of its other files.

    Empty where that version cannot be read.
    """
    others = {file: current[file] for file in (*app.bases, *app.values) if file in current and file != path}
    try:
        others[path] = read_values(path, content)
    except Refused:
        return ()
    return tuple(found.pin for found in _own_pins(environment, config, app, others) if found.file == path)


def _own_pins(
    environment: Environment, config: Config, app: AppFiles, values: Mapping[str, ValuesFile]
) -> Iterator[FoundPin]:
    lower = [values[path] for path in app.bases if path in values]
    for path in app.values:
        if path in values:
            pins = find_pins(values[path], lower)
            for image in config.images:
                if _applies(image, app.app, environment.name):
                    pins = _with_image(values[path], pins, image)
            yield from (FoundPin(app.app, path, pin, app.values[-1]) for pin in pins)
            lower.append(values[path])


def _applies(image: PinnedImage, app: str, environment: str) -> bool:
    return (image.apps is None or app in image.apps) and (
        image.environments is None or environment in image.environments
    )


def _with_image(values: ValuesFile, pins: tuple[Pin, ...], image: PinnedImage) -> tuple[Pin, ...]:
    """``pins`` with the image that bumper.yaml gives to a path at which no repository is named."""
    repository, path = read_repository(image.image), parse_path(image.path)
    there = pin_at(values, path, pins, repository)
    given = [replace(pin, repository=repository) if pin.repository is None else pin for pin in there]
    return (*(pin for pin in pins if pin.path != path), *given)


def _shared_pins(app: AppFiles, values: Mapping[str, ValuesFile], own: set[PinPath]) -> Iterator[FoundPin]:
    above = [values[path] for path in app.values if path in values]
    lower = [(path, values[path]) for path in app.bases if path in values]
    seen = set(own)
    while lower:
        path, base = lower.pop()
        for pin in find_pins(base, [other for _, other in lower]):
            if pin.path not in seen and not any(_overrides(file, pin.path) for file in above):
                seen.add(pin.path)
                yield FoundPin(app.app, path, pin, app.values[-1])
        above.append(base)


def _overrides(values: ValuesFile, path: Sequence[str | int]) -> bool:
    """Whether ``values`` decides what stands at ``path``: Helm merges mappings and replaces everything else."""
    node = resolve(values.documents[0].root) if values.documents else None
    for step in path:
        if not isinstance(node, MappingNode):
            return node is not None
        node = value_of(node, step) if isinstance(step, str) else None
        if node is None:
            return False
    return True
