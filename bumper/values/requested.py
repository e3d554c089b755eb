"""What somebody asks for in a file, by image or by path: its pins and edits, and sentences about them.

The sentences say why a pin cannot be set, which lines help, and what else changes with an edit or stays as it is.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from bumper.image import ImageReference, Repository, read_repository
from bumper.values.digests import holds_digest, speaks_of_a_digest
from bumper.values.keys import key_name
from bumper.values.pin import OtherPin, Pin, PinPath, format_path
from bumper.values.tag_edit import TagEdit, digest_after, moved_unasked, written_scalars
from bumper.values.tag_scalars import image_string_for_tag, plain_value, read_tag_scalar
from bumper.values.values_file import ValuesFile, describe, mark_shared
from bumper.values.yaml_data import key_standing_twice, look_up, places_of
from bumper.values.yaml_tree import Document, Resolved, Scalar

_REPOSITORY_KEYS = frozenset({"repository", "repo", "registry", "image", "imagename"})


def edits_for(values: ValuesFile, pins: Sequence[Pin], image: ImageReference) -> tuple[list[TagEdit], list[str]]:
    """The edits that give ``pins`` the version of ``image``, and why some of them cannot have it.

    A digest in ``image`` is written wherever there is a place for one.
    """
    edits: list[TagEdit] = []
    refusals: list[str] = []
    for pin in pins:
        if why_not(pin, image) is not None:
            refusals.append(explain_refusal(values, pin, image))
            continue
        edit = TagEdit(pin, image.tag, image.digest, write_digest=image.digest is not None)
        other = moved_unasked(pin, written_scalars(values, edit), pins)
        if other is None:
            edits.append(edit)
        else:
            refusals.append(explain_other(values, pin, other))
    return edits, refusals


def why_not(pin: Pin, image: ImageReference) -> str | None:
    """Why ``pin`` cannot get the tag and the digest of ``image``; None where it can."""
    if pin.refusal is not None:
        return pin.refusal
    if image.tag is None and pin.tag is not None:
        return f"it holds a tag, and {image} names none; name the tag, {image.repository}:TAG"
    if image.tag is None and pin.digest is None:
        return f"it holds no digest yet, and {image} names no tag; name the tag, {image.repository}:TAG"
    if image.digest is None and pin.is_digest_only:
        return f"it holds a digest and no tag; name the digest, {image.repository}@sha256:DIGEST"
    return None


def explain_refusal(values: ValuesFile, pin: Pin, image: ImageReference) -> str:
    """Why a pin cannot get the version of ``image``, with the lines to add where its tag is not there."""
    add = f"; add\n{lines_to_add(pin, image)}" if pin.absent else "."
    return f"{describe(values, pin)} cannot be set: {why_not(pin, image)}{add}"


def explain_other(values: ValuesFile, pin: Pin, other: OtherPin) -> str:
    """Why a pin that shares its value with a pin of another image cannot be set."""
    shared = "tag" if other.scalar is pin.tag_scalar else "digest"
    return (
        f"{describe(values, pin)} cannot be set: through an anchor it shares its {shared} with "
        f"{format_path(other.path)} in line {other.line}, a pin of {other.repository}; "
        f"bump both in one request, or give each its own value."
    )


def lines_to_add(pin: Pin, image: ImageReference) -> str:
    """The YAML that gives the pin a tag; within a list, whose items Helm does not merge, only the line itself."""
    version = image.tag or image.digest
    value = f"{pin.prefix}{version}" if pin.prefix else f'"{version}"'
    names = [step for step in pin.path if isinstance(step, str)]
    if len(names) != len(pin.path):
        return f"  {names[-1]}: {value}"
    lines = [f"{'  ' * depth}{name}:" for depth, name in enumerate(names, 1)]
    return "\n".join([*lines[:-1], f"{lines[-1]} {value}"])


def places_along(values: ValuesFile, edits: Sequence[TagEdit]) -> Iterator[tuple[TagEdit, PinPath, int]]:
    """Where else a value changes with ``edits``, because it is read there through an anchor: edit, path and line."""
    pins = [edit.pin for edit in edits]
    known = {pin.path for pin in pins} | {digest.path for pin in pins for digest in pin.digest_scalars}
    for edit in edits:
        for scalar in written_scalars(values, edit):
            for path, line in places_of(values.documents, scalar):
                if path not in known:
                    known.add(path)
                    yield edit, path, line


def explain_edits(values: ValuesFile, edits: Sequence[TagEdit]) -> Iterator[str]:
    """What else changes with ``edits``, and which digests may go on to name the old image."""
    for edit, path, line in places_along(values, edits):
        shared = format_path(edit.pin.path)
        yield f"{values.name}:{line}: {format_path(path)} changes too: it shares an anchor with {shared}."
    for edit in edits:
        pin = edit.pin
        for left in pin.left_digests:
            yield (
                f"{values.name}:{left.line}: {format_path(left.path)} holds a digest that was left as it is; if the "
                f"chart uses it for {format_path(pin.path)}, the old image goes on running."
            )
        if pin.digest_switch is not None and digest_after(values, edit) is None:
            switch = format_path(pin.digest_switch)
            yield (
                f"{describe(values, pin)} has no digest now, but {switch} tells the chart to use one; "
                f"name the digest, {pin.repository}:{edit.tag}@sha256:DIGEST, or turn {switch} off."
            )


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
