"""Texts of YAML from which whole lines are left out, and the places of what is left. Pure."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import TypeAlias

from bumper.values.yaml_tree import Document, parse_documents, walk

Cut: TypeAlias = tuple[int, int]  # characters: from the start of a line to the start of another


def parse_without(text: str, cuts: Sequence[Cut]) -> tuple[Document, ...]:
    """The documents of what is left of ``text``, every node at the place that it has in the whole of it.

    Raises:
        YamlError: what is left is not YAML.

    """
    documents = parse_documents("".join(_pieces(text, cuts)))
    if cuts:
        _put_back(documents, cuts, text)
    return documents


def _pieces(text: str, cuts: Iterable[Cut]) -> Iterator[str]:
    behind = 0
    for start, end in cuts:
        yield text[behind:start]
        behind = end
    yield text[behind:]


def _put_back(documents: Iterable[Document], cuts: Sequence[Cut], text: str) -> None:
    characters = [0, *accumulate(end - start for start, end in cuts)]
    lines = [0, *accumulate(text.count("\n", start, end) for start, end in cuts)]
    places = [start - left_out for (start, _), left_out in zip(cuts, characters, strict=False)]
    for node in walk(documents):
        before = bisect_right(places, node.start)
        node.end += characters[bisect_right(places, node.end)]
        node.start += characters[before]
        node.line += lines[before]
