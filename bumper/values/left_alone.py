"""Where a file names an image beside its pins, and pins that may be of it: in texts, in arguments, in a name in parts.

Such places are left alone and named, with file and line, so that nothing is silently half done.
"""

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice

from bumper.image import DOCKER_HUB, ImageReference, Repository, read_repository
from bumper.values.keys import Kind, key_name
from bumper.values.pin import Pin, format_path
from bumper.values.values_file import ValuesFile, describe, find_pins
from bumper.values.yaml_tree import MappingNode, Node, Scalar, SequenceNode

_MAX_UNNAMED = 3
_MAX_NEAREST = 5
_HUB_HOSTS = r"(?:(?:docker\.io|index\.docker\.io|registry-1\.docker\.io|registry\.hub\.docker\.com)/)?"
_BEFORE = r"(?:(?<![\w./@-])|(?<=://))"
_BEHIND = r"(?:(?P<version>:[A-Za-z0-9_{$<%#]|@sha256:)|(?![\w/-]|\.\w))"
_PORT = re.compile(r":\d{4,5}(?!\d|[.\w-])")
_LINE_END = re.compile(r"\r\n|\r|\n")


def explain_left_alone(values: ValuesFile, pins: Sequence[Pin], image: ImageReference) -> Iterator[str]:
    """A sentence for each line of the file that names ``image`` beside its pins, and for each pin that may be its."""
    repository = image.repository
    for line in sorted(line for line, runs in _mentions(values, pins, repository) if runs):
        yield f"{repository} is also named in {values.name}:{line}, which was left alone."
    beside = {pin.path[:-1] for pin in pins if pin.repository == repository}
    for pin in pins:
        is_tag_beside = not pin.name_parts and pin.tag is not None and pin.path[:-1] in beside
        if pin.repository is None and (is_tag_beside or any(_ends_like(part, repository) for part in pin.name_parts)):
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
        if pin.repository is not None and (_replaces(pin, repository) or _same_name(pin.repository, repository)):
            other = f"is of {pin.repository}, not of {repository}"
            yield f"{describe(values, pin)} {other}; {_how_to_name(pin, repository)}."


def _replaces(pin: Pin, repository: Repository) -> bool:
    """Whether the pin's image takes the place of ``repository``, as Kustomize's newName does."""
    return any(read_repository(part) == repository for part in pin.name_parts[1:])


def _same_name(one: Repository, other: Repository) -> bool:
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


def _ends_like(part: str, repository: Repository) -> bool:
    return part.rstrip("/").rpartition("/")[2] == repository.name.rpartition("/")[2]


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
        lines = range(scalar.line, scalar.line + 1 + _line_ends(values, scalar, scalar.end))
        for match in places if explained.isdisjoint(lines) else ():
            if scalar.start <= match.start() < scalar.end:
                is_quoted = match.start() - 1 > scalar.start and values.text[match.start() - 1] in "\"'"
                runs = bool(match["version"]) or is_telling or len(lines) > 1 or is_quoted
                yield scalar.line + _line_ends(values, scalar, match.start()), runs


def _line_ends(values: ValuesFile, scalar: Scalar, place: int) -> int:
    return len(_LINE_END.findall(values.text, scalar.start, place))


@lru_cache(maxsize=64)
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
    port = _PORT.match(match.string, match.start("version")) if match["version"] else None
    return bool(match["version"]) and port is None


def _is_held(pins: Iterable[Pin], place: int) -> bool:
    """Whether a scalar of a pin takes in ``place``: one that holds its tag, or a part of its name."""
    return any(
        scalar.start <= place < scalar.end for pin in pins for scalar in (pin.tag_scalar, *pin.name_scalars) if scalar
    )


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
        elif isinstance(node, SequenceNode):
            waiting += [(item, False) for item in node.items]


def nearest_names(repository: Repository, known: Iterable[Repository | None]) -> list[str]:
    """Up to five of the ``known`` names: those that differ in the host or the folders only, then the most similar."""
    names = {str(other): other for other in known if other is not None}
    last = repository.name.rpartition("/")[2]
    elsewhere = sorted(name for name, other in names.items() if other.name == repository.name)
    alike = sorted(name for name, other in names.items() if other.name.rpartition("/")[2] == last)
    similar = difflib.get_close_matches(str(repository), names, n=_MAX_NEAREST, cutoff=0.5)
    return list(dict.fromkeys([*elsewhere, *alike, *similar]))[:_MAX_NEAREST]
