"""Where a file names an image in a form that bumper does not edit: in a text, in arguments, in a name in parts.

What is found here is left alone and said, with file and line, so that nothing is silently half done.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice

from bumper.image import DOCKER_HUB, ImageReference, Repository, read_repository
from bumper.values.pin import Pin
from bumper.values.pin_path import format_path
from bumper.values.values_file import ValuesFile, describe, find_pins
from bumper.values.yaml_tree import MappingNode, Node, Scalar, SequenceNode

_HUB_HOSTS = r"(?:(?:docker\.io|index\.docker\.io|registry-1\.docker\.io|registry\.hub\.docker\.com)/)?"
_BEFORE = r"(?<![\w./@-])"
_BEHIND = r"(?P<version>:[A-Za-z0-9_{$<%#]|@sha256:)?(?![\w/-]|\.\w)"
_PORT = re.compile(r":\d{4,5}(?!\d|[.\w-])")
_MAX_UNNAMED = 3
_LINE_END = re.compile(r"\r\n|\r|\n")


def explain_left_alone(values: ValuesFile, pins: Sequence[Pin], image: ImageReference) -> Iterator[str]:
    """A sentence for each line of the file that names ``image`` beside its pins, and for each pin that may be its."""
    repository = image.repository
    for line in lines_left_alone(values, pins, repository):
        yield f"{repository} is also named in {values.name}:{line}, which was left alone."
    for pin in pins:
        if pin.repository is None and any(_ends_like(part, repository) for part in pin.name_parts):
            yield _explain_unnamed(values, pin, repository)


def explain_other_names(values: ValuesFile, pins: Sequence[Pin], image: ImageReference) -> Iterator[str]:
    """For a file without a pin of ``image``: the pins without any name, and those of an image in its place."""
    repository = image.repository
    unnamed = (pin for pin in pins if pin.repository is None and not pin.name_parts)
    yield from (_explain_unnamed(values, pin, repository) for pin in islice(unnamed, _MAX_UNNAMED))
    for pin in pins:
        if pin.repository is not None and any(read_repository(part) == repository for part in pin.name_parts[1:]):
            yield f"{describe(values, pin)} is of {pin.repository}, not of {repository}."


def _explain_unnamed(values: ValuesFile, pin: Pin, repository: Repository) -> str:
    """Why a pin has no name, and what gives it one."""
    path = format_path(pin.path)
    return (
        f"{describe(values, pin)} was left alone, because its image is not known: {pin.unnamed}; "
        f"if it is {repository}, add to `images` in bumper.yaml {{image: {repository}, path: {json.dumps(path)}}}, "
        f"or use `bumper set --path`."
    )


def _ends_like(part: str, repository: Repository) -> bool:
    return part.rstrip("/").rpartition("/")[2] == repository.name.rpartition("/")[2]


def lines_left_alone(values: ValuesFile, pins: Sequence[Pin], repository: Repository) -> list[int]:
    """The lines that name ``repository`` where no pin holds it."""
    last = repository.name.rpartition("/")[2]
    if last not in values.text:
        return []
    explained = {pin.line for pin in pins if pin.repository == repository and pin.tag_scalar is None}
    places = [match for match in _spelling(repository).finditer(values.text) if _is_name(match, repository)]
    places = [match for match in places if _holder(pins, match.start()) is None]
    if not places:
        return []
    every = find_pins(values)  # of other environments in the file, too
    places = [match for match in places if _holder(every, match.start()) is None]
    lines: dict[int, None] = {}
    for scalar, is_key in _scalars(values) if places else ():
        for match in places:
            if scalar.start <= match.start() < scalar.end and (match["version"] or is_key or _is_text(values, scalar)):
                last_line = scalar.line + _line_ends(values, scalar.start, scalar.end)
                if explained.isdisjoint(range(scalar.line, last_line + 1)):
                    lines[scalar.line + _line_ends(values, scalar.start, match.start())] = None
    return sorted(lines)


def _holder(pins: Iterable[Pin], place: int) -> Scalar | None:
    """The scalar of a tag that takes in ``place``."""
    scalars = (pin.tag_scalar for pin in pins if pin.tag_scalar is not None)
    return next((scalar for scalar in scalars if scalar.start <= place < scalar.end), None)


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


def _is_text(values: ValuesFile, scalar: Scalar) -> bool:
    return _line_ends(values, scalar.start, scalar.end) > 0


def _line_ends(values: ValuesFile, start: int, end: int) -> int:
    return len(_LINE_END.findall(values.text, start, end))


def _scalars(values: ValuesFile) -> Iterator[tuple[Scalar, bool]]:
    """Every scalar, and whether it is a key."""
    waiting: list[tuple[Node, bool]] = [(document.root, False) for document in values.documents]
    while waiting:
        node, is_key = waiting.pop()
        if isinstance(node, Scalar):
            yield node, is_key
        elif isinstance(node, MappingNode):
            waiting += [part for key, value in node.pairs for part in ((key, True), (value, False))]
        elif isinstance(node, SequenceNode):
            waiting += [(item, False) for item in node.items]
