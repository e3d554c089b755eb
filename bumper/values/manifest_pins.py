"""Where Argo CD's Application and ApplicationSet manifests hold a chart's values.

``valuesObject`` holds values as a values file does and is searched like one; ``values`` is a text, in which bumper
edits nothing. See Argo CD's documentation of Helm sources: parameters stand before valuesObject, that before values.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from bumper.values.pin import PinPath
from bumper.values.siblings import Resolved, look_up
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


def helm_of_manifest(root: Node) -> list[Helm]:
    """The Helm parts of a document that is an Application or ApplicationSet, or a List of them; none of any other."""
    if plain_value(look_up(root, ("kind",))) == "List":
        items = look_up(root, ("items",))
        count = len(items.items) if isinstance(items, SequenceNode) else 0
        return [helm for index in range(count) for helm in _helm_at(root, ("items", index))]
    return list(_helm_at(root, ()))


def _helm_at(root: Node, place: PinPath) -> Iterator[Helm]:
    version, kind = (plain_value(look_up(root, (*place, key))) for key in ("apiVersion", "kind"))
    if version is None or not version.startswith(_API) or kind not in _KINDS:
        return
    for path in [source for spec in _SPECS for source in _sources(root, (*place, *spec))]:
        if isinstance(look_up(root, path), MappingNode):
            yield Helm(path, look_up(root, (*path, "valuesObject")), look_up(root, (*path, "values")))


def _sources(root: Node, spec: PinPath) -> Iterator[PinPath]:
    yield (*spec, "source", "helm")
    several = look_up(root, (*spec, "sources"))
    if isinstance(several, SequenceNode):
        yield from ((*spec, "sources", index, "helm") for index in range(len(several.items)))
