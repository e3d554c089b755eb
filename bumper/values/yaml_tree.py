"""YAML text to a tree of nodes that know where they stand in the text. The only importer of ruamel.

Built on the C parser's events, not on its composer: composing recurses (a file nested 5,000 deep would end the
process), hides duplicate keys from nobody but expands what an alias means too early for an editor. Here an alias
stays an alias, and nothing recurses.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from _ruamel_yaml import CParser
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.resolver import VersionedResolver

_VERSIONS = ((1, 1), (1, 2))  # Helm's reader follows 1.1, others 1.2
STRING_TAG = "tag:yaml.org,2002:str"


class YamlError(Exception):
    """The text is not YAML, or more than bumper is willing to read."""

    def __init__(self, problem: str, line: int) -> None:
        """``problem`` in YAML's own words, without a position; ``line`` counted from 1."""
        super().__init__(problem)
        self.problem = problem
        self.line = line


@dataclass(slots=True, eq=False)
class Scalar:
    """A scalar; ``start`` and ``end`` (characters) take in its anchor and explicit tag."""

    value: str
    style: str  # "" plain, '"', "'", "|" or ">"
    anchor: str | None
    yaml_tag: str | None  # the explicit tag, resolved: "tag:yaml.org,2002:str" for !!str
    start: int
    end: int
    line: int


@dataclass(slots=True, eq=False)
class MappingNode:
    """A mapping with its pairs in the order of the text, duplicates included.

    ``keys`` is what each key that is a text leads to, by that text: of duplicates the last, as every reader takes it.
    """

    pairs: "tuple[tuple[Node, Node], ...]"
    keys: "dict[str, Node]"
    anchor: str | None
    start: int
    end: int
    line: int


@dataclass(slots=True, eq=False)
class SequenceNode:
    """A sequence."""

    items: "tuple[Node, ...]"
    anchor: str | None
    start: int
    end: int
    line: int


@dataclass(slots=True, eq=False)
class Alias:
    """``*name``; ``target`` is None where it stands inside what it names."""

    name: str
    target: "Scalar | MappingNode | SequenceNode | None"
    start: int
    end: int
    line: int


Node: TypeAlias = Scalar | MappingNode | SequenceNode | Alias


@dataclass(slots=True, eq=False)
class Document:
    """One document of a stream; ``root`` is None only for a stream of none."""

    root: Node
    anchored: bool  # whether any node in it has an anchor


_Anchored: TypeAlias = Scalar | MappingNode | SequenceNode

# The bundled libyaml (0.1.7) knows only YAML 1.1's flow scalars, in which no colon may stand: it stops at
# `{image: nginx:1.2}`, which Helm reads. ruamel's own parser, slower by far, takes such a file over.
_COLON_IN_FLOW = "found unexpected ':'"

# YAML 1.1 counts three more characters as line ends than editors and git do.
_LINE_END = re.compile(r"\r\n?|\n")
_LINE_END_OF_YAML_ALONE = re.compile("[\x85\u2028\u2029]")

# Both parsers need time that grows with the square of the depth: half a second at these limits.
_DEEPEST = 10_000
_DEEPEST_IN_PURE_PYTHON = 500


def parse_documents(text: str) -> tuple[Document, ...]:
    """The documents of ``text`` (without a byte order mark), in order.

    Raises:
        YamlError: it is not YAML.

    """
    try:
        documents = _parse(text)
    except YAMLError as error:
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "not readable as YAML"
        raise YamlError(str(problem), len(_LINE_END.findall(text, 0, _place(text, error))) + 1) from error
    except ValueError as error:  # a lone surrogate cannot be handed to the C parser
        raise YamlError(str(error), 1) from error
    if not text.isascii() and _LINE_END_OF_YAML_ALONE.search(text) is not None:
        _count_lines_as_editors_do(text, documents)
    return documents


def _parse(text: str) -> tuple[Document, ...]:
    try:
        return _build(CParser(text).get_event, _DEEPEST)
    except YAMLError as error:
        if getattr(error, "problem", None) != _COLON_IN_FLOW:
            raise
    events = YAML(typ="safe", pure=True).parse(text)
    return _build(lambda: next(events, None), _DEEPEST_IN_PURE_PYTHON)


def _place(text: str, error: YAMLError) -> int:
    """The character at which ``error`` was found."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is not None:
        return int(mark.index)
    position = getattr(error, "position", 0)  # of a character that YAML forbids; in bytes
    return len(text.encode()[:position].decode(errors="ignore"))


def _count_lines_as_editors_do(text: str, documents: tuple[Document, ...]) -> None:
    starts = [end.end() for end in _LINE_END.finditer(text)]
    for node in walk(documents):
        node.line = bisect_right(starts, node.start) + 1


def walk(documents: Iterable[Document]) -> Iterator[Node]:
    """Every node, each where it stands, in no order; what an alias means is not followed."""
    waiting: list[Node] = [document.root for document in documents]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, MappingNode):
            waiting.extend(child for pair in node.pairs for child in pair)
        elif isinstance(node, SequenceNode):
            waiting.extend(node.items)


def resolves_to_text(plain: str) -> bool:
    """Whether ruamel takes the plain scalar for a string under YAML 1.1 and under 1.2."""
    resolvers = (VersionedResolver(version=version) for version in _VERSIONS)
    return all(str(resolver.resolve(ScalarNode, plain, (True, False))) == STRING_TAG for resolver in resolvers)


def _build(next_event: Callable[[], Any], deepest: int) -> tuple[Document, ...]:  # noqa: C901 - one flat loop
    """Put the events together; one flat loop, because this is where a large file's time goes."""
    documents: list[Document] = []
    anchors: dict[str, _Anchored | None] = {}
    opened: list[tuple[Any, list[Node]]] = []  # collections whose end has not come yet, with their children
    children: list[Node] = []  # of the innermost one; at the top, the document's root
    while (event := next_event()) is not None:
        kind = type(event)
        if kind is ScalarEvent:
            start = event.start_mark
            tag = event.tag
            node = Scalar(
                event.value,
                event.style or "",
                event.anchor,
                None if tag is None else str(tag),
                start.index,
                event.end_mark.index,
                start.line + 1,
            )
            children.append(node)
            if event.anchor is not None:
                anchors[event.anchor] = node
        elif kind is MappingStartEvent or kind is SequenceStartEvent:
            if len(opened) == deepest:
                raise YamlError(f"nested more than {deepest} deep", event.start_mark.line + 1)
            opened.append((event, children))
            children = []
            if event.anchor is not None:
                anchors[event.anchor] = None
        elif kind is MappingEndEvent or kind is SequenceEndEvent:
            begin, siblings = opened.pop()
            collection = _close(begin, event, children)
            if begin.anchor is not None:
                anchors[begin.anchor] = collection
            siblings.append(collection)
            children = siblings
        elif kind is AliasEvent:
            children.append(_alias(event, anchors))
        elif kind is DocumentStartEvent:
            anchors = {}
            children = []
        elif kind is DocumentEndEvent:
            documents.append(Document(children[0], anchored=bool(anchors)))
    return tuple(documents)


def _alias(event: Any, anchors: dict[str, _Anchored | None]) -> Alias:  # noqa: ANN401 - an event of ruamel's, untyped
    start = event.start_mark
    if event.anchor not in anchors:
        raise YamlError(f"found undefined alias *{event.anchor}", start.line + 1)
    return Alias(event.anchor, anchors[event.anchor], start.index, event.end_mark.index, start.line + 1)


def _close(begin: Any, end: Any, children: list[Node]) -> MappingNode | SequenceNode:  # noqa: ANN401 - as above
    start = begin.start_mark
    place = (begin.anchor, start.index, end.end_mark.index, start.line + 1)
    if type(begin) is SequenceStartEvent:
        return SequenceNode(tuple(children), *place)
    pairs = tuple(zip(children[::2], children[1::2], strict=True))
    return MappingNode(pairs, _by_key(pairs), *place)


def _by_key(pairs: tuple[tuple[Node, Node], ...]) -> dict[str, Node]:
    try:
        return {key.value: value for key, value in pairs}  # type: ignore[union-attr] # nearly every key is a scalar
    except AttributeError:
        return {text: value for key, value in pairs if (text := _text(key)) is not None}


def _text(key: Node) -> str | None:
    scalar = key.target if isinstance(key, Alias) else key
    return scalar.value if isinstance(scalar, Scalar) else None
