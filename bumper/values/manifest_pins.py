"""Pins in Argo CD's Application and ApplicationSet manifests: Helm parameters, which name a value's path in a text.

``valuesObject`` holds values as a values file does and is searched like one; ``values`` is a text, in which bumper
edits nothing. See Argo CD's documentation of Helm sources: parameters stand before valuesObject, that before values.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from bumper.values.key_names import key_name
from bumper.values.pin import Pin
from bumper.values.pin_path import PinPath
from bumper.values.shapes import Surroundings, pins_of_keys
from bumper.values.siblings import Origin, Resolved, Sibling, look_up, siblings_of
from bumper.values.tag_scalars import plain_value
from bumper.values.yaml_tree import MappingNode, Node, SequenceNode

_API = "argoproj.io/"
_KINDS = frozenset({"Application", "ApplicationSet"})
_SPECS: tuple[PinPath, ...] = (("spec",), ("spec", "template", "spec"))


@dataclass(frozen=True, slots=True)
class Helm:
    """The ``helm`` of one source of a manifest, and where it stands."""

    path: PinPath
    values_object: Resolved | None
    values: Resolved | None
    parameters: Resolved | None


@dataclass(frozen=True, slots=True)
class _Parameter:
    """A Helm parameter: the path of a value, and the value."""

    steps: tuple[str, ...]
    index: int
    value: Resolved | None
    line: int


def helm_of_manifest(root: Node) -> list[Helm]:
    """The Helm parts of a document that is an Application or ApplicationSet; none of any other."""
    version, kind = (plain_value(look_up(root, (key,))) for key in ("apiVersion", "kind"))
    if version is None or not version.startswith(_API) or kind not in _KINDS:
        return []
    places = [place for spec in _SPECS for place in _sources(root, spec)]
    found = []
    for path in places:
        if isinstance(look_up(root, path), MappingNode):
            parts = (look_up(root, (*path, key)) for key in ("valuesObject", "values", "parameters"))
            found.append(Helm(path, *parts))
    return found


def _sources(root: Node, spec: PinPath) -> Iterator[PinPath]:
    yield (*spec, "source", "helm")
    several = look_up(root, (*spec, "sources"))
    if isinstance(several, SequenceNode):
        yield from ((*spec, "sources", index, "helm") for index in range(len(several.items)))


def pins_of_parameters(text: str, helm: Helm, lower: tuple[tuple[str, MappingNode], ...]) -> Iterator[Pin]:
    """The pins that parameters set, with the repositories beside them, in valuesObject or in the files of ``lower``."""
    parameters = list(_parameters(helm))
    below = (*((("", helm.values_object),) if isinstance(helm.values_object, MappingNode) else ()), *lower)
    registry = next((plain_value(one.value) for one in parameters if one.steps == ("global", "imageRegistry")), None)
    for folder in dict.fromkeys(one.steps[:-1] for one in parameters):
        own = [one for one in parameters if one.steps[:-1] == folder]
        others = [(file, node) for file, root in below if isinstance(node := look_up(root, folder), MappingNode)]
        keys = {sibling.name.name: sibling for sibling in _siblings(own, others)}
        parent = key_name(folder[-1]).name if folder else ""
        around = Surroundings(text, (), parent, in_images=False, lower=(), global_registry=registry, duplicate=None)
        index = {one.steps[-1]: one.index for one in own}
        for pin in pins_of_keys(keys, around):
            key = pin.path[-1]
            if not pin.absent and isinstance(key, str):
                yield replace(pin, path=(*helm.path, "parameters", index[key], "value"))


def _parameters(helm: Helm) -> Iterator[_Parameter]:
    items = helm.parameters.items if isinstance(helm.parameters, SequenceNode) else ()
    for index, item in enumerate(items):
        name, value = plain_value(look_up(item, ("name",))), look_up(item, ("value",))
        if name and value is not None:
            # Helm's --set: a dot inside a key is written after a backslash.
            steps = tuple(step.replace("\0", ".") for step in name.replace("\\.", "\0").split("."))
            yield _Parameter(steps, index, value, value.line)


def _siblings(own: list[_Parameter], lower: list[tuple[str, MappingNode]]) -> Iterator[Sibling]:
    """The keys of one mapping of values, those of lower precedence first: whoever collects them keeps the last."""
    for file, mapping in reversed(lower):
        for sibling in siblings_of(mapping, ()).values():
            yield replace(sibling, origin=Origin.LOWER, file=file)
    for one in own:
        yield Sibling(one.steps[-1], key_name(one.steps[-1]), one.value, one.line, Origin.OWN)
