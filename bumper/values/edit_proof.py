"""The proof after every edit: what was meant to change did, as text for every reader, and nothing else did.

The only importer of ruamel, an independent reader.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.resolver import VersionedResolver

from bumper.errors import BumperError
from bumper.values.values_file import ValuesFile
from bumper.values.yaml_tree import STRING_TAG, Alias, Node, Scalar, YamlError, children_of

_LEFT_OF_A_BLOCK = re.compile(r"(?:[ \t]+#[^\r\n]*)?[ \t]*(?:\r\n?|\n)*")
_VERSIONS = ((1, 1), (1, 2))  # Helm's reader follows 1.1, others 1.2


class ProofFailed(BumperError):
    """An edit did not turn out as meant: a bug in bumper, found before anything was written."""


@dataclass(frozen=True, slots=True)
class _Edge:
    """Where the last changed scalar ends in the file and in the result."""

    old: int = 0
    new: int = 0
    emptied_block: bool = False  # a block of text became empty quotes: a comment and the ends of its lines are left

    def keeps(self, before: str, after: str) -> bool:
        """Whether ``after`` is what stood ``before`` behind the scalar."""
        if not self.emptied_block:
            return after == before
        left = after.removesuffix(before)
        return after.endswith(before) and _LEFT_OF_A_BLOCK.fullmatch(left) is not None


def prove(values: ValuesFile, text: str, wanted: Mapping[int, str]) -> None:
    """Check that ``text`` is the file with only the scalars that start at ``wanted``'s keys changed to its values.

    Raises:
        ProofFailed: it is not.

    """
    last, found = _Edge(), set()
    for old, new in _pairs(values, text):
        if old.start not in wanted:
            _require(values, old, new, old.value)
            continue
        _require(values, old, new, wanted[old.start])
        _require_text(values, new)
        found.add(old.start)
        before, after = values.text[last.old : old.start], text[last.new : new.start]
        if not last.keeps(before, after) and not (old.start == old.end and last.keeps(f"{before} ", after)):
            raise _failed(values, old.line, "something outside the tags changed")  # but for `tag:` to `tag: v1`
        last = _Edge(old.end, new.end, emptied_block=old.style in ("|", ">") and new.value == "")
    if found != wanted.keys():
        raise _failed(values, 1, "a scalar that was to change is not in the result")
    if not last.keeps(values.text[last.old :], text[last.new :]):
        raise _failed(values, 1, "something outside the tags changed")


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
