"""Pins that somebody names by their path, whatever stands beside them."""

from collections.abc import Sequence
from dataclasses import replace

from bumper.image import Repository, read_repository
from bumper.values.aliases import mark_shared
from bumper.values.digests import holds_digest, speaks_of_a_digest
from bumper.values.key_names import key_name
from bumper.values.pin import Pin, PinPath, format_path
from bumper.values.siblings import key_standing_twice, look_up
from bumper.values.tag_scalars import image_string_for_tag, plain_value, read_tag_scalar
from bumper.values.values_file import ValuesFile
from bumper.values.yaml_tree import Document, Resolved, Scalar

_REPOSITORY_KEYS = frozenset({"repository", "repo", "registry", "image", "imagename"})


def pin_at(values: ValuesFile, path: PinPath, pins: Sequence[Pin], repository: Repository | None) -> tuple[Pin, ...]:
    """The pins that stand at ``path``, of ``repository`` whatever stands beside them, one for each document.

    ``pins`` are those of the file. A scalar that no shape makes a pin becomes one, because somebody named its path; a
    key that holds a repository or a digest does not.
    """
    known = tuple(pin for pin in pins if pin.path == path)
    if known:
        return known
    nodes = ((document, look_up(document.root, path)) for document in values.documents)
    named = [_named_pin(values, document, path, node, repository) for document, node in nodes if node is not None]
    owner = next((pin for pin in pins for digest in pin.digest_scalars if digest.path == path), None)
    if owner is not None:
        refusal = f"it holds the digest of {format_path(owner.path)}, not a tag; name that path"
        named = [replace(pin, refusal=refusal) for pin in named]
    return mark_shared([*named, *pins])[: len(named)]


def _named_pin(
    values: ValuesFile, document: Document, path: PinPath, node: Resolved, repository: Repository | None
) -> Pin:
    parts = image_string_for_tag(plain_value(node))
    prefix = parts[0] if parts is not None else ""
    image = read_repository(prefix)
    reading = read_tag_scalar(node, values.text, prefix)
    twice = key_standing_twice(document.root, path)
    duplicate = f"the key {twice!r} is twice in one mapping; delete one" if twice is not None else None
    return Pin(
        path=path,
        line=node.line,
        repository=image or repository,
        tag=reading.tag,
        digest=reading.digest,
        shape="path",
        refusal=duplicate or (_not_a_tag(path, node) if image is None else None) or reading.refusal,
        tag_scalar=reading.scalar,
        prefix=f"{prefix}:" if prefix else "",
        reads_as_text=reading.reads_as_text,
    )


def _not_a_tag(path: PinPath, node: Resolved) -> str | None:
    """What a key at ``path`` holds in the place of a tag, by its name or its value."""
    if not isinstance(node, Scalar):
        return None
    name = key_name(path[-1]) if path and isinstance(path[-1], str) else None
    if name is not None and name.name in _REPOSITORY_KEYS:
        return "it holds a repository, not a tag; name the tag's path"
    if name is not None and speaks_of_a_digest(name) and holds_digest(name, node):
        return "it holds a digest, not a tag; name the tag's path"
    if "/" in (plain_value(node) or ""):
        return "it holds a repository or another address, not a tag; name the tag's path"
    return None
