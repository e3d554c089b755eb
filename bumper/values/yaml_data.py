"""What the nodes of a document mean: aliases and merge keys followed, by path, or as plain data."""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import count
from typing import TypeAlias

from bumper.values.pin import PinPath
from bumper.values.yaml_tree import (
    STRING_TAG,
    Alias,
    Document,
    MappingNode,
    Node,
    Resolved,
    Scalar,
    SequenceNode,
    YamlError,
    key_text,
    resolve,
)

# The way to a node, innermost step first, so that a file nested 5,000 deep needs no 5,000 copies of its path.
Way: TypeAlias = "tuple[Way, str | int] | None"

_MERGE_KEY = "<<"
_MAX_MERGED = 100  # a chain of merges costs the square of its length; real files merge a handful

_MAX_DEPTH = 50
_MAX_NODES = 100_000  # aliases expanded: an alias bomb stops here, at once
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INT = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")


def merged_mappings(mapping: MappingNode) -> Iterator[MappingNode]:
    """The mappings that ``<<`` brings in, nearest first, each once however often it is reached, the first 100."""
    waiting = _merge_targets(mapping)
    seen = {id(mapping)}
    while waiting and len(seen) <= _MAX_MERGED:
        target = waiting.pop()
        if id(target) not in seen:
            seen.add(id(target))
            yield target
            waiting.extend(_merge_targets(target))


def _merge_targets(mapping: MappingNode) -> list[MappingNode]:
    """What ``mapping`` itself merges, each once, the nearest last; of two ``<<``, Helm takes the later one first."""
    pairs = reversed(mapping.pairs) if _MERGE_KEY in mapping.keys else ()
    return list({id(part): part for key, value in pairs for part in _merged_by(key, value)}.values())[::-1]


def _merged_by(key: Node, value: Node) -> list[MappingNode]:
    """What a pair of a mapping merges, the nearest first; nothing unless its key is ``<<``."""
    if not (isinstance(key, Scalar) and key.value == _MERGE_KEY and key.style == ""):
        return []
    node = resolve(value)
    parts = map(resolve, node.items) if isinstance(node, SequenceNode) else (node,)
    return [part for part in parts if isinstance(part, MappingNode)]


def _overridden_by_merge(mapping: MappingNode) -> dict[str, int]:
    """The keys that a ``<<`` behind them brings again, with its line; Helm takes what it brings, other readers do not.

    Checked with Helm 4.2, whose reader fills a mapping in the order of the text; YAML's definition of ``<<`` lets the
    mapping's own keys win wherever they stand.
    """
    overridden: dict[str, int] = {}
    before: set[str] = set()
    for key, value in mapping.pairs if _MERGE_KEY in mapping.keys else ():
        for target in _merged_by(key, value) if before else ():
            for part in (target, *merged_mappings(target)):
                overridden |= dict.fromkeys(before & part.keys.keys(), key.line)
        before.add(key_text(key) or "")
    return overridden


def keys_twice(mapping: MappingNode) -> dict[str, tuple[int, str]]:
    """The keys that ``mapping`` has again, itself or by a later ``<<``: the line of the last, and what to do."""
    twice = {text: (line, "move the << above it") for text, line in _overridden_by_merge(mapping).items()}
    if len(mapping.keys) < len(mapping.pairs):
        times = Counter(key_text(key) for key, _ in mapping.pairs)
        lines = {key_text(key): key.line for key, _ in mapping.pairs}
        twice |= {text: (lines[text], "delete one") for text in mapping.keys if times[text] > 1}
    return twice


def effective_values(mapping: MappingNode) -> dict[str, Resolved | None]:
    """What each key of ``mapping`` leads to, merge keys included; the last of a duplicate, as Helm takes it."""
    values: dict[str, Node] = {}
    for keys in _layers(mapping):
        values = {**keys, **values}
    return {text: resolve(value) for text, value in values.items()}


def value_of(mapping: MappingNode, key: str) -> Resolved | None:
    """What ``key`` leads to in ``mapping``, as in ``effective_values``."""
    return next((resolve(keys[key]) for keys in _layers(mapping) if key in keys), None)


def _layers(mapping: MappingNode) -> Iterator[dict[str, Node]]:
    """The keys of ``mapping`` and of what it merges, nearest first, without those that a ``<<`` overrides."""
    for part in (mapping, *merged_mappings(mapping)):
        overridden = _overridden_by_merge(part)
        yield {text: value for text, value in part.keys.items() if text not in overridden} if overridden else part.keys


def look_up(root: Node, path: PinPath) -> Resolved | None:
    """The node at ``path``, aliases and merge keys followed; None where there is none."""
    node = resolve(root)
    for step in path:
        if isinstance(step, str) and isinstance(node, MappingNode):
            node = value_of(node, step)
        elif isinstance(step, int) and isinstance(node, SequenceNode) and step < len(node.items):
            node = resolve(node.items[step])
        else:
            return None
    return node


def why_twice(root: Node, path: PinPath) -> str | None:
    """What to say of the first key on the way along ``path`` that its mapping has more than once."""
    for end, step in enumerate(path):
        node = look_up(root, path[:end])
        parts = (node, *merged_mappings(node)) if isinstance(node, MappingNode) else ()
        twice = next((keys_twice(part) for part in parts if step in part.keys), {})
        if isinstance(step, str) and step in twice:
            return f"the key {step!r} is twice in one mapping; {twice[step][1]}"
    return None


def path_of(way: Way) -> PinPath:
    """The steps of ``way`` from the root on."""
    steps: list[str | int] = []
    while way is not None:
        way, step = way
        steps.append(step)
    return tuple(reversed(steps))


def _ways(root: Node, scalar: Scalar | None = None) -> Iterator[tuple[Node, Way]]:
    """The nodes in ``root`` and the ways to them (a key has its value's), in the order of the text.

    Only those around ``scalar``, if given.
    """
    waiting: list[tuple[Node, Way]] = [(root, None)]
    while waiting:
        node, way = waiting.pop()
        yield node, way
        inner: list[tuple[Node, Way]] = []
        if isinstance(node, MappingNode):
            inner = [(part, (way, key_text(pair[0]) or "?")) for pair in reversed(node.pairs) for part in pair[::-1]]
        elif isinstance(node, SequenceNode):
            inner = [(item, (way, index)) for index, item in reversed(list(enumerate(node.items)))]
        waiting += [pair for pair in inner if scalar is None or pair[0].start <= scalar.start <= pair[0].end]


def _path_to(root: Node, scalar: Scalar) -> PinPath | None:
    """The path from ``root`` to ``scalar``, no alias followed; None where it does not stand in it."""
    return next((path_of(way) for node, way in _ways(root, scalar) if node is scalar), None)


def places_of(documents: Iterable[Document], scalar: Scalar) -> Iterator[tuple[PinPath, int]]:
    """Path and line of every place with the value of ``scalar``, where the file has anchors; its own comes first.

    An alias of something that holds another alias is one place, however often the scalar can be reached through it.
    """
    for document in documents:
        own = _path_to(document.root, scalar) if document.anchored else None
        if own is not None:
            yield own, scalar.line
            yield from _aliases_in(document, scalar)


def _aliases_in(document: Document, scalar: Scalar) -> Iterator[tuple[PinPath, int]]:
    readers = [scalar.start]  # in the order of the text, in which an alias follows what it names
    for node, way in _ways(document.root):
        if not isinstance(node, Alias) or node.target is None or node.start < scalar.start:
            continue
        nearest = bisect_left(readers, node.target.start)
        if nearest == len(readers) or readers[nearest] > node.target.end:
            continue
        readers.append(node.start)
        path = path_of(way)
        if _MERGE_KEY in path[-2:]:
            yield from _merged_uses(document, path, scalar, node)
        else:
            yield (*path, *(_path_to(node.target, scalar) or ())), node.line


def _merged_uses(document: Document, path: PinPath, scalar: Scalar, alias: Alias) -> Iterator[tuple[PinPath, int]]:
    """The key that a merge brings in with the value of ``scalar``, unless the mapping has one of its own."""
    consumer = path[: path.index(_MERGE_KEY, -2)]
    for key, value in effective_values(alias.target).items() if isinstance(alias.target, MappingNode) else ():
        holds_it = value is not None and value.start <= scalar.start <= value.end
        if value is not None and holds_it and look_up(document.root, (*consumer, key)) is value:
            yield (*consumer, key, *(_path_to(value, scalar) or ())), alias.line


def to_data(root: Node) -> object:
    """``root`` as dictionaries, lists and scalars by YAML 1.2's core schema, with merge keys; for configuration.

    Raises:
        YamlError: a duplicate key, an unknown type, a key that is no text, or too deep or too large when expanded.

    """
    return _data(root, 0, count(1))


def _data(node: Node, depth: int, nodes: Iterator[int]) -> object:
    if depth > _MAX_DEPTH or next(nodes) > _MAX_NODES:
        raise YamlError(f"more than {_MAX_DEPTH} deep or {_MAX_NODES} values when its aliases are expanded", node.line)
    target = resolve(node)
    if target is None:
        raise YamlError("an alias refers to what contains it", node.line)
    if isinstance(target, Scalar):
        return _scalar(target)
    if isinstance(target, MappingNode):
        return _mapping(target, depth, nodes)
    return [_data(item, depth + 1, nodes) for item in target.items]


def _mapping(mapping: MappingNode, depth: int, nodes: Iterator[int]) -> dict[str, object]:
    data: dict[str, object] = {}
    for key, value in mapping.pairs:
        text = key_text(key)
        if text is None:
            raise YamlError("a key must be text", key.line)
        if text in data:
            raise YamlError(f"the key {text!r} is there twice", key.line)
        if text != _MERGE_KEY or isinstance(key, Alias):
            data[text] = _data(value, depth + 1, nodes)
    for merged in merged_mappings(mapping):
        for text, inherited in _mapping(merged, depth + 1, nodes).items():
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
