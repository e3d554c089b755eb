"""The keys beside a key, as Helm sees them: the mapping's own, those it merges in, those of lower-precedence files."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from functools import lru_cache

from bumper.image import is_at_public_registry
from bumper.values.key_names import KeyName, is_named_after_a_digest, key_name
from bumper.values.pin import PinPath
from bumper.values.yaml_tree import MappingNode, Node, Resolved, Scalar, SequenceNode, key_text, resolve

MERGE_KEY = "<<"

# Mappings that merge one another in a chain cost the square of their number; real files merge a handful.
_MAX_MERGED = 100


class Origin(Enum):
    """Where a sibling stands."""

    OWN = auto()
    MERGED = auto()  # in this file, reached by a merge key
    LOWER = auto()  # in a file of lower precedence


@dataclass(frozen=True, slots=True)
class Sibling:
    """A key of a mapping and the value it leads to (None for an alias that stands inside its own anchor)."""

    key: str
    name: KeyName
    node: Resolved | None
    line: int
    origin: Origin
    home: MappingNode | None = None  # the mapping in which it stands, where that is known to matter
    file: str = ""  # the file of lower precedence that it stands in
    twice: bool = False  # whether its mapping has the key more than once; ``line`` is then the last one's


def siblings_of(
    mapping: MappingNode, lower: Sequence[tuple[str, MappingNode]], *, every: bool = True
) -> dict[str, Sibling]:
    """The effective keys of ``mapping`` by name (see key_names); only those that may speak of images, unless ``every``.

    ``lower`` is the same mapping in files of lower precedence with those files' names, highest precedence first.
    """
    found: dict[str, Sibling] = {}
    for sibling in _all(mapping, lower, every=every):
        known = found.setdefault(sibling.name.name, sibling)
        if known is not sibling and known.home is sibling.home and known.key == sibling.key:
            found[sibling.name.name] = replace(known, line=sibling.line, twice=True)
    return found


def _all(mapping: MappingNode, lower: Sequence[tuple[str, MappingNode]], *, every: bool) -> Iterator[Sibling]:
    yield from _pairs(mapping, Origin.OWN, every=every)
    for merged in merged_mappings(mapping):
        yield from _pairs(merged, Origin.MERGED, every=every)
    for file, other in lower:
        for part in (other, *merged_mappings(other)):
            yield from _pairs(part, Origin.LOWER, file, every=every)


def _pairs(mapping: MappingNode, origin: Origin, file: str = "", *, every: bool) -> Iterator[Sibling]:
    for key, text, value in _text_keys(mapping) if every else _telling_keys(mapping):
        yield Sibling(text, key_name(text), resolve(value), key.line, origin, mapping, file)


def _text_keys(mapping: MappingNode) -> Iterator[tuple[Node, str, Node]]:
    for key, value in mapping.pairs:
        text = key.value if type(key) is Scalar else key_text(key)
        if text is not None:
            yield key, text, value


@lru_cache(maxsize=100)  # a search asks for those of the same few mappings again and again
def _telling_keys(mapping: MappingNode) -> tuple[tuple[Node, str, Node], ...]:
    """The keys that may speak of images by their names or their values."""
    keys = _text_keys(mapping)
    return tuple((key, text, value) for key, text, value in keys if key_name(text).may_matter or _is_telling(value))


def _is_telling(value: Node) -> bool:
    """Whether a value is an image at a registry that everybody knows, or a digest, whatever its key is called."""
    node = value if type(value) is Scalar else resolve(value)
    if type(node) is not Scalar or ":" not in node.value:
        return False
    return "sha256:" in node.value or is_public_image(value)


def is_public_image(node: Node) -> bool:
    """Whether a value is an image at a registry that everybody knows, whatever its key is called."""
    return type(node) is Scalar and ":" in node.value and is_at_public_registry(node.value)


def may_be_a_digest(name: str, value: Node | None) -> bool:
    """Whether a key may hold an image's digest, whatever it is called, or tell the chart to use one."""
    if is_named_after_a_digest(name):
        return True
    node = resolve(value) if value is not None else None
    if isinstance(node, SequenceNode):
        return _are_digests(node.items)
    if isinstance(node, MappingNode):
        return _are_digests([inner for _, inner in node.pairs])
    return type(node) is Scalar and "sha256:" in node.value


def _are_digests(nodes: Sequence[Node]) -> bool:
    return bool(nodes) and all(type(node) is Scalar and "sha256:" in node.value for node in nodes)


def merged_mappings(mapping: MappingNode) -> Iterator[MappingNode]:
    """The mappings that ``<<`` brings in, nearest first, each once however often it is reached, the first 100."""
    waiting = _merge_targets(mapping)
    if not waiting:
        return
    seen = {id(mapping)}
    while waiting and len(seen) <= _MAX_MERGED:
        target = waiting.pop()
        if id(target) not in seen:
            seen.add(id(target))
            yield target
            waiting.extend(_merge_targets(target))


def _merge_targets(mapping: MappingNode) -> list[MappingNode]:
    """What ``mapping`` itself merges, the nearest last."""
    targets: dict[int, MappingNode] = {}
    if MERGE_KEY not in mapping.keys:
        return []
    for key, value in mapping.pairs:
        if isinstance(key, Scalar) and key.value == MERGE_KEY and key.style == "":
            node = resolve(value)
            parts = [resolve(item) for item in node.items] if isinstance(node, SequenceNode) else [node]
            targets.update(
                (id(part), part) for part in parts if isinstance(part, MappingNode) and id(part) not in targets
            )
    return list(targets.values())[::-1]


def effective_values(mapping: MappingNode) -> dict[str, Resolved | None]:
    """What each key of ``mapping`` leads to, merge keys included; the last of a duplicate, as Helm takes it."""
    values = {text: resolve(value) for text, value in mapping.keys.items()}
    for part in merged_mappings(mapping):
        values = {text: resolve(value) for text, value in part.keys.items()} | values
    return values


def value_of(mapping: MappingNode, key: str) -> Resolved | None:
    """What ``key`` leads to in ``mapping``, as in ``effective_values``."""
    for part in (mapping, *merged_mappings(mapping)):
        if key in part.keys:
            return resolve(part.keys[key])
    return None


def look_up(root: Node, path: PinPath) -> Resolved | None:
    """The node at ``path``, aliases and merge keys followed; None where there is none."""
    node = resolve(root)
    for step in path:
        node = _step(node, step)
    return node


def _step(node: Resolved | None, step: str | int) -> Resolved | None:
    if isinstance(step, str) and isinstance(node, MappingNode):
        return value_of(node, step)
    if isinstance(step, int) and isinstance(node, SequenceNode) and step < len(node.items):
        return resolve(node.items[step])
    return None


def key_standing_twice(root: Node, path: PinPath) -> str | None:
    """The first key on the way along ``path`` that its mapping has more than once."""
    node = resolve(root)
    for step in path:
        if isinstance(step, str) and isinstance(node, MappingNode):
            parts = (part for part in (node, *merged_mappings(node)) if step in part.keys)
            counts = (sum(key_text(key) == step for key, _ in part.pairs) for part in parts)
            if next((count for count in counts if count), 0) > 1:
                return step
        node = _step(node, step)
    return None
