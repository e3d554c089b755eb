"""Large values files read in part: of the sections below their top-level keys those in which an image can stand. Pure.

Most of the time with a values file goes into the objects that the parser makes of it, not into parsing. What is left
out are whole sections, and the parser reads them all the same, without making anything of them: what is not YAML is
none here either. A text is taken apart only where every line at its left edge begins a key or an item of a list, which
is how the parser itself sees it; with several documents, keys in quotes or one that stands twice, with an alias in what
is left out or an anchor in the rest, it is read whole, and so is a small one, with which this takes longer.
"""

import contextlib
import re
from collections.abc import Callable
from dataclasses import dataclass

from bumper.image import Repository
from bumper.values.cut_text import parse_without
from bumper.values.key_names import key_name
from bumper.values.values_file import Part, ValuesFile, read_values
from bumper.values.yaml_tree import Document, YamlError, check_yaml, has_line_ends_of_yaml_alone, parse_documents

_HEAD = re.compile(r"(?:(?:[ ]*#.*)?\n)*---[ ]*\n")  # comments and the mark of the only document
_LEFT_EDGE = re.compile(
    r"^(?:(?P<key>[A-Za-z0-9_][\w./-]*):(?=[ \n]|\Z)|(?P<item>-)(?=[ \n])|[^\s#])", re.MULTILINE | re.ASCII
)
_ALIAS = re.compile(r"""^(?:[^#\n"']*?(?:[:,\[{-]\s+|[\[{,])\*\w|\s*\*\w+\s*:\s)""", re.MULTILINE)
_NOT_PLAIN = ("\\", "? ")  # an escape, or a key that is written in another way, can hide anything
_ALWAYS = "global"  # whose imageRegistry counts everywhere
_WHOLE = frozenset({"sops", "apiVersion"})  # SOPS, and manifests, are told from several keys
LARGE = 20_000  # bytes
_MAX_BRACKETS = 5_000  # a text nested deeper is refused, which is for the whole parser to tell


@dataclass(frozen=True, slots=True)
class _Section:
    key: str
    start: int
    end: int


def read_sections_of(name: str, source: bytes, repository: Repository, *, large: int = LARGE) -> ValuesFile:
    """Read the bytes of the values file ``name`` as far as they can hold a pin of ``repository``.

    The last part of its name stands in one piece wherever it is named, and what it goes with is in the same section,
    but for what stands at the left edge. A file of less than ``large`` bytes is read whole.

    Raises:
        Refused: as ``read_values``.

    """
    signs = (*_NOT_PLAIN, repository.name.rpartition("/")[2])

    def is_wanted(key: str, text: str) -> bool:
        return key == _ALWAYS or key_name(key).may_matter or any(sign in text for sign in signs)

    read = None
    if len(source) >= large:
        with contextlib.suppress(UnicodeDecodeError, YamlError):  # which are told of the whole file
            text = source.decode()
            read = _parse(text, is_wanted)
    if read is None:
        return read_values(name, source)
    documents, part = read
    return ValuesFile(name, bom=False, text=text, documents=documents, part=part)


def parse_again(values: ValuesFile, text: str) -> tuple[Document, ...]:
    """The documents of another text of the file, as far as the file was read.

    Raises:
        YamlError: it is not YAML, or its top-level keys are not the file's.

    """
    before = values.part
    if before is None:
        return parse_documents(text)
    read = _parse(text, lambda key, _: key in before.read)
    if read is None or read[1].keys != before.keys:
        raise YamlError("the top-level keys changed", 1)
    return read[0]


def _parse(text: str, wanted: Callable[[str, str], bool]) -> tuple[tuple[Document, ...], Part] | None:
    """The documents, and which keys are in them, as ``wanted`` says of each section's key and text.

    None where the text is to be read whole.
    """
    sections = _take_apart(text)
    kept = frozenset(one.key for one in sections if wanted(one.key, text[one.start : one.end]))
    cuts = [(one.start, one.end) for one in sections if one.key not in kept]
    left_out = "".join(text[start:end] for start, end in cuts)
    if not kept or ("*" in left_out and _ALIAS.search(left_out)):
        return None
    check_yaml(left_out)
    documents = parse_without(text, cuts)
    if any(document.anchored for document in documents):
        return None
    return documents, Part(tuple(one.key for one in sections), kept)


def _take_apart(text: str) -> list[_Section]:
    """The sections in their order; none where the text cannot be taken apart."""
    if "\r" in text or "\ufeff" in text or has_line_ends_of_yaml_alone(text):
        return []
    if text.count("[") + text.count("{") > _MAX_BRACKETS:
        return []
    head = _HEAD.match(text)
    edges = list(_LEFT_EDGE.finditer(text, head.end() if head is not None else 0))
    starts = [edge for edge in edges if edge["key"] is not None]
    keys = {edge["key"] for edge in starts}
    if not starts or edges[0] is not starts[0] or len(keys) < len(starts) or not keys.isdisjoint(_WHOLE):
        return []
    if any(edge["key"] is None and edge["item"] is None for edge in edges):
        return []
    ends = [*(edge.start() for edge in starts[1:]), len(text)]
    return [_Section(edge["key"], edge.start(), end) for edge, end in zip(starts, ends, strict=True)]
