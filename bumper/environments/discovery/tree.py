"""The files of a repository, and which of them may be values. Pure."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from bumper.environments.usual_names import chart_folders, unused_folder
from bumper.errors import Refused
from bumper.values.values_file import find_pins, read_values

# JSON is what git generators often read, and the ending that helmfile's values have.
_DATA_FILE = re.compile(r".*\.(?:ya?ml|json)(?:\.gotmpl)?", re.DOTALL)
_VALUES_NAME = re.compile(r"(?:.*[-._])?values(?:[-._].*)?\.ya?ml(?:\.gotmpl)?")
_YAML_NAME = re.compile(r".*\.ya?ml(?:\.gotmpl)?")
# Files of other programs that name images, too.
_OTHERS = re.compile(r"Chart\.ya?ml|\.gitlab-ci.*|(?:docker-)?compose.*|\.pre-commit.*|mkdocs\.ya?ml|bumper\.yaml")


@dataclass(frozen=True, slots=True)
class Tree:
    """The repository's files, and the bytes of those that are YAML or JSON."""

    paths: Mapping[str, None]
    sources: Mapping[str, bytes]

    @classmethod
    def read(cls, paths: Iterable[str], read: Callable[[Iterable[str]], Mapping[str, bytes]]) -> Self:
        """The tree of the files at ``paths``, of which ``read`` gives the bytes."""
        return cls(dict.fromkeys(paths), read(filter(is_data, paths)))

    def folders(self) -> list[str]:
        """Every folder but those whose name, or that of a folder above, starts with a dot; Argo CD leaves these out."""
        found: set[str] = set()
        for path in self.paths:
            folder = path.rpartition("/")[0]
            while folder and folder not in found:
                found.add(folder)
                folder = folder.rpartition("/")[0]
        return sorted(folder for folder in found if not any(part.startswith(".") for part in folder.split("/")))


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file that may be values: how many tags it holds, below which top keys, and the images that it names.

    Of an image's repository it is the last part, which mirrors and stages have in common.
    """

    pins: int = 0
    images: frozenset[str] = frozenset()
    keys: frozenset[str] = frozenset()


def find_candidates(tree: Tree, read: Collection[str]) -> dict[str, Candidate]:
    """The files that are called values, that hold pins, or that Argo CD's applications ``read``."""
    charts = chart_folders(tree.paths)
    found = {}
    for path in tree.paths:
        name = path.rpartition("/")[2]
        may_be = _YAML_NAME.fullmatch(name) and not _OTHERS.fullmatch(name) and not unused_folder(path, charts)
        if path in read or may_be:
            candidate = _look_into(path, tree.sources.get(path, b""))
            if candidate.pins or path in read or _VALUES_NAME.fullmatch(name):
                found[path] = candidate
    return found


def _look_into(path: str, source: bytes) -> Candidate:
    lowered = source.lower()
    if not any(word in lowered for word in (b"tag", b"image", b"version", b"digest")):
        return Candidate()
    try:
        values = read_values(path, source)
    except Refused:
        return Candidate()
    pins = [pin for pin in find_pins(values) if pin.tag is not None or pin.digest is not None]
    images = {pin.repository.name.rpartition("/")[2] for pin in pins if pin.repository is not None}
    keys = {pin.path[0] if isinstance(pin.path[0], str) else "" for pin in pins}
    return Candidate(len(pins), frozenset(images), frozenset(keys))


def is_data(path: str) -> bool:
    """Whether ``path`` is worth reading for manifests, values, and what generators read: a YAML or a JSON file."""
    return _DATA_FILE.fullmatch(path) is not None
