"""The walk through a document in search of pins. It neither recurses nor follows aliases."""

from collections import Counter
from collections.abc import Iterable, Iterator
from collections.abc import Mapping as Mapping_
from dataclasses import replace
from typing import NamedTuple, TypeAlias

from bumper.values.key_names import KeyName, Kind, key_name
from bumper.values.manifest_pins import Helm, helm_of_manifest, pins_of_parameters
from bumper.values.pin import Pin
from bumper.values.pin_path import PinPath, format_path
from bumper.values.shapes import Surroundings, pins_of_list, pins_of_mapping
from bumper.values.siblings import effective_values, key_text, look_up
from bumper.values.tag_scalars import plain_value
from bumper.values.yaml_tree import MappingNode, Node, Scalar, SequenceNode, YamlError, parse_documents

# The way to a node, innermost step first, so that a file nested 5,000 deep needs no 5,000 copies of its path.
Way: TypeAlias = "tuple[Way, str | int] | None"

_Lower: TypeAlias = "tuple[tuple[str, MappingNode], ...]"


class _Visit(NamedTuple):  # a tuple, because a large file makes tens of thousands of them
    node: MappingNode | SequenceNode
    way: Way
    parent_name: str
    in_images: bool
    lower: _Lower
    duplicate: str | None


def search_pins(text: str, root: Node, lower: tuple[tuple[str, Node], ...]) -> Iterator[Pin]:
    """The pins below ``root``; ``lower`` are the roots of lower-precedence files, highest precedence first."""
    registry = _global_registry((root, *(other for _, other in lower)))
    below = tuple((name, other) for name, other in lower if isinstance(other, MappingNode))
    waiting: list[_Visit] = []
    if isinstance(root, (MappingNode, SequenceNode)):
        waiting.append(_Visit(root, None, "", in_images=False, lower=below, duplicate=None))
    helms = helm_of_manifest(root)
    values_objects = {id(helm.values_object) for helm in helms}
    for helm in helms:
        yield from pins_of_parameters(text, helm, below)
        yield from _pins_in_text(helm)
    yield from _walk(text, waiting, registry, dict.fromkeys(values_objects, below))


def _walk(text: str, waiting: list[_Visit], registry: str | None, roots: Mapping_[int, _Lower]) -> Iterator[Pin]:
    """The pins below the nodes that are waiting; ``roots`` are nodes that stand for the root of lower files."""
    while waiting:
        visit = waiting.pop()
        if roots and id(visit.node) in roots:
            visit = visit._replace(lower=roots[id(visit.node)])
        node, way, parent_name, in_images, below, duplicate = visit
        if isinstance(node, MappingNode):
            if _open_mapping(visit, node, waiting) or in_images:
                around = Surroundings(text, path_of(way), parent_name, in_images, below, registry, duplicate)
                yield from pins_of_mapping(node, around)
        else:
            _open_list(visit, node, waiting)
            if in_images:
                around = Surroundings(text, path_of(way), parent_name, in_images, (), registry, duplicate)
                yield from pins_of_list(node, around)


def _pins_in_text(helm: Helm) -> Iterator[Pin]:
    """The pins of ``helm.values``, a text that only Argo CD reads as YAML: bumper changes nothing in it."""
    block = helm.values
    if not isinstance(block, Scalar):
        return
    try:
        documents = parse_documents(block.value)
    except YamlError:
        return
    below = () if not isinstance(helm.values_object, MappingNode) else (("", helm.values_object),)
    reason = f"it stands in a text, {format_path((*helm.path, 'values'))}; move that to valuesObject, which is YAML"
    for document in documents:
        for pin in search_pins(block.value, document.root, below):
            line = block.line + pin.line if block.style in ("|", ">") else block.line
            path = (*helm.path, "values", *pin.path)
            yield replace(pin, path=path, line=line, refusal=reason, tag_scalar=None, digest_scalar=None, absent=False)


def _open_mapping(visit: _Visit, mapping: MappingNode, waiting: list[_Visit]) -> bool:
    """Put the collections in ``mapping`` on the list of visits; whether one of its keys speaks of an image."""
    speaks = False
    keys: list[str] = []
    inner: list[tuple[str, KeyName, MappingNode | SequenceNode]] = []
    for text, value in _entries(mapping):
        keys.append(text)
        name = key_name(text)
        if name.kind is not None:
            speaks = True
        if type(value) is MappingNode or type(value) is SequenceNode:
            inner.append((text, name, value))
    if inner:
        twice = {key for key, times in Counter(keys).items() if times > 1} if len(mapping.keys) < len(keys) else ()
        lower = [(file, effective_values(other)) for file, other in visit.lower]
        for text, name, value in reversed(inner):
            below = tuple((file, node) for file, values in lower if isinstance(node := values.get(text), MappingNode))
            duplicate = (
                f"the key {text!r} above it stands twice in one mapping; make them one"
                if text in twice
                else visit.duplicate
            )
            in_images = visit.in_images or name.kind is Kind.IMAGE or name.kind is Kind.IMAGES
            waiting.append(_Visit(value, (visit.way, text), name.name, in_images, below, duplicate))
    return speaks


def _entries(mapping: MappingNode) -> Iterable[tuple[str, Node]]:
    """The keys that are texts and what they lead to, duplicates included."""
    if len(mapping.keys) == len(mapping.pairs):
        return mapping.keys.items()
    return [(text, value) for key, value in mapping.pairs if (text := key_text(key)) is not None]


def _open_list(visit: _Visit, items: SequenceNode, waiting: list[_Visit]) -> None:
    """Put the collections in a list on the list of visits. Helm replaces a list whole, so nothing below is shared."""
    waiting.extend(
        _Visit(item, (visit.way, index), visit.parent_name, visit.in_images, (), visit.duplicate)
        for index, item in reversed(tuple(enumerate(items.items)))
        if isinstance(item, (MappingNode, SequenceNode))
    )


def path_of(way: Way) -> PinPath:
    """The steps of ``way`` from the root on."""
    steps: list[str | int] = []
    while way is not None:
        way, step = way
        steps.append(step)
    return tuple(reversed(steps))


def _global_registry(roots: tuple[Node, ...]) -> str | None:
    registries = (plain_value(look_up(root, ("global", "imageRegistry"))) for root in roots)
    return next((registry for registry in registries if registry), None)
