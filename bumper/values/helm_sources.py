"""Where Argo CD and helmfile hold a chart's values: in manifests of applications, and as lists of parameters.

``valuesObject`` holds values as a values file does and is searched like one; ``values`` is a text, in which bumper
edits nothing. See Argo CD's documentation of Helm sources: parameters stand before valuesObject, that before values.
Lists of ``{name, value}`` (Helm parameters, and environment variables) are known by their form, wherever they stand; a
parameter's name is the path of a value.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from bumper.values.key_names import key_name
from bumper.values.pin import Pin, PinPath
from bumper.values.shapes import pins_of_keys
from bumper.values.siblings import Origin, Sibling, look_up, siblings_of, value_of
from bumper.values.surroundings import NamePart, Scope, Surroundings
from bumper.values.tag_scalars import plain_value
from bumper.values.yaml_tree import MappingNode, Node, Resolved, SequenceNode

_KINDS = frozenset({"Application", "ApplicationSet"})
_SPECS: tuple[PinPath, ...] = (("spec",), ("spec", "template", "spec"))
# In a parameter's name: keys with dots between them, a dot inside a key behind a backslash, an index in brackets.
_STEP = re.compile(r"(?P<key>(?:\\.|[^.\[\]\\])+)|\[(?P<index>\d{1,5})\]|\.", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Helm:
    """The ``helm`` of one source of a manifest, and where it stands."""

    path: PinPath
    values_object: Resolved | None
    values: Resolved | None


def helm_of_manifest(root: Node) -> list[Helm]:
    """The Helm parts of a document that is an Application or ApplicationSet, or a List of them; none of any other."""
    if plain_value(look_up(root, ("kind",))) == "List":
        items = look_up(root, ("items",))
        count = len(items.items) if isinstance(items, SequenceNode) else 0
        return [helm for index in range(count) for helm in _helm_at(root, ("items", index))]
    return list(_helm_at(root, ()))


def _helm_at(root: Node, place: PinPath) -> Iterator[Helm]:
    version, kind = (plain_value(look_up(root, (*place, key))) for key in ("apiVersion", "kind"))
    if version is None or not version.startswith("argoproj.io/") or kind not in _KINDS:
        return
    for path in [source for spec in _SPECS for source in _sources(root, (*place, *spec))]:
        if isinstance(look_up(root, path), MappingNode):
            yield Helm(path, look_up(root, (*path, "valuesObject")), look_up(root, (*path, "values")))


def _sources(root: Node, spec: PinPath) -> Iterator[PinPath]:
    yield (*spec, "source", "helm")
    several = look_up(root, (*spec, "sources"))
    if isinstance(several, SequenceNode):
        yield from ((*spec, "sources", index, "helm") for index in range(len(several.items)))


@dataclass(frozen=True, slots=True)
class _Parameter:
    """A parameter: the path of a value, and the value."""

    steps: PinPath
    index: int
    value: Resolved

    @property
    def key(self) -> str:
        """The last step, which is never an index."""
        return str(self.steps[-1])


def is_parameter_list(items: SequenceNode) -> bool:
    """Whether a list holds names and values. Variables whose value comes from elsewhere may stand among them."""
    return any(isinstance(item, MappingNode) and "name" in item.keys and "value" in item.keys for item in items.items)


def values_beside(mapping: MappingNode) -> tuple[tuple[str, MappingNode], ...]:
    """The values that a mapping with parameters sets as well, below the parameters."""
    found = []
    for key in ("valuesObject", "values"):
        node = value_of(mapping, key)
        inline = node.items if isinstance(node, SequenceNode) else (node,)  # helmfile's are a list, of files too
        found += [("", part) for part in inline[::-1] if isinstance(part, MappingNode)]
    return tuple(found)


def pins_of_parameters(
    text: str, path: PinPath, items: SequenceNode, lower: Sequence[tuple[str, MappingNode]], scope: Scope
) -> Iterator[Pin]:
    """The pins that parameters set, with the repositories beside them or in the values of ``lower``."""
    parameters = list(_parameters(items))
    registry = next((one.value for one in parameters if one.steps == ("global", "imageRegistry")), None)
    if value := plain_value(registry):
        scope = replace(scope, shared=(NamePart("global.imageRegistry", value),))
    for folder in dict.fromkeys(one.steps[:-1] for one in parameters):
        own = [one for one in parameters if one.steps[:-1] == folder]
        others = [(file, node) for file, root in lower if isinstance(node := look_up(root, folder), MappingNode)]
        keys = {sibling.name.name: sibling for sibling in _siblings(own, others)}
        parent = next((key_name(step).name for step in reversed(folder) if isinstance(step, str)), "")
        around = Surroundings(text, (), parent, in_images=False, lower=(), scope=scope, duplicate=None)
        index = {one.key: one.index for one in own}
        for pin in pins_of_keys(keys, around):
            key = pin.path[-1]
            if not pin.absent and isinstance(key, str) and key in index:
                digests = tuple(
                    replace(digest, path=(*path, index[str(digest.path[-1])], "value")) for digest in pin.digest_scalars
                )
                place, shape = (*path, index[key], "value"), f"parameters' {pin.shape}"
                yield replace(pin, path=place, shape=shape, digest_scalars=digests)


def _parameters(items: SequenceNode) -> Iterator[_Parameter]:
    for index, item in enumerate(items.items):
        name, value = plain_value(look_up(item, ("name",))), look_up(item, ("value",))
        if name and value is not None:
            steps = parse_parameter_name(name)
            if steps and isinstance(steps[-1], str):
                yield _Parameter(steps, index, value)


def _siblings(own: list[_Parameter], lower: list[tuple[str, MappingNode]]) -> Iterator[Sibling]:
    """The keys of one mapping of values, those of lower precedence first: whoever collects them keeps the last."""
    for file, mapping in reversed(lower):
        for sibling in siblings_of(mapping, ()).values():
            yield replace(sibling, origin=Origin.LOWER, file=file)
    for one in own:
        yield Sibling(one.key, key_name(one.key), one.value, one.value.line, Origin.OWN)


def parse_parameter_name(name: str) -> PinPath:
    """The path that a name means to ``helm --set`` and in ``helm.parameters``; empty where it is not a parameter's."""
    steps = list(_STEP.finditer(name))
    if "".join(step[0] for step in steps) != name:
        return ()
    return tuple(
        int(step["index"]) if step["index"] is not None else re.sub(r"\\(.)", r"\1", step["key"])
        for step in steps
        if step[0] != "."
    )
