"""New tags into a values file: every byte outside the tags and digests stays, and the result is proven."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bumper.errors import Refused
from bumper.values.edit_proof import prove
from bumper.values.pin import Pin
from bumper.values.plain_scalar import helm_prints_alike, reads_as_text
from bumper.values.tag_scalars import cut_scalar, is_null, read_tag_scalar
from bumper.values.values_file import ValuesFile, describe
from bumper.values.yaml_tree import Scalar

_BLOCK_SIGN = re.compile(r"[|>][-+0-9]*")


@dataclass(frozen=True, slots=True)
class TagEdit:
    """A settable pin and what it is to hold; ``digest`` is None where it is not known.

    A digest that stands in the file follows the tag; one that does not is written only with ``write_digest``.
    """

    pin: Pin
    tag: str
    digest: str | None = None
    write_digest: bool = False


@dataclass(frozen=True, slots=True)
class _Wanted:
    tag_scalar: Scalar
    value: str
    prefix: str
    pin: Pin


def changes_file(values: ValuesFile, edit: TagEdit) -> bool:
    """Whether ``edit`` would change a byte of the file."""
    return any(_differs(wanted) for wanted in _wanted(values, edit))


def set_tags(values: ValuesFile, edits: Sequence[TagEdit]) -> bytes:
    """The file's bytes after ``edits``.

    Raises:
        Refused: two edits want different things of one scalar (pins that share an anchor).
        ProofFailed: the result is not what was asked for; nothing may be written.

    """
    by_start: dict[int, _Wanted] = {}
    for edit in edits:
        for wanted in _wanted(values, edit):
            other = by_start.setdefault(wanted.tag_scalar.start, wanted)
            if other.value != wanted.value:
                raise Refused(
                    f"{describe(values, wanted.pin)}: shares one value with {describe(values, other.pin)} "
                    f"through an anchor, and cannot become {wanted.value!r} and {other.value!r} too; give each its own."
                )
    changed = sorted(
        (wanted for wanted in by_start.values() if _differs(wanted)), key=lambda item: item.tag_scalar.start
    )
    pieces, end = [], 0
    for wanted in changed:
        pieces += [values.text[end : wanted.tag_scalar.start], _rewritten(values, wanted)]
        end = wanted.tag_scalar.end
    text = "".join([*pieces, values.text[end:]])
    prove(values, text, {wanted.tag_scalar.start: wanted.value for wanted in changed})
    return values.encode(text)


def _differs(wanted: _Wanted) -> bool:
    tag_scalar = wanted.tag_scalar
    if wanted.value != tag_scalar.value:
        return True
    return (
        tag_scalar.style == ""
        and tag_scalar.yaml_tag is None
        and wanted.value != ""
        and not helm_prints_alike(wanted.value)
    )


def _wanted(values: ValuesFile, edit: TagEdit) -> Iterator[_Wanted]:
    """What the scalars of ``edit.pin`` are to hold."""
    pin = edit.pin
    if pin.tag_scalar is None:
        raise ValueError(f"{describe(values, pin)} cannot be set: {pin.refusal}")
    held = read_tag_scalar(pin.tag_scalar, values.text, pin.prefix.removesuffix(":"))
    same_tag = pin.tag == edit.tag
    digest = edit.digest or (held.digest if same_tag else None)
    in_tag = held.digest is not None or (edit.write_digest and pin.digest_scalar is None)
    tag = f"{pin.prefix}{edit.tag}"
    yield _Wanted(pin.tag_scalar, f"{tag}@{digest}" if digest and in_tag else tag, pin.prefix, pin)
    if pin.digest_scalar is None:
        return
    stands = pin.digest_scalar.value != "" and not is_null(pin.digest_scalar)
    if edit.digest is not None and (stands or edit.write_digest):
        value = edit.digest.removeprefix("sha256:") if pin.bare_digest else edit.digest
        yield _Wanted(pin.digest_scalar, value, "", pin)
    elif stands and not same_tag:
        yield _Wanted(pin.digest_scalar, "", "", pin)


def _rewritten(values: ValuesFile, wanted: _Wanted) -> str:
    """The text of the scalar with the wanted value in it, in the style that it has (see tag_scalars for null)."""
    tag_scalar, value = wanted.tag_scalar, wanted.value
    before, body = cut_scalar(tag_scalar, values.text)
    if tag_scalar.style == "":
        plain = value if _may_be_plain(value, tag_scalar) else f'"{value}"'
        ahead = before or values.text[tag_scalar.start - 1 : tag_scalar.start]
        gap = " " if body == "" and not ahead[-1:].isspace() else ""
        return before + gap + plain
    if tag_scalar.style in ("'", '"'):
        return before + body[0] + value + body[-1]
    return before + (body.replace(tag_scalar.value, value) if value else _emptied_block(body))


def _may_be_plain(value: str, tag_scalar: Scalar) -> bool:
    """Whether ``value`` needs no quotes; in brackets, YAML 1.1 ends a plain scalar at its first colon."""
    hidden_colon = tag_scalar.in_flow and ":" in value and ":" not in tag_scalar.value
    return reads_as_text(value) and not hidden_colon


def _emptied_block(body: str) -> str:
    """Empty quotes in place of a block of text; a comment behind its sign and the ends of its lines stay."""
    first, *lines = body.splitlines(keepends=True)
    ends = (line[len(line.rstrip("\r\n")) :] for line in lines)
    return _BLOCK_SIGN.sub('""', first, count=1) + "".join(ends)
