"""Where a file names an image beside its pins: in texts, in arguments, as a key, beside a version that is no pin."""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from bumper.image import DOCKER_HUB, Repository, read_repository
from bumper.values.key_names import Kind, key_name
from bumper.values.pin import Pin
from bumper.values.pin_path import PinPath
from bumper.values.pin_search import Way, path_of
from bumper.values.siblings import key_text
from bumper.values.values_file import ValuesFile, find_pins
from bumper.values.yaml_tree import MappingNode, Node, Scalar, SequenceNode

_HUB_HOSTS = r"(?:(?:docker\.io|index\.docker\.io|registry-1\.docker\.io|registry\.hub\.docker\.com)/)?"
_BEFORE = r"(?<![\w./@-])"
_BEHIND = r"(?:(?P<version>:[A-Za-z0-9_{$<%#]|@sha256:)|(?![\w/-]|\.\w))"
_PORT = re.compile(r":\d{4,5}(?!\d|[.\w-])")
_LINE_END = re.compile(r"\r\n|\r|\n")


class _Found(NamedTuple):
    scalar: Scalar
    way: Way
    is_key: bool
    beside_a_version: bool


def lines_left_alone(values: ValuesFile, pins: Sequence[Pin], repository: Repository) -> list[int]:
    """The lines that name ``repository`` where no pin holds it."""
    if repository.name.rpartition("/")[2] not in values.text:
        return []
    places = [match for match in _spelling(repository).finditer(values.text) if _is_name(match, repository)]
    if all(_is_held(pins, match.start()) for match in places):
        return []
    of_image = [pin for pin in pins if pin.repository == repository or _has_part(pin, repository)]
    left = [
        (found, match)
        for found in _scalars(values)
        for match in places
        if found.scalar.start <= match.start() < found.scalar.end
        and _counts(values, found, match) and not _is_explained(values, found, match, of_image)
    ]  # fmt: skip
    every = find_pins(values) if left else ()  # of other environments in the file, too
    return sorted({_line(values, found, match) for found, match in left if not _is_held(every, match.start())})


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


def _has_part(pin: Pin, repository: Repository) -> bool:
    """Whether the name is a part of the pin's name, which is another or unknown."""
    return any(read_repository(part) == repository for part in pin.name_parts)


def _is_held(pins: Iterable[Pin], place: int) -> bool:
    """Whether the scalar of a pin's tag takes in ``place``."""
    scalars = (pin.tag_scalar for pin in pins if pin.tag_scalar is not None)
    return any(scalar.start <= place < scalar.end for scalar in scalars)


def _counts(values: ValuesFile, found: _Found, match: re.Match[str]) -> bool:
    """Whether the name stands for an image that runs: with a version, in a text, as a key or beside a version."""
    return bool(match["version"]) or found.is_key or found.beside_a_version or _line_ends(values, found.scalar) > 0


def _is_explained(values: ValuesFile, found: _Found, match: re.Match[str], pins: Iterable[Pin]) -> bool:
    """Whether the scalar is a pin's repository, or a refusal speaks of the lines that it takes up."""
    path, first = path_of(found.way), found.scalar.line
    more = _line_ends(values, found.scalar)
    is_bare = more == 0 and not match["version"]
    return any(
        (is_bare and _stand_together(pin.path, path)) or (pin.tag_scalar is None and first <= pin.line <= first + more)
        for pin in pins
    )


def _stand_together(pin: PinPath, path: PinPath) -> bool:
    """Whether both are keys of one mapping, or values of one list of names and values."""
    return pin[:-1] == path[:-1] or (pin[-1] == path[-1] == "value" and pin[:-2] == path[:-2])


def _line(values: ValuesFile, found: _Found, match: re.Match[str]) -> int:
    return found.scalar.line + len(_LINE_END.findall(values.text, found.scalar.start, match.start()))


def _line_ends(values: ValuesFile, scalar: Scalar) -> int:
    return len(_LINE_END.findall(values.text, scalar.start, scalar.end))


def _scalars(values: ValuesFile) -> Iterator[_Found]:
    """Every scalar, keys included."""
    waiting: list[tuple[Node, Way, bool, bool]] = [(document.root, None, False, False) for document in values.documents]
    while waiting:
        node, way, is_key, beside = waiting.pop()
        if isinstance(node, Scalar):
            yield _Found(node, way, is_key, beside)
        elif isinstance(node, MappingNode):
            versioned = any(key_name(key).kind in (Kind.TAG, Kind.VERSION) for key in node.keys)
            for key, value in node.pairs:
                step: Way = (way, key_text(key) or "?")
                waiting += [(key, step, True, False), (value, step, False, versioned)]
        elif isinstance(node, SequenceNode):
            waiting += [(item, (way, index), False, False) for index, item in enumerate(node.items)]
