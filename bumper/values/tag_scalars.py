"""The scalars that hold a tag or a digest: what they say, as what YAML reads them, why one may not be rewritten."""

import re
from dataclasses import dataclass

from bumper.image import is_address, is_digest, is_tag, split_reference
from bumper.values.quotes import reads_as_text
from bumper.values.yaml_tree import STRING_TAG, Resolved, Scalar

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS = frozenset({"true", "false", "yes", "no", "on", "off"})
_PROPERTIES = re.compile(r"(?:[&!]\S*\s*)*")  # the anchor and the explicit tag before a scalar
_BEFORE_A_VALUE = re.compile(r"(?::|(?:^|\s)-)\s*$")
_PLACEHOLDER = re.compile(r"[{}$<>%#]|__\w+__|@\w+@|\[.*\]|^[A-Z][A-Z0-9_-]{2,}/")


@dataclass(frozen=True, slots=True)
class TagReading:
    """What a scalar says of an image's version, or why it may not be rewritten."""

    tag: str | None = None
    digest: str | None = None
    scalar: Scalar | None = None
    reads_as_text: bool = True
    refusal: str | None = None


def is_null(node: Scalar) -> bool:
    """Whether YAML reads ``node`` as null (an empty one included)."""
    return node.style == "" and node.yaml_tag is None and node.value in _NULLS


def plain_value(node: Resolved | None) -> str | None:
    """The text of a scalar; None for anything else, null included."""
    return node.value if isinstance(node, Scalar) and not is_null(node) else None


def is_placeholder(text: str) -> bool:
    """Whether Helm, a shell or another program is to fill ``text`` in: no image's reference has such signs."""
    return _PLACEHOLDER.search(text) is not None


def is_switch(node: Resolved | None) -> bool:
    """Whether ``node`` turns something on or off."""
    return isinstance(node, Scalar) and node.style == "" and node.value.lower() in _BOOLEANS


def cut_scalar(node: Scalar, text: str) -> tuple[str, str]:
    """What stands in ``text`` for ``node``: its anchor and explicit tag, and the scalar proper."""
    raw = text[node.start : node.end]
    match = _PROPERTIES.match(raw) if node.anchor is not None or node.yaml_tag is not None else None
    before = match[0] if match is not None else ""
    return before, raw[len(before) :]


def read_tag_scalar(node: Resolved | None, text: str, prefix: str = "") -> TagReading:
    """What ``node`` says after ``prefix`` (a repository, in an image string)."""
    refusal = why_not_a_scalar(node, text)
    if refusal is not None or not isinstance(node, Scalar):
        return TagReading(refusal=refusal)
    refusal = why_not_spliced(node, text, prefix)
    if is_null(node):
        return TagReading(scalar=node, refusal=refusal)
    held = node.value.removeprefix(prefix)
    tag, digest = _split(held)
    refusal = _why_no_version(held, prefix) or refusal
    as_text = node.style != "" or node.yaml_tag is not None or reads_as_text(node.value)
    return TagReading(tag, digest, node, as_text, refusal)


def why_not_a_scalar(node: Resolved | None, text: str) -> str | None:
    """Why ``node`` is not a text that bumper could exchange for another one."""
    if node is None:
        return "it is an alias inside what it names; write the tag itself"
    if not isinstance(node, Scalar) or text.startswith("{{", node.start):
        kind = "a Go template" if text.startswith("{{", node.start) else "a mapping or a list"
        return f"it is {kind}; it has to be one scalar"
    if is_placeholder(node.value):
        return f"{node.value!r} is a template, to be filled in by another program; set what it is filled with"
    if node.yaml_tag not in (None, "!", STRING_TAG):
        return f"it has the explicit YAML type {node.yaml_tag}; write it as text"
    # A block's sign without - keeps its last line break, which Helm's reader adds at the end of a file that has none.
    ends_in_break = node.style in ("|", ">") and node.value != "" and "-" not in cut_scalar(node, text)[1][:3]
    if "\n" in node.value or ends_in_break:
        return "it is a text of several lines, or ends in a line break; write it on one line"
    return None


def why_not_spliced(node: Scalar, text: str, prefix: str) -> str | None:
    """Why what stands in ``node`` after ``prefix`` cannot be exchanged without touching another byte."""
    if node.start == node.end and _BEFORE_A_VALUE.search(text[max(0, node.start - 200) : node.start]) is None:
        return "its key has neither a colon nor a value; write a colon and empty quotes"  # `{repository: nginx, tag}`
    _, body = cut_scalar(node, text)
    if node.style in ("|", ">"):
        cuttable = node.value != "" and body.count(node.value) == 1
    elif node.style == "":
        cuttable = len(body.splitlines()) <= 1
    else:
        cuttable = len(body.splitlines()) == 1 and body[1:].startswith(prefix)
    return None if cuttable else "it is written over several lines or with escapes; write it plain or in quotes"


def image_string(value: str | None) -> tuple[str, str | None, str | None] | None:
    """The parts of ``repository:tag``, ``repository@digest`` or both; None for any other text."""
    name, tag, digest = split_reference(value or "")
    if (tag is None and digest is None) or value is None or is_address(value) or is_digest(value):
        return None
    tag_fits = not tag or is_tag(tag) or ("{{" in tag or (is_placeholder(tag) and not any(map(str.isspace, tag))))
    digest_fits = digest is None or is_digest(digest) or is_placeholder(digest)
    return (name, tag, digest) if name and tag_fits and digest_fits else None


def image_string_for_tag(value: str | None) -> tuple[str, str | None, str | None] | None:
    """The parts of an image string where a tag may stand as well: ``v1@sha256:...`` is a tag there, no repository."""
    parts = image_string(value)
    return parts if parts is not None and (parts[1] is not None or "/" in parts[0]) else None


def _why_no_version(held: str, prefix: str) -> str | None:
    """Why ``held`` is neither a tag nor a digest nor both, as a chart may put them together in its own way."""
    tag, at, digest = held.removeprefix(":" if prefix else "").partition("@")
    if is_digest(tag) and not at:
        return None
    if tag.strip() and not is_tag(tag.strip()):
        return f"{held!r} is not a tag; write a tag there"
    return (
        f"{held!r} has no whole digest behind its @; write one, or a tag alone"
        if at and not is_digest(digest)
        else None
    )


def _split(held: str) -> tuple[str | None, str | None]:
    """``tag``, ``tag@digest``, ``@digest`` or a digest alone; in an image string ``:`` stands before the tag."""
    tag, _, digest = held.removeprefix(":").partition("@")
    if not digest and is_digest(tag):
        return None, tag
    return tag or None, digest or None
