"""From the bytes of an environment's files to its pins, application by application. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bumper.environments.applications import AppFiles, split_by_key
from bumper.environments.config_models import Config
from bumper.environments.layout import Environment
from bumper.environments.selection import is_ignored, with_given_images
from bumper.errors import Refused
from bumper.values.holds import HOLD, find_idle_holds, hold_reason, may_have_holds
from bumper.values.pin import Pin, PinPath, format_path
from bumper.values.values_file import ValuesFile, find_pins, read_values
from bumper.values.yaml_data import value_of
from bumper.values.yaml_tree import MappingNode, Resolved


@dataclass(frozen=True, slots=True)
class FoundPin:
    """A pin of an application, in ``file``; ``own_file`` is the last of the environment's own files for it.

    ``held`` is the reason of a hold on its path, in whichever of the application's files that is.
    """

    app: str
    file: str
    pin: Pin
    own_file: str
    held: str | None = None

    @property
    def place(self) -> tuple[str, str]:
        """Its file, and its path as changes name it."""
        return self.file, format_path(self.pin.path)


@dataclass(frozen=True, slots=True)
class Gathered:
    """An environment's pins.

    ``shared`` are pins of base files whose tag no file of the environment's own overrides; ``unreadable_files``
    says of each that could not be read why; ``idle_holds`` are comments that look like a hold and hold nothing;
    ``overridden`` says which pins a file of Argo CD's own overrides that is none of the environment's.
    """

    pins: tuple[FoundPin, ...]
    shared: tuple[FoundPin, ...]
    values: Mapping[str, ValuesFile]
    applications: tuple[AppFiles, ...]
    unreadable_files: Mapping[str, Refused]
    idle_holds: tuple[Refused, ...] = ()
    overridden: tuple[Refused, ...] = ()

    @property
    def with_shared(self) -> tuple[FoundPin, ...]:
        """The environment's own pins and those that it shares with others."""
        return (*self.pins, *self.shared)

    @property
    def apps(self) -> tuple[str, ...]:
        """The names of the applications."""
        return tuple(app.app for app in self.applications)

    @property
    def unreadable(self) -> tuple[str, ...]:
        """A sentence for each file that could not be read."""
        return tuple(map(str, self.unreadable_files.values()))

    @property
    def warnings(self) -> tuple[str, ...]:
        """What everybody who works with the pins should know."""
        return (*self.unreadable, *map(str, (*self.idle_holds, *self.overridden)))


def gather(environment: Environment, config: Config, sources: Mapping[str, bytes]) -> Gathered:
    """Read ``sources`` (the environment's files and their bases; symbolic links are not among them)."""
    values, unreadable = _read(environment.files, sources)
    apps = split_by_key(environment.name, environment.apps, config, values)
    pins: list[FoundPin] = []
    shared: list[FoundPin] = []
    for app in apps:
        own, of_bases = _pins_of_app(app, environment.name, config, values)
        pins += (found for found in own if not is_ignored(config, found.pin.repository))
        shared += (found for found in of_bases if not is_ignored(config, found.pin.repository))
    idle_holds = tuple(_idle_holds(apps, environment.name, config, values))
    return Gathered(tuple(pins), tuple(shared), values, apps, unreadable, idle_holds)


def _read(paths: Iterable[str], sources: Mapping[str, bytes]) -> tuple[dict[str, ValuesFile], dict[str, Refused]]:
    """The files that can be read, and why the others cannot."""
    values: dict[str, ValuesFile] = {}
    unreadable: dict[str, Refused] = {}
    for path in paths:
        if path not in sources:
            what = f"{path}: the file is a symbolic link, which bumper does not follow"
            unreadable[path] = Refused(what, "make it a file")
            continue
        try:
            values[path] = read_values(path, sources[path])
        except Refused as refusal:
            unreadable[path] = refusal
    return values, unreadable


def _pins_of_app(
    app: AppFiles, environment: str, config: Config, values: Mapping[str, ValuesFile]
) -> tuple[list[FoundPin], list[FoundPin]]:
    """The application's own pins, and those of its bases that no file above them overrides; holds hold both."""
    found: dict[str, tuple[Pin, ...]] = {}  # by file
    holds: dict[PinPath, tuple[str, str, int]] = {}
    for path in (path for path in app.files if path in values):
        found[path] = pins_of_file(values[path], [values[lower] for lower in found], app, config, environment)
        for pin in found[path] if HOLD in values[path].text else ():
            if (reason := hold_reason(values[path], pin)) is not None:
                holds[pin.path] = reason, path, pin.line

    def made(path: str, pin: Pin) -> FoundPin:
        reason, file, line = holds.get(pin.path, (None, path, 0))
        held = reason if file == path else f"{reason} (held in {file}:{line})"
        return FoundPin(app.app, path, pin, app.values[-1], held)

    own = [made(path, pin) for path in app.values for pin in found.get(path, ())]
    shared: list[FoundPin] = []
    seen = {one.pin.path for one in own}
    above = [values[path] for path in app.values if path in values]
    for path in (path for path in reversed(app.bases) if path in values):
        left = [
            pin for pin in found[path] if pin.path not in seen and not any(overrides(file, pin.path) for file in above)
        ]
        shared += (made(path, pin) for pin in left)
        seen.update(pin.path for pin in left)
        above.append(values[path])
    return own, shared


def pins_of_file(
    values: ValuesFile, lower: Sequence[ValuesFile], app: AppFiles, config: Config, environment: str
) -> tuple[Pin, ...]:
    """The application's pins in one of its files; ``lower`` are those that Helm reads before it."""
    pins = with_given_images(values, find_pins(values, lower, config.registry), app, config, environment)
    return tuple(pin for pin in pins if pin.path[: len(app.section)] == app.section)


def pins_of_version(
    environment: Environment, config: Config, path: str, content: bytes, current: Mapping[str, ValuesFile]
) -> tuple[FoundPin, ...]:
    """The pins of another version of the file ``path``, above the current versions of its applications' lower files.

    Empty where that version cannot be read.
    """
    try:
        return pins_above(environment, config, read_values(path, content), current)
    except Refused:
        return ()


def pins_above(
    environment: Environment, config: Config, version: ValuesFile, beside: Mapping[str, ValuesFile]
) -> tuple[FoundPin, ...]:
    """The pins of a file, above those of the files ``beside`` it that are lower in its applications."""
    found: list[FoundPin] = []
    for app in environment.apps:
        if version.name in app.values:
            lower = [beside[file] for file in app.files[: app.files.index(version.name)] if file in beside]
            pins = pins_of_file(version, lower, app, config, environment.name)
            found += (FoundPin(app.app, version.name, pin, app.values[-1]) for pin in pins)
    return tuple(found)


def pin_paths(gathered: Iterable[Gathered]) -> dict[str, set[PinPath]]:
    """Where pins stand, by file, bases included."""
    paths: defaultdict[str, set[PinPath]] = defaultdict(set)
    for found in (found for one in gathered for found in one.with_shared):
        paths[found.file].add(found.pin.path)
    return paths


def overrides(values: ValuesFile, path: Sequence[str | int]) -> bool:
    """Whether ``values`` decides what stands at ``path``: Helm merges mappings and replaces everything else."""
    root = values.documents[0].root if values.documents else None
    node: Resolved | None = root if isinstance(root, MappingNode) else None  # an empty document says nothing
    for step in path:
        if not isinstance(node, MappingNode):
            return node is not None
        node = value_of(node, step) if isinstance(step, str) else None
        if node is None:
            return False
    return True


def _idle_holds(
    apps: Sequence[AppFiles], environment: str, config: Config, values: Mapping[str, ValuesFile]
) -> Iterator[Refused]:
    """Every comment that looks like a hold and is at the end of no pin's line."""
    users: defaultdict[str, list[AppFiles]] = defaultdict(list)
    for app in apps:
        for path in app.files:
            users[path].append(app)
    for path, concerned in users.items():
        if path in values and may_have_holds(values[path].text):
            pins = find_pins(values[path])
            for app in concerned:
                pins = with_given_images(values[path], pins, app, config, environment)
            yield from find_idle_holds(values[path], pins)
