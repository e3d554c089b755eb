"""The walk through a document in search of pins. It neither recurses nor follows aliases."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TypeAlias

from bumper.values.image_names import scope_below
from bumper.values.keys import Kind, Lower, Place, Scope, Sibling, Surroundings, is_public_image, key_name, siblings_of
from bumper.values.manifests import (
    Helm,
    helm_of_manifest,
    is_kustomize_image,
    is_parameter_list,
    pins_of_kustomize_image,
    pins_of_parameters,
    values_beside,
)
from bumper.values.partners import is_chart_file
from bumper.values.pin import Pin, format_path
from bumper.values.shapes import pins_of_keys, pins_of_list
from bumper.values.yaml_data import effective_values
from bumper.values.yaml_tree import (
    MappingNode,
    Node,
    Scalar,
    SequenceNode,
    YamlError,
    key_text,
    parse_documents,
)

_Collection: TypeAlias = tuple[MappingNode | SequenceNode, Surroundings]


def search_pins(
    text: str, root: Node, lower: tuple[tuple[str, Node], ...], registry: str | None = None
) -> Iterator[Pin]:
    """The pins below ``root``; ``lower`` are the roots of lower-precedence files, highest precedence first.

    ``registry`` is that of repositories that name none, by default Docker Hub.
    """
    if not isinstance(root, (MappingNode, SequenceNode)) or is_chart_file(root):
        return
    below = tuple((name, other) for name, other in lower if isinstance(other, MappingNode))
    helms = helm_of_manifest(root)
    for helm in helms:
        yield from _pins_in_text(helm)
    # An Application's valuesObject stands for the root of lower files, as the document's own root does.
    roots = {id(root), *(id(helm.values_object) for helm in helms)}
    waiting: list[_Collection] = [(root, Surroundings(text, scope=Scope(default=registry)))]
    while waiting:
        node, around = waiting.pop()
        if isinstance(node, MappingNode):
            keys, around = _open(node, around._replace(lower=below) if id(node) in roots else around)
            if keys:
                pins_of = pins_of_kustomize_image if is_kustomize_image(node, around) else pins_of_keys
                yield from pins_of(Place(keys, around))
            waiting += _in_mapping(node, around)
        else:
            is_parameters = is_parameter_list(node)
            yield from pins_of_parameters(node, around, below) if is_parameters else pins_of_list(node, around)
            waiting += _in_list(node, around)


def _pins_in_text(helm: Helm) -> Iterator[Pin]:
    """The pins of ``helm.values``, a text that only Argo CD reads as YAML: bumper changes nothing in it."""
    block = helm.values
    if not isinstance(block, Scalar):
        return
    try:
        documents = parse_documents(block.value)
    except YamlError:
        return
    below = (("", helm.values_object),) if isinstance(helm.values_object, MappingNode) else ()
    reason = f"it is inside a text, {format_path((*helm.path, 'values'))}; move that to valuesObject, which is YAML"
    for document in documents:
        for pin in search_pins(block.value, document.root, below):
            line = block.line + pin.line if block.style in ("|", ">") else block.line
            path = (*helm.path, "values", *pin.path)
            refused = replace(pin, path=path, line=line, refusal=reason, absent=False)
            yield replace(refused, tag_scalar=None, digest_scalars=(), name_scalars=())


def _open(mapping: MappingNode, around: Surroundings) -> tuple[Mapping[str, Sibling], Surroundings]:
    """The keys of ``mapping``, none where none of them can be of an image, and what holds in it."""
    speaks = around.in_images or len(mapping.keys) < len(mapping.pairs)  # a duplicate may hide an image
    is_scope = bool(around.lower)
    for text, value in mapping.keys.items():
        name = key_name(text)
        speaks = speaks or name.speaks or is_public_image(value)
        is_scope = is_scope or name.is_above
    keys = siblings_of(mapping, around.lower, every=around.in_images) if speaks or is_scope else {}
    if is_scope:
        around = around._replace(scope=scope_below(around, keys))
    return keys if speaks else {}, around


def _in_mapping(mapping: MappingNode, around: Surroundings) -> Iterator[_Collection]:
    """The collections in ``mapping``, the last one first."""
    times = Counter(key_text(key) for key, _ in mapping.pairs) if len(mapping.keys) < len(mapping.pairs) else {}
    lower = [(file, effective_values(other)) for file, other in around.lower]
    for key, value in reversed(mapping.pairs):
        if not isinstance(value, (MappingNode, SequenceNode)) or (text := key_text(key)) is None:
            continue
        name = key_name(text)
        below: Lower = ()
        if isinstance(value, MappingNode):
            below = tuple((file, node) for file, values in lower if isinstance(node := values.get(text), MappingNode))
        elif is_parameter_list(value):
            below = values_beside(mapping)
        in_images = around.in_images or name.kind in (Kind.IMAGE, Kind.IMAGES)
        twice = f"the key {text!r} above it is twice in one mapping; join them" if times.get(text, 1) > 1 else None
        way, duplicate = (around.way, text), twice or around.duplicate
        yield value, Surroundings(around.text, way, name.name, in_images, below, around.scope, duplicate)


def _in_list(items: SequenceNode, around: Surroundings) -> Iterator[_Collection]:
    """The collections in a list, the last one first. Helm replaces a list whole, so nothing below is shared."""
    around = around._replace(lower=())
    for index, item in reversed(tuple(enumerate(items.items))):
        if isinstance(item, (MappingNode, SequenceNode)):
            yield item, around._replace(way=(around.way, index))
