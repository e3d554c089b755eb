"""Nodes to plain Python data, for configuration: YAML 1.2's core schema, with merge keys, within bounds."""

import re
from dataclasses import dataclass

from bumper.values.siblings import merged_mappings
from bumper.values.yaml_tree import STRING_TAG, Alias, MappingNode, Node, Scalar, YamlError, key_text, resolve

_DEEPEST = 50
_MAX_NODES = 100_000  # aliases expanded: an alias bomb stops here, at once
_INT = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SPELLINGS: tuple[tuple[str, bool | None], ...] = (("null", None), ("true", True), ("false", False))
_WORDS: dict[str, bool | None] = {
    spelling: value for word, value in _SPELLINGS for spelling in (word, word.capitalize(), word.upper())
} | {"": None, "~": None}


@dataclass(slots=True)
class _Budget:
    nodes: int


def to_data(root: Node) -> object:
    """``root`` as dictionaries, lists and scalars.

    Raises:
        YamlError: a duplicate key, an unknown type, a key that is no text, or too deep or too large when expanded.

    """
    return _data(root, 0, _Budget(_MAX_NODES))


def _data(node: Node, depth: int, budget: _Budget) -> object:
    budget.nodes -= 1
    if depth > _DEEPEST or budget.nodes < 0:
        raise YamlError(f"more than {_DEEPEST} deep or {_MAX_NODES} values when its aliases are expanded", node.line)
    target = resolve(node)
    if target is None:
        raise YamlError("an alias refers to what contains it", node.line)
    if isinstance(target, Scalar):
        return _scalar(target)
    if isinstance(target, MappingNode):
        return _mapping(target, depth, budget)
    return [_data(item, depth + 1, budget) for item in target.items]


def _mapping(mapping: MappingNode, depth: int, budget: _Budget) -> dict[str, object]:
    data: dict[str, object] = {}
    for key, value in mapping.pairs:
        text = key_text(key)
        if text is None:
            raise YamlError("a key must be text", key.line)
        if text in data:
            raise YamlError(f"the key {text!r} is there twice", key.line)
        if text != "<<" or isinstance(key, Alias):
            data[text] = _data(value, depth + 1, budget)
    for merged in merged_mappings(mapping):
        for text, inherited in _mapping(merged, depth + 1, budget).items():
            data.setdefault(text, inherited)
    return data


def _scalar(node: Scalar) -> object:
    if node.style != "" or node.yaml_tag in ("!", STRING_TAG):
        return node.value
    if node.yaml_tag is not None:
        raise YamlError(f"the type {node.yaml_tag} is not known here", node.line)
    if node.value in _WORDS:
        return _WORDS[node.value]
    if _INT.fullmatch(node.value):
        return int(node.value) if len(node.value) <= 20 else node.value  # noqa: PLR2004 - digits beyond any setting
    return float(node.value) if _FLOAT.fullmatch(node.value) else node.value
