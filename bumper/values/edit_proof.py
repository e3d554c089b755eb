"""The proof after every edit: what was meant to change did, as text for every reader, and nothing else did.

The only importer of ruamel, an independent reader.
"""

import re
from collections.abc import Iterator, Mapping

from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.resolver import VersionedResolver

from bumper.errors import BumperError
from bumper.values.values_file import ValuesFile
from bumper.values.yaml_tree import STRING_TAG, Alias, Node, Scalar, YamlError, children_of

_LEFT_OF_A_BLOCK = re.compile(r"(?:[ \t]+#[^\r\n]*)?[ \t]*(?:\r\n?|\n)*")
_VERSIONS = ((1, 1), (1, 2))  # Helm's reader follows 1.1, others 1.2


class ProofFailed(BumperError):
    """An edit did not turn out as meant: a bug in bumper, found before anything was written."""


def prove(values: ValuesFile, text: str, wanted: Mapping[int, str]) -> None:
    """Check that ``text`` is the file with only the scalars that start at ``wanted``'s keys changed to its values.

    Raises:
        ProofFailed: it is not.

    """
    found: set[int] = set()
    old_end, new_end, is_emptied = 0, 0, False  # of the last changed scalar
    for old, new in _pairs(values, text):
        _require(values, old, new, wanted.get(old.start, old.value))
        if old.start not in wanted:
            continue
        _require_text(values, new)
        found.add(old.start)
        before, after = values.text[old_end : old.start], text[new_end : new.start]
        gaps = ("", " ") if old.start == old.end else ("",)  # `tag:` becomes `tag: v1`
        if not any(_keeps(f"{before}{gap}", after, is_emptied=is_emptied) for gap in gaps):
            raise _failed(values, old.line, "something outside the tags changed")
        old_end, new_end, is_emptied = old.end, new.end, old.style in ("|", ">") and new.value == ""
    if found != wanted.keys():
        raise _failed(values, 1, "a scalar that was to change is not in the result")
    if not _keeps(values.text[old_end:], text[new_end:], is_emptied=is_emptied):
        raise _failed(values, 1, "something outside the tags changed")


def _keeps(before: str, after: str, *, is_emptied: bool) -> bool:
    """Whether the text behind a changed scalar stayed; an emptied block leaves a comment and the ends of its lines."""
    if not is_emptied:
        return after == before
    return after.endswith(before) and _LEFT_OF_A_BLOCK.fullmatch(after.removesuffix(before)) is not None


def prove_same_values(values: ValuesFile, text: str) -> None:
    """Check that ``text`` says what the file says: only comments may differ.

    Raises:
        ProofFailed: a value, a key or the structure differs.

    """
    for old, new in _pairs(values, text):
        _require(values, old, new, old.value)


def _pairs(values: ValuesFile, text: str) -> Iterator[tuple[Scalar, Scalar]]:
    """The scalars of the file and those of ``text`` in step."""
    try:
        documents = values.parse(text)
    except YamlError as error:
        raise _failed(values, error.line, f"the result is not YAML: {error.problem}") from error
    if len(documents) != len(values.documents):
        raise _failed(values, 1, "the result has another number of documents")
    for old, new in zip(values.documents, documents, strict=True):
        yield from _scalars(values, old.root, new.root)


def _scalars(values: ValuesFile, old_root: Node, new_root: Node) -> Iterator[tuple[Scalar, Scalar]]:
    """Walk both trees in step, in the order of the text; only scalars are left for the caller to compare."""
    waiting = [(old_root, new_root)]
    while waiting:
        old, new = waiting.pop()
        if isinstance(old, Scalar) and isinstance(new, Scalar):
            yield old, new
            continue
        if type(old) is not type(new):
            raise _failed(values, old.line, "the structure changed")
        if isinstance(old, Alias) and isinstance(new, Alias):
            if old.name != new.name:
                raise _failed(values, old.line, "an alias changed")
            continue
        before, after = children_of(old), children_of(new)
        if len(before) != len(after) or getattr(old, "anchor", None) != getattr(new, "anchor", None):
            raise _failed(values, old.line, "the structure changed")
        waiting.extend(zip(reversed(before), reversed(after), strict=True))


def _require(values: ValuesFile, old: Scalar, new: Scalar, value: str) -> None:
    if new.value != value or new.anchor != old.anchor or new.yaml_tag != old.yaml_tag:
        raise _failed(values, old.line, f"{new.value!r} is where {value!r} should be")


def _require_text(values: ValuesFile, new: Scalar) -> None:
    """The resolvers of ruamel are the witness here, not the rule by which the scalar was written."""
    if new.style != "" or new.yaml_tag is not None:
        return
    for version in _VERSIONS:
        if str(VersionedResolver(version=version).resolve(ScalarNode, new.value, (True, False))) != STRING_TAG:
            raise _failed(values, new.line, f"{new.value!r} would not be read as text")


def _failed(values: ValuesFile, line: int, problem: str) -> ProofFailed:
    return ProofFailed(f"{values.name}:{line}: the edit was not made, because {problem}; please report this.")
