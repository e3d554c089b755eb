"""What an application runs: its files put together as Helm does it, and what Argo CD's manifests set above them. Pure.

Helm merges mappings key by key, a later file's over an earlier one's; everything else, null included, replaces what was
there, and of a key that stands twice in a mapping the last counts.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import TypeAlias

from bumper.environments.applications import AppFiles
from bumper.environments.config_models import Config
from bumper.environments.discovery.manifests import Manifest, matching, read_source_file
from bumper.environments.gather import FoundPin, Gathered, pins_of_file
from bumper.environments.layout import Environment
from bumper.environments.selection import is_ignored
from bumper.errors import Refused
from bumper.values.pin import PinPath, format_path
from bumper.values.tag_scalars import is_null
from bumper.values.values_file import EncryptedBySops, read_values
from bumper.values.yaml_data import effective_values, value_of
from bumper.values.yaml_tree import MappingNode, Node, Resolved, Scalar, SequenceNode, resolve

_Data: TypeAlias = "dict[str, _Data] | list[_Data] | str | None"
_MAX_NODES = 200_000  # of one application's values, aliases expanded
_MAX_DEPTH = 100
_SOURCE_FILE = ".argocd-source"


@dataclass(frozen=True, slots=True)
class Running:
    """The pins that count in an environment, and why of some applications nobody can tell what they run."""

    pins: tuple[FoundPin, ...]
    unknown: Mapping[str, str]  # by the application's name


def running(gathered: Gathered, environment: str, config: Config) -> Running:
    """What the applications of the environment run, each pin with the repository, tag and digest that Helm uses."""
    by_app: defaultdict[str, list[FoundPin]] = defaultdict(list)
    for found in (*gathered.shared, *gathered.pins):
        by_app[found.app].append(found)
    pins: list[FoundPin] = []
    unknown: dict[str, str] = {}
    for app in gathered.applications:
        layers, own = list(_layers(app, gathered)), by_app[app.app]
        try:
            _refuse_unreadable(layers, own)
            pins += own if _is_plain(layers, own) else _merged_pins(app, layers, own, environment, config)
        except Refused as refusal:
            unknown[app.app] = str(refusal)
    return Running(tuple(pins), unknown)


@dataclass(frozen=True, slots=True)
class _Layer:
    """A file of an application; ``root`` is None where it is empty, ``refusal`` says why it could not be read."""

    file: str
    root: Node | None
    is_manifest: bool = False  # of several documents, which Helm does not read as values
    refusal: Refused | None = None


def _layers(app: AppFiles, gathered: Gathered) -> Iterator[_Layer]:
    """The application's files, the lowest precedence first."""
    for path in app.files:
        if path in gathered.values:
            documents = gathered.values[path].documents
            yield _Layer(path, documents[0].root if documents else None, is_manifest=len(documents) > 1)
        elif path in gathered.unreadable_files:
            refusal = gathered.unreadable_files[path]
            yield _Layer(path, refusal.root if isinstance(refusal, EncryptedBySops) else None, refusal=refusal)


def _refuse_unreadable(layers: Sequence[_Layer], pins: Sequence[FoundPin]) -> None:
    """Refuse a file above a pin that cannot be read and may speak of the pin.

    Where no file has a pin, the one that cannot be read may have all of them; of an encrypted one the keys are known.
    """
    order = {layer.file: number for number, layer in enumerate(layers)}
    for number, layer in enumerate(layers):
        below = [found for found in pins if order[found.file] < number]
        knows_keys = layer.root is not None and all(
            _leaves_alone(layer.root, found, may_speak=False) for found in below
        )
        if layer.refusal is not None and (below or not pins) and not knows_keys:
            raise layer.refusal


def _is_plain(layers: Sequence[_Layer], pins: Iterable[FoundPin]) -> bool:
    """Whether each pin counts as its file has it: others speak only of mappings around it, and only lower ones do."""
    order = {layer.file: number for number, layer in enumerate(layers)}
    return any(layer.is_manifest for layer in layers) or all(
        found.pin.refusal is None
        and all(
            layer.file == found.file or _leaves_alone(layer.root, found, may_speak=number < order[found.file])
            for number, layer in enumerate(layers)
        )
        for found in pins
    )


def _leaves_alone(root: Node | None, found: FoundPin, *, may_speak: bool) -> bool:
    """Whether a file has only mappings, or nothing, on the way to the pin; it ``may_speak`` of what is beside it."""
    node = resolve(root) if root is not None else None
    for step in found.pin.path[:-1]:
        if node is None:
            return True
        if not isinstance(node, MappingNode) or not isinstance(step, str):
            return False
        node = value_of(node, step)
    return node is None or (may_speak and isinstance(node, MappingNode))


def _merged_pins(
    app: AppFiles, layers: Sequence[_Layer], pins: Sequence[FoundPin], environment: str, config: Config
) -> Iterator[FoundPin]:
    """The pins of the merged values, each at the place of the last file that holds its tag."""
    roots = [resolve(layer.root) for layer in layers if layer.root is not None and layer.refusal is None]
    data = _merge(app.values[-1], roots)
    merged = read_values(app.values[-1], json.dumps(data, ensure_ascii=False).encode())
    places = {found.pin.path: found for found in sorted(pins, key=lambda found: not found.pin.absent)}
    for pin in pins_of_file(merged, (), app, config, environment):
        place = places.get(pin.path)
        if place is not None and not pin.absent and not is_ignored(config, pin.repository):
            own = replace(place.pin, repository=pin.repository, tag=pin.tag, digest=pin.digest, absent=False)
            yield replace(place, pin=own)


def _merge(name: str, roots: Sequence[Resolved | None]) -> _Data:
    """The data of several files, the lowest precedence first; ``name`` is where it is said that they are too large."""
    budget = iter(range(_MAX_NODES))

    def merged(layers: Sequence[Resolved | None], depth: int) -> _Data:
        if next(budget, None) is None or depth > _MAX_DEPTH:
            raise Refused(f"{name}: it has too many values, or too deeply nested ones, to merge", "simplify them")
        top = layers[-1]
        if isinstance(top, SequenceNode):
            return [merged([resolve(item)], depth + 1) for item in top.items]
        if not isinstance(top, MappingNode):
            return top.value if isinstance(top, Scalar) and not is_null(top) else None
        mappings: list[dict[str, Resolved | None]] = []  # those above the last other value
        for node in reversed(layers):
            if not isinstance(node, MappingNode):
                break
            mappings.insert(0, effective_values(node))
        keys = dict.fromkeys(key for mapping in mappings for key in mapping)
        return {key: merged([known[key] for known in mappings if key in known], depth + 1) for key in keys}

    return merged(roots, 0)


def find_overrides(manifests: Iterable[Manifest], pins: Mapping[str, Collection[PinPath]]) -> list[Refused]:
    """Every pin that a manifest overrides inline, each with what to do.

    ``pins`` are the paths of the pins by file; a manifest concerns the files that its sources read.
    """
    found: dict[str, Refused] = {}
    for manifest, source in ((owner, source) for owner in manifests for source in owner.sources):
        globs = source.files if source.inline else ()
        files = dict.fromkeys(file for glob in globs for file in matching(glob, pins))
        overridden: defaultdict[tuple[int, str, PinPath], list[str]] = defaultdict(list)
        for inline, file in product(source.inline, files):
            for path in (path for path in pins[file] if _decides(inline.data, path)):
                overridden[inline.line, inline.how, path].append(file)
        for (line, how, path), concerned in sorted(overridden.items(), key=lambda item: (item[0][0], str(item[0]))):
            override = Refused(
                f"{manifest.file}:{line}: {manifest.kind} {manifest.name} sets {format_path(path)} by {how}, which "
                f"overrides {_listed(concerned)}",
                "remove the parameter" if "param" in how else "remove it there",
            )
            found[str(override)] = override
    return list(found.values())


def _listed(files: Sequence[str]) -> str:
    rest = len(files) - 1
    more = f" and {rest} more {'file' if rest == 1 else 'files'}" if rest else ""
    return f"{min(files)}{more}"


def source_files_beside(environment: Environment, paths: Iterable[str]) -> list[str]:
    """Argo CD's own files beside the environment's, which it puts above the values: those that are not among them."""
    files = set(environment.files)
    folders = set(map(_folder, files))
    found = (path for path in paths if _SOURCE_FILE in path and path not in files)
    return [path for path in found if path.rpartition("/")[2].startswith(_SOURCE_FILE) and _folder(path) in folders]


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def overridden_pins(gathered: Gathered, environment: str, sources: Mapping[str, bytes]) -> Iterator[Refused]:
    """The pins that the files of Argo CD's own in ``sources`` override, each with what to do."""
    for file, content in sources.items():
        folder, slash, _ = file.rpartition("/")
        users = {app.app for app in gathered.applications if folder in map(_folder, app.files)}
        paths = {found.pin.path: found for found in gathered.pins if found.app in users}
        for inline in read_source_file(content):
            for path, found in paths.items():
                if _decides(inline.data, path):
                    yield Refused(
                        f"{file}:{inline.line}: Argo CD sets {format_path(path)} of {found.app} by {inline.how} here, "
                        f"above {found.file}",
                        f"add {folder}{slash}{_SOURCE_FILE}*.yaml to the values of {environment} in bumper.yaml, or "
                        "remove it there",
                    )


def _decides(data: object, path: PinPath) -> bool:
    """Whether ``data`` says what stands at ``path``: mappings are merged, everything else is replaced as a whole.

    An index of ``--set`` is a key here, so that the rest of its list stays.
    """
    for step in path:
        if not isinstance(data, dict):
            return True
        if step not in data:
            return False
        data = data[step]
    return True
