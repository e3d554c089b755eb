"""YAML text to a tree of nodes that know where they stand in the text. The only importer of PyYAML, for its libyaml.

Built on libyaml's events, not on its composer: composing recurses (a file nested 5,000 deep would end the process),
hides duplicate keys and expands what an alias means too early for an editor. Here an alias stays an alias, and nothing
recurses.

Helm's reader is a port of libyaml to Go, and the two differ in two places that real files reach (checked with Helm
4.2): to Go, a byte order mark at the start of a later line is a letter, and so is a colon before a bracket or a comma
inside brackets, ``[latest:]``. Both are hidden from libyaml behind a character that the text does not use, so that
every mark stays where it is.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import yaml
from yaml.error import MarkedYAMLError, YAMLError
from yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from yaml.reader import ReaderError

STRING_TAG = "tag:yaml.org,2002:str"

# libyaml needs time that grows with the square of the depth: half a second at this limit.
_MAX_DEPTH = 10_000
_MAX_COLONS = 100  # to hide: each takes another reading of the text
_COLON_IN_FLOW = "found unexpected ':'"
_BOM = "\ufeff"
_PRIVATE_USE = range(0xE000, 0xF900)  # characters without a meaning of their own

# YAML 1.1 counts three more characters as line ends than editors and git do.
_LINE_END = re.compile(r"\r\n?|\n")
_LINE_END_OF_YAML_ALONE = re.compile("[\x85\u2028\u2029]")


class YamlError(Exception):
    """The text is not YAML, or more than bumper is willing to read."""

    def __init__(self, problem: str, line: int) -> None:
        """``problem`` in YAML's own words, without a position; ``line`` counted from 1."""
        super().__init__(problem)
        self.problem = problem
        self.line = line


@dataclass(slots=True, eq=False)
class Scalar:
    """A scalar; ``start`` and ``end`` (characters) take in its anchor and explicit tag.

    ``in_flow``: it stands in the brackets of a flow collection, ``[a, {b: c}]``.
    """

    value: str
    style: str  # "" plain, '"', "'", "|" or ">"
    anchor: str | None
    yaml_tag: str | None  # the explicit tag, resolved: "tag:yaml.org,2002:str" for !!str
    start: int
    end: int
    line: int
    in_flow: bool


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


Resolved: TypeAlias = Scalar | MappingNode | SequenceNode
Node: TypeAlias = Resolved | Alias


@dataclass(slots=True, eq=False)
class Document:
    """One document of a stream; ``root`` is None only for a stream of none."""

    root: Node
    anchored: bool  # whether any node in it has an anchor


def resolve(node: Node) -> Resolved | None:
    """The node itself, or what an alias means."""
    return node.target if isinstance(node, Alias) else node


def key_text(key: Node) -> str | None:
    """The text of a key (an alias may stand there too); None for a key that is no scalar."""
    node = resolve(key)
    return node.value if isinstance(node, Scalar) else None


def children_of(node: Node) -> list[Node]:
    """The keys, values and items in a collection, in the order of the text; what an alias means is not followed."""
    if isinstance(node, MappingNode):
        return [child for pair in node.pairs for child in pair]
    return list(node.items) if isinstance(node, SequenceNode) else []


def walk(documents: Iterable[Document]) -> Iterator[Node]:
    """Every node, each where it stands, in no order; what an alias means is not followed."""
    waiting: list[Node] = [document.root for document in documents]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(children_of(node))


def parse_documents(text: str) -> tuple[Document, ...]:
    """The documents of ``text`` (without a byte order mark), in order.

    Raises:
        YamlError: it is not YAML.

    """
    documents = _parse(text)
    if not text.isascii() and _LINE_END_OF_YAML_ALONE.search(text) is not None:
        starts = [end.end() for end in _LINE_END.finditer(text)]
        for node in walk(documents):
            node.line = bisect_right(starts, node.start) + 1
    return documents


def _parse(text: str) -> tuple[Document, ...]:
    """The documents of ``text``, with the lines as libyaml counts them."""
    hidden: dict[str, str] = {}  # the characters that stand in for others, and what they mean
    readable = text.replace(_BOM, _stand_in(text, _BOM, hidden)) if _BOM in text else text
    colon, colons = "", 0
    while True:
        try:
            return _build(_events(readable, hidden))
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            place = mark.index if mark is not None else 0
            if error.problem != _COLON_IN_FLOW or colons == _MAX_COLONS:
                is_tab = readable[place : place + 1] == "\t"  # a character that cannot start any token, says libyaml
                problem = "a tab, but YAML is indented with spaces" if is_tab else error.problem
                raise YamlError(problem or "not readable as YAML", _line_at(text, place)) from error
        except ReaderError as error:  # of a character that YAML forbids; its position counts bytes
            read = text.encode()[: error.position].decode(errors="ignore")
            raise YamlError(error.reason, _line_at(text, len(read))) from error
        except (YAMLError, ValueError) as error:  # a lone surrogate cannot be handed to libyaml
            raise YamlError(str(error), 1) from error
        colon, colons = colon or _stand_in(readable, ":", hidden), colons + 1
        readable = f"{readable[:place]}{colon}{readable[place + 1 :]}"


def _line_at(text: str, place: int) -> int:
    return len(_LINE_END.findall(text, 0, place)) + 1


def _stand_in(text: str, meant: str, hidden: dict[str, str]) -> str:
    """A character that ``text`` does not use, noted in ``hidden``."""
    sign = next((sign for sign in map(chr, _PRIVATE_USE) if sign not in text), None)
    if sign is None:
        raise YamlError("every character of Unicode's private use area is in it", 1)
    hidden[sign] = meant
    return sign


def _events(readable: str, hidden: dict[str, str]) -> Iterator[Event]:
    # Not yaml.parse, which asks before each event whether there is another: a third of the time that it takes.
    events: Iterator[Event] = iter(yaml.CSafeLoader(readable).get_event, None)
    return (_shown(event, hidden) for event in events) if hidden else events


def _shown(event: Event, hidden: dict[str, str]) -> Event:
    if type(event) is ScalarEvent:
        for sign, meant in hidden.items():
            event.value = event.value.replace(sign, meant)
    return event


def _build(events: Iterator[Event]) -> tuple[Document, ...]:  # noqa: C901 - one flat loop
    """Put the events together; one flat loop, because this is where a large file's time goes."""
    documents: list[Document] = []
    anchors: dict[str, Resolved | None] = {}
    opened: list[tuple[Any, list[Node]]] = []  # collections whose end has not come yet, with their children
    children: list[Node] = []  # of the innermost one; at the top, the document's root
    in_flow = False  # whether that stands in brackets; then everything in it does
    event: Any  # types-PyYAML leaves out what each kind of event has
    for event in events:
        kind, start = type(event), event.start_mark
        if kind is ScalarEvent:
            place = start.index, event.end_mark.index, start.line + 1
            node = Scalar(event.value, event.style or "", event.anchor, event.tag, *place, in_flow)
            children.append(node)
            if event.anchor is not None:
                anchors[event.anchor] = node
        elif kind is MappingStartEvent or kind is SequenceStartEvent:
            if len(opened) == _MAX_DEPTH:
                raise YamlError(f"nested more than {_MAX_DEPTH} deep", start.line + 1)
            opened.append((event, children))
            children, in_flow = [], event.flow_style
            if event.anchor is not None:
                anchors[event.anchor] = None
        elif kind is MappingEndEvent or kind is SequenceEndEvent:
            begin, siblings = opened.pop()
            collection = _close(begin, event, children)
            if begin.anchor is not None:
                anchors[begin.anchor] = collection
            siblings.append(collection)
            children, in_flow = siblings, bool(opened) and opened[-1][0].flow_style
        elif kind is AliasEvent:
            if event.anchor not in anchors:
                raise YamlError(f"found undefined alias *{event.anchor}", start.line + 1)
            target = anchors[event.anchor]
            children.append(Alias(event.anchor, target, start.index, event.end_mark.index, start.line + 1))
        elif kind is DocumentStartEvent:
            anchors, children = {}, []
        elif kind is DocumentEndEvent:
            documents.append(Document(children[0], anchored=bool(anchors)))
    return tuple(documents)


def _close(begin: Any, end: Any, children: list[Node]) -> MappingNode | SequenceNode:  # noqa: ANN401 - as above
    place = (begin.anchor, begin.start_mark.index, end.end_mark.index, begin.start_mark.line + 1)
    if type(begin) is SequenceStartEvent:
        return SequenceNode(tuple(children), *place)
    pairs = tuple(zip(children[::2], children[1::2], strict=True))
    try:
        keys = {key.value: value for key, value in pairs}  # type: ignore[union-attr] # nearly every key is a scalar
    except AttributeError:
        keys = {text: value for key, value in pairs if (text := key_text(key)) is not None}
    return MappingNode(pairs, keys, *place)
