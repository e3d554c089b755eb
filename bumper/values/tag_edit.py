"""New tags into a values file: every byte outside the tags and digests stays, and the result is proven."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from bumper.errors import Refused
from bumper.values.edit_proof import prove
from bumper.values.pin import OtherPin, Pin
from bumper.values.quotes import helm_prints_alike, needs_quotes
from bumper.values.tag_scalars import cut_scalar, read_tag_scalar
from bumper.values.values_file import ValuesFile, describe
from bumper.values.yaml_tree import Scalar

_BLOCK_SIGN = re.compile(r"[|>][-+0-9]*")


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
    return before + (body.replace(scalar.value, value) if value else _emptied_block(body))


def _emptied_block(body: str) -> str:
    """Empty quotes in place of a block of text; a comment behind its sign and the ends of its lines stay."""
    first, *lines = body.splitlines(keepends=True)
    ends = (line[len(line.rstrip("\r\n")) :] for line in lines)
    return _BLOCK_SIGN.sub('""', first, count=1) + "".join(ends)
