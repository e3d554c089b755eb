"""The walk through a document in search of pins. It neither recurses nor follows aliases."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple, TypeAlias

from bumper.values.helm_sources import Helm, helm_of_manifest, is_parameter_list, pins_of_parameters, values_beside
from bumper.values.key_names import KeyName, Kind, key_name
from bumper.values.partners import is_chart_file
from bumper.values.pin import Pin, PinPath, format_path
from bumper.values.pin_making import is_kustomize_image, pins_of_kustomize_image
from bumper.values.shapes import pins_of_list, pins_of_mapping
from bumper.values.siblings import effective_values, is_public_image, siblings_of
from bumper.values.surroundings import Scope, Surroundings, scope_below
from bumper.values.yaml_tree import MappingNode, Node, Scalar, SequenceNode, YamlError, key_text, parse_documents

# The way to a node, innermost step first, so that a file nested 5,000 deep needs no 5,000 copies of its path.
Way: TypeAlias = "tuple[Way, str | int] | None"

_Lower: TypeAlias = "tuple[tuple[str, MappingNode], ...]"


class _Visit(NamedTuple):  # a tuple, because a large file makes tens of thousands of them
    node: MappingNode | SequenceNode
    way: Way
    parent_name: str
    in_images: bool
    lower: _Lower
    scope: Scope
    duplicate: str | None
    beside: _Lower = ()  # of a list: the values in the mapping that holds it


def search_pins(
    text: str, root: Node, lower: tuple[tuple[str, Node], ...], registry: str | None = None
) -> Iterator[Pin]:
    """The pins below ``root``; ``lower`` are the roots of lower-precedence files, highest precedence first.

    ``registry`` is that of repositories that name none, by default Docker Hub.
    """
    below = tuple((name, other) for name, other in lower if isinstance(other, MappingNode))
    if not isinstance(root, (MappingNode, SequenceNode)) or is_chart_file(root):
        return
    helms = helm_of_manifest(root)
    for helm in helms:
        yield from _pins_in_text(helm)
    # An Application's valuesObject stands for the root of lower files, as the document's own root does.
    roots = {id(helm.values_object): below for helm in helms}
    waiting = [_Visit(root, None, "", in_images=False, lower=below, scope=Scope(default=registry), duplicate=None)]
    while waiting:
        visit = waiting.pop()
        if roots and id(visit.node) in roots:
            visit = visit._replace(lower=below)
        if isinstance(visit.node, MappingNode):
            speaks, scope = _open_mapping(visit, visit.node, waiting)
            if speaks or visit.in_images:
                yield from _pins_of_mapping(visit._replace(scope=scope), visit.node, text)
        else:
            _open_list(visit, visit.node, waiting)
            yield from _pins_of_list(visit, visit.node, text, below)


def _pins_of_mapping(visit: _Visit, mapping: MappingNode, text: str) -> Iterator[Pin]:
    if visit.way is not None and isinstance(visit.way[1], int) and is_kustomize_image(mapping, visit.parent_name):
        yield from pins_of_kustomize_image(mapping, _surroundings(visit, text))
    else:
        yield from pins_of_mapping(mapping, _surroundings(visit, text))


def _pins_of_list(visit: _Visit, items: SequenceNode, text: str, below: _Lower) -> Iterator[Pin]:
    if is_parameter_list(items):
        yield from pins_of_parameters(text, path_of(visit.way), items, (*visit.beside, *below), visit.scope)
    elif visit.in_images or any(map(is_public_image, items.items)):
        yield from pins_of_list(items, _surroundings(visit, text))


def _surroundings(visit: _Visit, text: str) -> Surroundings:
    lower = visit.lower if isinstance(visit.node, MappingNode) else ()
    return Surroundings(
        text, path_of(visit.way), visit.parent_name, visit.in_images, lower, visit.scope, visit.duplicate
    )


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
    reason = f"it is inside a text, {format_path((*helm.path, 'values'))}; move that to valuesObject, which is YAML"
    for document in documents:
        for pin in search_pins(block.value, document.root, below):
            line = block.line + pin.line if block.style in ("|", ">") else block.line
            path = (*helm.path, "values", *pin.path)
            refused = replace(pin, path=path, line=line, refusal=reason, absent=False)
            yield replace(refused, tag_scalar=None, digest_scalars=(), name_scalars=())


def _open_mapping(visit: _Visit, mapping: MappingNode, waiting: list[_Visit]) -> tuple[bool, Scope]:
    """Put the collections in ``mapping`` on the list of visits; whether one of its keys speaks of an image.

    With it comes the scope of what stands in the mapping.
    """
    speaks = scoped = False
    keys: list[str] = []
    inner: list[tuple[str, KeyName, MappingNode | SequenceNode]] = []
    for text, value in _entries(mapping):
        keys.append(text)
        name = key_name(text)
        speaks = speaks or name.speaks or is_public_image(value)
        scoped = scoped or name.is_above
        if type(value) is MappingNode or type(value) is SequenceNode:
            inner.append((text, name, value))
    scope = visit.scope
    if scoped or visit.lower:
        scope = scope_below(scope, siblings_of(mapping, visit.lower, every=False), visit.lower)
    if inner:
        twice = {key for key, times in Counter(keys).items() if times > 1} if len(mapping.keys) < len(keys) else set()
        waiting.extend(_visits(visit, mapping, inner, twice, scope))
    return speaks, scope


def _visits(
    visit: _Visit,
    mapping: MappingNode,
    inner: Sequence[tuple[str, KeyName, MappingNode | SequenceNode]],
    twice: Collection[str],
    scope: Scope,
) -> Iterator[_Visit]:
    """The visits of the collections in ``mapping``, the last one first; ``twice`` are its duplicate keys."""
    lower = [(file, effective_values(other)) for file, other in visit.lower]
    for text, name, value in reversed(inner):
        below = tuple((file, node) for file, values in lower if isinstance(node := values.get(text), MappingNode))
        duplicate = visit.duplicate
        if text in twice:
            duplicate = f"the key {text!r} above it is twice in one mapping; join them"
        in_images = visit.in_images or name.kind is Kind.IMAGE or name.kind is Kind.IMAGES
        beside = values_beside(mapping) if type(value) is SequenceNode and is_parameter_list(value) else ()
        yield _Visit(value, (visit.way, text), name.name, in_images, below, scope, duplicate, beside)


def _entries(mapping: MappingNode) -> Iterable[tuple[str, Node]]:
    """The keys that are texts and what they lead to, duplicates included."""
    if len(mapping.keys) == len(mapping.pairs):
        return mapping.keys.items()
    return [(text, value) for key, value in mapping.pairs if (text := key_text(key)) is not None]


def _open_list(visit: _Visit, items: SequenceNode, waiting: list[_Visit]) -> None:
    """Put the collections in a list on the list of visits. Helm replaces a list whole, so nothing below is shared."""
    waiting.extend(
        _Visit(item, (visit.way, index), visit.parent_name, visit.in_images, (), visit.scope, visit.duplicate)
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
