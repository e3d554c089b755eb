"""The files of a repository that may be an environment's values, and the images that they name. Pure."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from bumper.environments.discovery.folders import chart_folders, is_deployed
from bumper.errors import Refused
from bumper.values.values_file import find_pins, read_values

_VALUES_NAME = re.compile(r"(?:.*[-._])?values(?:[-._].*)?\.ya?ml(?:\.gotmpl)?")
_YAML_NAME = re.compile(r".*\.ya?ml(?:\.gotmpl)?")
# Files of other programs that name images, too.
_OTHERS = re.compile(r"Chart\.ya?ml|\.gitlab-ci.*|(?:docker-)?compose.*|\.pre-commit.*|mkdocs\.ya?ml|bumper\.yaml")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file that may be values: how many tags it holds, below which top keys, and the images that it names.

    Of an image's repository it is the last part, which mirrors and stages have in common.
    """

    path: str
    pins: int = 0
    images: frozenset[str] = frozenset()
    keys: frozenset[str] = frozenset()


def find_candidates(
    paths: Collection[str], sources: Mapping[str, bytes], named: Iterable[str]
) -> dict[str, Candidate]:  # fmt: skip
    """The files that are called values, that hold pins, or that Argo CD reads (``named``)."""
    charts = chart_folders(paths)
    known = set(named)
    found = {}
    for path in paths:
        name = path.rpartition("/")[2]
        if path not in known and (
            _YAML_NAME.fullmatch(name) is None or _OTHERS.fullmatch(name) or not is_deployed(path, charts)
        ):
            continue
        candidate = _look_into(path, sources.get(path, b""))
        if candidate.pins or path in known or _VALUES_NAME.fullmatch(name):
            found[path] = candidate
    return found


def _look_into(path: str, source: bytes) -> Candidate:
    lowered = source.lower()
    if not any(word in lowered for word in (b"tag", b"image", b"version", b"digest")):
        return Candidate(path)
    try:
        values = read_values(path, source)
    except Refused:
        return Candidate(path)
    pins = [pin for pin in find_pins(values) if pin.tag is not None or pin.digest is not None]
    images = {pin.repository.name.rpartition("/")[2] for pin in pins if pin.repository is not None}
    keys = {pin.path[0] if isinstance(pin.path[0], str) else "" for pin in pins}
    return Candidate(path, len(pins), frozenset(images), frozenset(keys))
