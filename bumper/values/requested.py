"""What somebody asks for in a file, by image or by path: its pins and edits, and sentences about them.

The sentences say why a pin cannot be set, which lines help, what else changes with an edit, and where the file names
the image beside its pins: in texts, in arguments, in a name in parts. Nothing is silently half done.
"""

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

from bumper.image import DOCKER_HUB, ImageReference, Repository, read_repository
from bumper.values.keys import Kind, key_name
from bumper.values.partners import holds_digest, speaks_of_a_digest
from bumper.values.pin import OtherPin, Pin, PinPath, format_path
from bumper.values.tag_edit import TagEdit, digest_after, moved_unasked, written_scalars
from bumper.values.tag_scalars import image_string_for_tag, plain_value, read_tag_scalar
from bumper.values.values_file import ValuesFile, describe, find_pins, mark_shared
from bumper.values.yaml_data import look_up, places_of, why_twice
from bumper.values.yaml_tree import Document, MappingNode, Node, Resolved, Scalar, children_of

_REPOSITORY_KEYS = frozenset({"repository", "repo", "registry", "image", "imagename"})
_MAX_UNNAMED = 3
_MAX_NEAREST = 5
_HUB_HOSTS = r"(?:(?:docker\.io|index\.docker\.io|registry-1\.docker\.io|registry\.hub\.docker\.com)/)?"
_BEFORE = r"(?:(?<![\w./@-])|(?<=://))"
_BEHIND = r"(?:(?P<version>:[A-Za-z0-9_{$<%#]|@sha256:)|(?![\w/-]|\.\w))"
_PORT = re.compile(r":\d{4,5}(?!\d|[.\w-])")
_LINE_END = re.compile(r"\r\n|\r|\n")


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
    return "\n".join(f"{'  ' * depth}{name}:" for depth, name in enumerate(names, 1)) + f" {value}"


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
    return Pin(
        path=path,
        line=node.line,
        repository=image or repository,
        tag=reading.tag,
        digest=reading.digest,
        shape="path",
        refusal=why_twice(document.root, path)
        or (_not_a_tag(path, node) if image is None else None)
        or reading.refusal,
        tag_scalar=reading.scalar,
        prefix=f"{prefix}:" if prefix else "",
        reads_as_text=reading.reads_as_text,
    )


def _not_a_tag(path: PinPath, node: Resolved) -> str | None:
    """What a key at ``path`` holds in the place of a tag, by its name or its value."""
    name = key_name(path[-1] if path and isinstance(path[-1], str) else "")
    what = ""
    if name.name in _REPOSITORY_KEYS:
        what = "a repository"
    elif speaks_of_a_digest(name) and holds_digest(name, node):
        what = "a digest"
    elif "/" in (plain_value(node) or ""):
        what = "a repository or another address"
    return f"it holds {what}, not a tag; name the tag's path" if what and isinstance(node, Scalar) else None


def explain_left_alone(values: ValuesFile, pins: Sequence[Pin], image: ImageReference) -> Iterator[str]:
    """A sentence for each line of the file that names ``image`` beside its pins, and for each pin that may be its."""
    repository = image.repository
    for line in sorted({line for line, runs in _mentions(values, pins, repository) if runs}):
        yield f"{repository} is also named in {values.name}:{line}, which was left alone."
    beside = {pin.path[:-1] for pin in pins if pin.repository == repository}
    last = repository.name.rpartition("/")[2]
    for pin in pins:
        is_tag_beside = not pin.name_parts and pin.tag is not None and pin.path[:-1] in beside
        is_alike = any(part.rstrip("/").rpartition("/")[2] == last for part in pin.name_parts)
        if pin.repository is None and (is_tag_beside or is_alike):
            yield _explain_unnamed(values, pin, repository)


def explain_other_names(values: ValuesFile, pins: Sequence[Pin], image: ImageReference) -> Iterator[str]:
    """For a file without a pin of ``image``: the pins that may be its, and where it is named without a version."""
    repository = image.repository
    for line, runs in _mentions(values, pins, repository):
        if not runs:
            yield f"{repository} is named without a tag in {values.name}:{line}."
    unnamed = (pin for pin in pins if pin.repository is None and not pin.name_parts)
    yield from (_explain_unnamed(values, pin, repository) for pin in islice(unnamed, _MAX_UNNAMED))
    for pin in pins:
        takes_its_place = any(read_repository(part) == repository for part in pin.name_parts[1:])  # Kustomize's newName
        if pin.repository is not None and (takes_its_place or _is_elsewhere(pin.repository, repository)):
            other = f"is of {pin.repository}, not of {repository}"
            yield f"{describe(values, pin)} {other}; {_how_to_name(pin, repository)}."


def _is_elsewhere(one: Repository, other: Repository) -> bool:
    """Whether two repositories differ in their registry alone."""
    return one.name.removeprefix("library/") == other.name.removeprefix("library/")


def _how_to_name(pin: Pin, repository: Repository) -> str:
    path = json.dumps(format_path(pin.path))
    return (
        f"if the chart runs {repository} there, add to `images` in bumper.yaml {{image: {repository}, path: {path}}}, "
        f"or use `bumper set --path`"
    )


def _explain_unnamed(values: ValuesFile, pin: Pin, repository: Repository) -> str:
    """Why a pin has no name, and what gives it one."""
    why = f"was left alone, because its image is not known: {pin.unnamed}"
    return f"{describe(values, pin)} {why}; {_how_to_name(pin, repository)}."


def _mentions(values: ValuesFile, pins: Sequence[Pin], repository: Repository) -> Iterator[tuple[int, bool]]:
    """The lines that name ``repository`` where no pin holds it.

    With each comes whether the name stands for an image that runs: with a version, in a text of several lines or in
    JSON, as a key or beside a version.
    """
    if repository.name.rpartition("/")[2] not in values.text:
        return
    places = [match for match in _spelling(repository).finditer(values.text) if _is_name(match, repository)]
    if all(_is_held(pins, match.start()) for match in places):
        return
    every = find_pins(values)  # of other environments in the file, too
    places = [match for match in places if not _is_held(every, match.start())]
    explained = {pin.line for pin in pins if pin.repository == repository and pin.tag_scalar is None}
    for scalar, is_telling in _scalars(values) if places else ():
        lines = range(scalar.line, scalar.line + 1 + len(_LINE_END.findall(values.text, scalar.start, scalar.end)))
        for match in places if explained.isdisjoint(lines) else ():
            place = match.start()
            if scalar.start <= place < scalar.end:
                is_quoted = place - 1 > scalar.start and values.text[place - 1] in "\"'"
                runs = bool(match["version"]) or is_telling or len(lines) > 1 or is_quoted
                yield scalar.line + len(_LINE_END.findall(values.text, scalar.start, place)), runs


def _spelling(repository: Repository) -> re.Pattern[str]:
    """Every way to write the repository."""
    name = re.escape(repository.name)
    if repository.host != DOCKER_HUB:
        return re.compile(f"{_BEFORE}(?i:{re.escape(repository.host)})/{name}{_BEHIND}")
    if repository.name.startswith("library/"):
        name = f"(?:library/)?{re.escape(repository.name.removeprefix('library/'))}"
    return re.compile(f"{_BEFORE}{_HUB_HOSTS}{name}{_BEHIND}")


def _is_name(match: re.Match[str], repository: Repository) -> bool:
    """Whether a match names the image: a single word is one only with a tag that is no port."""
    if "/" in match[0] or not repository.name.startswith("library/"):
        return True
    return bool(match["version"]) and _PORT.match(match.string, match.start("version")) is None


def _is_held(pins: Iterable[Pin], place: int) -> bool:
    """Whether a scalar of a pin takes in ``place``: one that holds its tag, or a part of its name."""
    scalars = (scalar for pin in pins for scalar in (pin.tag_scalar, *pin.name_scalars) if scalar is not None)
    return any(scalar.start <= place < scalar.end for scalar in scalars)


def _scalars(values: ValuesFile) -> Iterator[tuple[Scalar, bool]]:
    """Every scalar, and whether it is a key or stands beside a version."""
    waiting: list[tuple[Node, bool]] = [(document.root, False) for document in values.documents]
    while waiting:
        node, is_telling = waiting.pop()
        if isinstance(node, Scalar):
            yield node, is_telling
        elif isinstance(node, MappingNode):
            versioned = any(key_name(key).kind in (Kind.TAG, Kind.VERSION) for key in node.keys)
            waiting += [part for key, value in node.pairs for part in ((key, True), (value, versioned))]
        else:
            waiting += [(item, False) for item in children_of(node)]


def nearest_names(repository: Repository, known: Iterable[Repository | None]) -> list[str]:
    """Up to five of the ``known`` names: those that differ in the host or the folders only, then the most similar."""
    names = {str(other): other for other in known if other is not None}
    last = repository.name.rpartition("/")[2]
    elsewhere = sorted(name for name, other in names.items() if other.name == repository.name)
    alike = sorted(name for name, other in names.items() if other.name.rpartition("/")[2] == last)
    similar = difflib.get_close_matches(str(repository), names, n=_MAX_NEAREST, cutoff=0.5)
    return list(dict.fromkeys([*elsewhere, *alike, *similar]))[:_MAX_NEAREST]
