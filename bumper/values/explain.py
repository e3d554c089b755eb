"""Which pins can get a version, and in sentences why others cannot, which lines help, what changes with an edit."""

from collections.abc import Iterator, Sequence

from bumper.image import ImageReference
from bumper.values.aliases import moved_unasked, places_of
from bumper.values.pin import OtherPin, Pin, PinPath, format_path
from bumper.values.tag_edit import TagEdit, digest_after, written_scalars
from bumper.values.values_file import ValuesFile, describe


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
