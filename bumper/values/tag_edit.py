"""New tags into a values file: every byte outside the tags and digests stays, and the result is proven.

The proof reads the result again: what was meant to change did, as text for every reader, and nothing else did. Its
witness is ruamel, an independent reader, which is imported here alone.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.resolver import VersionedResolver

from bumper.errors import BumperError, Refused
from bumper.values.pin import OtherPin, Pin
from bumper.values.quotes import helm_prints_alike, needs_quotes
from bumper.values.tag_scalars import cut_scalar, read_tag_scalar
from bumper.values.values_file import ValuesFile, describe
from bumper.values.yaml_tree import STRING_TAG, Alias, Node, Scalar, YamlError, children_of

_BLOCK_SIGN = re.compile(r"[|>][-+0-9]*")
_LEFT_OF_A_BLOCK = re.compile(r"(?:[ \t]+#[^\r\n]*)?[ \t]*(?:\r\n?|\n)*")
_VERSIONS = ((1, 1), (1, 2))  # Helm's reader follows 1.1, others 1.2


@dataclass(frozen=True, slots=True)
class TagEdit:
    """A settable pin and what it is to hold.

    ``tag`` is None for a pin that holds a digest and no tag; ``digest`` is None where it is not known. A digest that
    stands in the file follows the tag; a place for one that is empty is filled only with ``write_digest``, or where the
    chart is told to use the digest.
    """

    pin: Pin
    tag: str | None
    digest: str | None = None
    write_digest: bool = False


@dataclass(frozen=True, slots=True)
class _Splice:
    """A scalar and the value that it gets, for ``pin``."""

    scalar: Scalar
    value: str
    pin: Pin

    @property
    def is_needed(self) -> bool:
        """Whether the file does not say so yet; a number that Helm prints otherwise than it is written does not."""
        scalar = self.scalar
        if self.value != scalar.value:
            return True
        plain = scalar.style == "" and scalar.yaml_tag is None
        return plain and self.value != "" and not helm_prints_alike(self.value)


def restoring(pin: Pin, tag: str | None, digest: str | None) -> TagEdit:
    """The edit that gives ``pin`` back what it held before, be it a digest alone."""
    in_place_of_a_tag = tag is None and digest is not None and not (pin.tag_scalar is not None and pin.digest_scalars)
    return TagEdit(pin, None if in_place_of_a_tag else tag or "", digest, write_digest=digest is not None)


def changes_file(values: ValuesFile, edit: TagEdit) -> bool:
    """Whether ``edit`` would change a byte of the file."""
    return any(splice.is_needed for splice in _splices(values, edit))


def set_tags(values: ValuesFile, edits: Sequence[TagEdit]) -> bytes:
    """The file's bytes after ``edits``.

    Raises:
        Refused: two edits want different things of one scalar (pins that share an anchor).
        ProofFailed: the result is not what was asked for; nothing may be written.

    """
    by_start: dict[int, _Splice] = {}
    for edit in edits:
        for splice in _splices(values, edit):
            other = by_start.setdefault(splice.scalar.start, splice)
            if other.value != splice.value:
                raise Refused(
                    f"{describe(values, splice.pin)}: shares one value with {describe(values, other.pin)} "
                    f"through an anchor, and cannot become {splice.value!r} and {other.value!r} too",
                    "give each its own",
                )
    needed = [by_start[start] for start in sorted(by_start) if by_start[start].is_needed]
    pieces, end = [], 0
    for splice in needed:
        pieces += [values.text[end : splice.scalar.start], _rewritten(values, splice)]
        end = splice.scalar.end
    text = "".join([*pieces, values.text[end:]])
    prove(values, text, {splice.scalar.start: splice.value for splice in needed})
    return values.encode(text)


def written_scalars(values: ValuesFile, edit: TagEdit) -> list[Scalar]:
    """The scalars whose value ``edit`` changes."""
    return [splice.scalar for splice in _splices(values, edit) if splice.is_needed]


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


def digest_after(values: ValuesFile, edit: TagEdit) -> str | None:
    """The digest that the pin holds after ``edit``, in its tag or in a key of its own."""
    if edit.digest is None:
        return edit.pin.digest if edit.tag == edit.pin.tag else None
    digits = edit.digest.rpartition(":")[2]
    return edit.digest if any(splice.value.endswith(digits) for splice in _splices(values, edit)) else None


def _splices(values: ValuesFile, edit: TagEdit) -> Iterator[_Splice]:
    """What the scalars of ``edit.pin`` are to hold."""
    pin = edit.pin
    if pin.refusal is not None:
        raise ValueError(f"{describe(values, pin)} cannot be set: {pin.refusal}")
    if pin.tag_scalar is not None:
        yield _Splice(pin.tag_scalar, _version(values, edit, pin.tag_scalar), pin)
    for digest in pin.digest_scalars:
        if edit.digest is not None and (digest.value is not None or edit.write_digest or pin.digest_switch is not None):
            yield _Splice(digest.scalar, digest.text_of(edit.digest), pin)
        elif digest.value is not None and edit.tag != pin.tag and not pin.is_digest_only:
            yield _Splice(digest.scalar, "", pin)


def _version(values: ValuesFile, edit: TagEdit, scalar: Scalar) -> str:
    """What the scalar of a tag is to hold: the tag, the digest or both, after a repository in an image string."""
    pin = edit.pin
    held = read_tag_scalar(scalar, values.text, pin.prefix.removesuffix(":"))
    digest = edit.digest or (held.digest if edit.tag == pin.tag else None)
    if edit.tag is None or pin.is_digest_only:
        at = f"{pin.prefix.removesuffix(':')}@" if pin.prefix else scalar.value[: scalar.value.startswith("@")]
        return f"{at}{digest}"
    in_tag = held.digest is not None or (edit.write_digest and not pin.digest_scalars)
    return f"{pin.prefix}{edit.tag}@{digest}" if digest and in_tag else f"{pin.prefix}{edit.tag}"


def _rewritten(values: ValuesFile, splice: _Splice) -> str:
    """The text of the scalar with the wanted value, in its own style; with quotes where YAML would read 1.10 as 1.1."""
    scalar, value = splice.scalar, splice.value
    before, body = cut_scalar(scalar, values.text)
    if scalar.style == "":
        plain = f'"{value}"' if needs_quotes(value, scalar) else value
        ahead = before or values.text[scalar.start - 1 : scalar.start]
        gap = " " if body == "" and not ahead[-1:].isspace() else ""
        return before + gap + plain
    if scalar.style in ("'", '"'):
        return before + body[0] + value + body[-1]
    if value:
        return before + body.replace(scalar.value, value)
    # Empty quotes in place of a block of text; a comment behind its sign and the ends of its lines stay.
    first, *lines = body.splitlines(keepends=True)
    ends = (line[len(line.rstrip("\r\n")) :] for line in lines)
    return before + _BLOCK_SIGN.sub('""', first, count=1) + "".join(ends)


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
    """The scalars of the file and those of ``text`` in step, in the order of the text."""
    try:
        documents = values.parse(text)
    except YamlError as error:
        raise _failed(values, error.line, f"the result is not YAML: {error.problem}") from error
    if len(documents) != len(values.documents):
        raise _failed(values, 1, "the result has another number of documents")
    roots = zip(reversed(values.documents), reversed(documents), strict=True)
    waiting: list[tuple[Node, Node]] = [(old.root, new.root) for old, new in roots]
    while waiting:
        old, new = waiting.pop()
        if isinstance(old, Scalar) and isinstance(new, Scalar):
            yield old, new
            continue
        if isinstance(old, Alias) and isinstance(new, Alias) and old.name != new.name:
            raise _failed(values, old.line, "an alias changed")
        before, after = children_of(old), children_of(new)
        anchors = {getattr(node, "anchor", None) for node in (old, new)}
        if type(old) is not type(new) or len(before) != len(after) or len(anchors) > 1:
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
