"""Who else reads a scalar, through an anchor, an alias or a merge key: other places, and pins of other images."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from bumper.values.pin import OtherPin, Pin, PinPath
from bumper.values.pin_search import Way, path_of
from bumper.values.siblings import MERGE_KEY, effective_values, look_up
from bumper.values.yaml_tree import Alias, Document, MappingNode, Node, Scalar, SequenceNode, key_text


def places_of(documents: Iterable[Document], scalar: Scalar) -> Iterator[tuple[PinPath, int]]:
    """Path and line of every place with the value of ``scalar``, where the file has anchors; its own comes first.

    An alias of something that holds another alias is one place, however often the scalar can be reached through it.
    """
    for document in documents:
        if document.anchored:
            own = _way_within(document.root, scalar)
            if own is not None:
                yield own, scalar.line
                yield from _aliases_in(document, scalar)


def aliases_of(documents: Iterable[Document], scalar: Scalar) -> Iterator[tuple[PinPath, int]]:
    """The places with the value of ``scalar`` but for its own."""
    places = places_of(documents, scalar)
    next(places, None)
    yield from places


def _way_within(root: Node, scalar: Scalar) -> PinPath | None:
    """The path from ``root`` to ``scalar``, no alias followed; None where it does not stand in it."""
    waiting: list[tuple[Node, Way]] = [(root, None)]
    while waiting:
        node, way = waiting.pop()
        if node is scalar:
            return path_of(way)
        if not isinstance(node, (Scalar, Alias)) and node.start <= scalar.start <= node.end:
            waiting.extend(_children(node, way))
    return None


def _children(node: MappingNode | SequenceNode, way: Way) -> list[tuple[Node, Way]]:
    if isinstance(node, MappingNode):
        return [(value, (way, key_text(key) or "?")) for key, value in reversed(node.pairs)]
    return [(item, (way, index)) for index, item in reversed(list(enumerate(node.items)))]


def _aliases_in(document: Document, scalar: Scalar) -> Iterator[tuple[PinPath, int]]:
    users = [scalar.start]  # in the order of the text, in which an alias follows what it names
    waiting: list[tuple[Node, Way]] = [(document.root, None)]
    while waiting:
        node, way = waiting.pop()
        if isinstance(node, (MappingNode, SequenceNode)):
            waiting.extend(_children(node, way))
        elif isinstance(node, Alias) and node.target is not None and node.start > scalar.start:
            nearest = bisect_left(users, node.target.start)
            if nearest < len(users) and users[nearest] <= node.target.end:
                users.append(node.start)
                path = path_of(way)
                if MERGE_KEY in path[-2:]:
                    yield from _merged_uses(document, path, scalar, node)
                else:
                    yield (*path, *(_way_within(node.target, scalar) or ())), node.line


def _merged_uses(document: Document, path: PinPath, scalar: Scalar, alias: Alias) -> Iterator[tuple[PinPath, int]]:
    """The key that a merge brings in with the value of ``scalar``, unless the mapping has one of its own."""
    consumer = path[: path.index(MERGE_KEY, -2)]
    for key, value in effective_values(alias.target).items() if isinstance(alias.target, MappingNode) else ():
        holds_it = value is not None and value.start <= scalar.start <= value.end
        if value is not None and holds_it and look_up(document.root, (*consumer, key)) is value:
            yield (*consumer, key, *(_way_within(value, scalar) or ())), alias.line


def mark_shared(pins: Sequence[Pin]) -> tuple[Pin, ...]:
    """``pins`` (of one file), each with the pins of other images that share a scalar with it."""
    readers: defaultdict[int, list[Pin]] = defaultdict(list)
    for pin in pins:
        for scalar in pin.scalars:
            readers[scalar.start].append(pin)
    if all(len(sharing) == 1 for sharing in readers.values()):
        return tuple(pins)
    return tuple(replace(pin, others=_others(pin, readers)) for pin in pins)


def _others(pin: Pin, readers: dict[int, list[Pin]]) -> tuple[OtherPin, ...]:
    return tuple(
        OtherPin(other.path, other.line, other.repository, scalar)
        for scalar in pin.scalars
        for other in readers[scalar.start]
        if other.repository is not None and other.repository != pin.repository
    )


def moved_unasked(pin: Pin, written: Iterable[Scalar], asked: Sequence[Pin]) -> OtherPin | None:
    """The first pin of another image that would silently change with the ``written`` scalars of ``pin``.

    Those of images that are ``asked`` for, too, are meant to change.
    """
    starts = {scalar.start for scalar in written}
    named = {(one.repository, scalar.start) for one in asked for scalar in one.scalars}
    for other in pin.others:
        if other.scalar.start in starts and (other.repository, other.scalar.start) not in named:
            return other
    return None
