"""From the bytes of an environment's files to its pins, application by application. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from bumper.environments.config_models import Config, PinnedImage
from bumper.environments.layout import AppFiles, Environment
from bumper.errors import Refused
from bumper.image import Repository, read_repository
from bumper.values.holds import HOLD
from bumper.values.pin import Pin
from bumper.values.pin_path import PinPath, parse_path
from bumper.values.siblings import resolve, value_of
from bumper.values.values_file import ValuesFile, find_pins, pin_at, read_values
from bumper.values.yaml_tree import MappingNode


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

    ``shared`` are pins of base files whose tag no file of the environment's own overrides; ``refusals`` say of
    each file that could not be read why; ``with_holds`` are the files in which the words of a hold stand.
    """

    pins: tuple[FoundPin, ...]
    shared: tuple[FoundPin, ...]
    values: Mapping[str, ValuesFile]
    refusals: tuple[Refused, ...]
    apps: tuple[str, ...]
    with_holds: frozenset[str]

    @property
    def unreadable(self) -> tuple[str, ...]:
        """The refusals as sentences."""
        return tuple(map(str, self.refusals))


def gather(environment: Environment, config: Config, sources: Mapping[str, bytes]) -> Gathered:
    """Read ``sources`` (the environment's files and their bases; symbolic links are not among them)."""
    values, refusals = _read(environment, sources)
    pins: list[FoundPin] = []
    shared: list[FoundPin] = []
    for app in environment.apps:
        own = list(_own_pins(environment, config, app, values))
        pins += own
        shared += _shared_pins(app, values, {found.pin.path for found in own})
    return Gathered(
        pins=tuple(found for found in pins if not is_ignored(config, found.pin.repository)),
        shared=tuple(found for found in shared if not is_ignored(config, found.pin.repository)),
        values=values,
        refusals=tuple(refusals),
        apps=tuple(dict.fromkeys(app.app for app in environment.apps)),
        with_holds=frozenset(path for path in environment.files if HOLD.encode() in sources.get(path, b"")),
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


def _read(environment: Environment, sources: Mapping[str, bytes]) -> tuple[dict[str, ValuesFile], list[Refused]]:
    """The environment's files that can be read, and why the others cannot."""
    values, refusals = {}, []
    for path in environment.files:
        if path not in sources:
            what = f"{path}: the file is a symbolic link, which bumper does not follow"
            refusals.append(Refused(what, "make it a file"))
            continue
        try:
            values[path] = read_values(path, sources[path])
        except Refused as refusal:
            refusals.append(refusal)
    return values, refusals


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
