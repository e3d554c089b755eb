"""The scalars that hold a tag or a digest: what they say, and why one may not be rewritten."""

import re
from dataclasses import dataclass

from bumper.image import is_address, is_digest, is_tag, split_reference
from bumper.values.plain_scalar import reads_as_text
from bumper.values.siblings import Origin, Resolved, Sibling
from bumper.values.yaml_tree import STRING_TAG, Scalar

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS = frozenset({"true", "false", "yes", "no", "on", "off"})
_PROPERTIES = re.compile(r"(?:[&!]\S*\s*)*")  # the anchor and the explicit tag before a scalar
_BEFORE_A_VALUE = re.compile(r"(?::|(?:^|\s)-)\s*$")
_BARE_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Held:
    """What a scalar says of an image, or why it may not be rewritten."""

    tag: str | None = None
    digest: str | None = None
    scalar: Scalar | None = None
    reads_as_text: bool = True
    refusal: str | None = None


@dataclass(frozen=True, slots=True)
class Digest:
    """The key of its own that an image's digest has, if it has one."""

    key: str = ""
    value: str | None = None
    scalar: Scalar | None = None
    bare: bool = False  # whether it holds the digits alone
    refusal: str | None = None


def is_null(node: Scalar) -> bool:
    """Whether YAML reads ``node`` as null (an empty one included)."""
    return node.style == "" and node.yaml_tag is None and node.value in _NULLS


def plain_value(node: Resolved | None) -> str | None:
    """The text of a scalar; None for anything else, null included."""
    return node.value if isinstance(node, Scalar) and not is_null(node) else None


def is_template(text: str) -> bool:
    """Whether Helm or a shell is to fill ``text`` in; no repository, tag or digest has a dollar or a brace."""
    return "{{" in text or "$" in text


def is_switch(node: Resolved | None) -> bool:
    """Whether ``node`` turns something on or off."""
    return isinstance(node, Scalar) and node.style == "" and node.value.lower() in _BOOLEANS


def cut_scalar(node: Scalar, text: str) -> tuple[str, str]:
    """What stands in ``text`` for ``node``: its anchor and explicit tag, and the scalar proper."""
    raw = text[node.start : node.end]
    match = _PROPERTIES.match(raw) if node.anchor is not None or node.yaml_tag is not None else None
    before = match[0] if match is not None else ""
    return before, raw[len(before) :]


def read_tag_scalar(node: Resolved | None, text: str, prefix: str = "") -> Held:
    """What ``node`` says after ``prefix`` (a repository, in an image string)."""
    refusal = _not_a_tag(node, text)
    if refusal is not None or not isinstance(node, Scalar):
        return Held(refusal=refusal)
    refusal = _not_to_be_cut(node, text, prefix)
    if is_null(node):
        return Held(scalar=node, refusal=refusal)
    tag, digest = _split(node.value.removeprefix(prefix))
    as_text = node.style != "" or node.yaml_tag is not None or reads_as_text(node.value)
    return Held(tag, digest, node, as_text, refusal)


def _not_a_tag(node: Resolved | None, text: str) -> str | None:
    if node is None:
        return "it is an alias inside what it names; write the tag itself"
    if not isinstance(node, Scalar):
        kind = "a Go template" if text.startswith("{{", node.start) else "a mapping or a list"
        return f"it is {kind}, not a tag; the tag has to be one scalar"
    if is_template(node.value):
        return "it is a template (for Helm or a shell), not a tag; set what it is filled with"
    if node.yaml_tag not in (None, "!", STRING_TAG):
        return f"it has the explicit YAML type {node.yaml_tag}; write it as text"
    if "\n" in node.value:
        return "it is a text of several lines, or ends in a line break; write it on one line"
    return None


def _not_to_be_cut(node: Scalar, text: str, prefix: str) -> str | None:
    """Why the tag in ``node`` cannot be exchanged without touching another byte."""
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
    tag_fits = not tag or is_tag(tag) or is_template(tag)
    digest_fits = digest is None or is_digest(digest) or is_template(digest)
    return (name, tag, digest) if name and tag_fits and digest_fits else None


def image_string_for_tag(value: str | None) -> tuple[str, str | None, str | None] | None:
    """The same where a tag may stand as well: ``v1@sha256:...`` is a tag there, not a repository."""
    parts = image_string(value)
    return parts if parts is not None and (parts[1] is not None or "/" in parts[0]) else None


def _split(held: str) -> tuple[str | None, str | None]:
    """``tag``, ``tag@digest``, ``@digest`` or a digest alone; in an image string ``:`` stands before the tag."""
    tag, _, digest = held.removeprefix(":").partition("@")
    if not digest and is_digest(tag):
        return None, tag
    return tag or None, digest or None


def read_digest(key: Sibling, text: str) -> Digest | None:
    """The digest that ``key`` holds; None where its value is no digest at all (a git commit under ``sha``)."""
    node = key.node
    if not isinstance(node, Scalar) or is_template(node.value):
        return None if key.origin is Origin.LOWER else _unwritable(key, _not_a_tag(node, text))
    digits = "" if is_null(node) else node.value.strip()
    if digits and not is_digest(digits) and _BARE_SHA256.fullmatch(digits) is None:
        return None
    value = f"sha256:{digits}" if digits and ":" not in digits else digits or None
    if key.origin is Origin.LOWER:
        where = f"its digest stands only in {key.file}:{key.line}, and wins there"
        return None if value is None else Digest(key.key, value, refusal=f'{where}; add {key.key}: "" beside the tag')
    refusal = (
        "it stands twice in one mapping; delete one"
        if key.twice
        else _not_a_tag(node, text) or _not_to_be_cut(node, text, "")
    )
    if refusal is not None:
        return _unwritable(key, refusal)
    bare = not is_digest(digits) and (value is not None or key.name.name.endswith(("sha", "sha256")))
    return Digest(key.key, value, node, bare)


def _unwritable(key: Sibling, refusal: str | None) -> Digest:
    return Digest(key.key, refusal=f"of its digest in {key.key!r}: {refusal}")
