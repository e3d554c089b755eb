"""The files that may be an environment's values, and the places in their paths that may hold its name. Pure."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from bumper.environments.discovery.generators import Tree
from bumper.environments.discovery.manifests import Application
from bumper.environments.path_pattern import ENVIRONMENT_NAME
from bumper.environments.usual_names import PLAIN_NAMES, chart_folders, is_usual, is_usual_with_place, unused_folder
from bumper.errors import Refused
from bumper.values.values_file import find_pins, read_values

_VALUES_NAME = re.compile(r"(?:.*[-._])?values(?:[-._].*)?\.ya?ml(?:\.gotmpl)?")
_YAML_NAME = re.compile(r".*\.ya?ml(?:\.gotmpl)?")
# Files of other programs that name images, too.
_OTHERS = re.compile(r"Chart\.ya?ml|\.gitlab-ci.*|(?:docker-)?compose.*|\.pre-commit.*|mkdocs\.ya?ml|bumper\.yaml")
_MARK = "\0"  # in a path without the name in a slot
_STEM = r"(?P<name>[^.]+(?:\.[^.]+)?)"
_ENDING = r"\.ya?ml(?:\.gotmpl)?"
_FORMS = (
    ("values-", re.compile(rf"values[-._]{_STEM}{_ENDING}")),
    ("-values-", re.compile(rf"(?P<app>[^.]+)[-._]values[-._](?P<name>[^.]+){_ENDING}")),
    ("-values", re.compile(rf"{_STEM}[-._](?:values|patch|release){_ENDING}")),
    ("name", re.compile(rf"{_STEM}{_ENDING}")),
)
_FOLDER_FORMS = (("folder", re.compile(r"(?P<name>.+)", re.DOTALL)),)
_WORD = re.compile(r"[^-._]+")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file that may be values: how many tags it holds, below which top keys, and the images that it names.

    Of an image's repository it is the last part, which mirrors and stages have in common.
    """

    path: str
    pins: int = 0
    images: frozenset[str] = frozenset()
    keys: frozenset[str] = frozenset()


def find_candidates(tree: Tree, applications: Iterable[Application]) -> dict[str, Candidate]:
    """The files that are called values, that hold pins, or that Argo CD's ``applications`` read."""
    charts = chart_folders(tree.paths)
    known = {path for one in applications for path in one.files}
    found = {}
    for path in tree.paths:
        name = path.rpartition("/")[2]
        if path not in known and (
            _YAML_NAME.fullmatch(name) is None or _OTHERS.fullmatch(name) or unused_folder(path, charts)
        ):
            continue
        candidate = _look_into(path, tree.sources.get(path, b""))
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


@dataclass(frozen=True)
class Slot:
    """``name`` where an environment's may be: all ``spans`` of the path that hold it.

    ``form`` is ``folder`` or how the file's name holds it; ``part`` counts the path's parts.
    """

    path: str
    name: str
    part: int
    form: str
    spans: tuple[tuple[int, int], ...]

    @cached_property
    def frame(self) -> str:
        """The path without the name."""
        return put(self.path, self.spans, _MARK)

    @property
    def axis(self) -> tuple[int, int, str]:
        """What slots of other applications have in common with this one."""
        return (self.path.count("/"), self.part, self.form)

    @property
    def is_word(self) -> bool:
        """Whether the name is a part of a longer one, like ``prod`` in ``api-prod``."""
        return self.form.endswith(" word")

    @property
    def parent(self) -> str:
        """The folder that the name is in."""
        parts = self.path.split("/")
        return parts[self.part - 1] if self.part else ""


def put(path: str, spans: tuple[tuple[int, int], ...], text: str) -> str:
    """``path`` with ``text`` in the place of every span."""
    for start, end in sorted(spans, reverse=True):
        path = path[:start] + text + path[end:]
    return path


def slots_of(path: str) -> Iterator[Slot]:
    """Every slot of ``path``: its folders, and what its file's name holds beside ``values``.

    Of a longer name (``api-prod.yaml``) a usual name at one of its ends is one, too.
    """
    parts = path.split("/")
    found: dict[str, tuple[int, str]] = {}
    spans: dict[str, list[tuple[int, int]]] = {}
    start = 0
    for part, text in enumerate(parts):
        for name, form, begin in _names_in(text, is_file=part == len(parts) - 1):
            found.setdefault(name, (part, form))
            spans.setdefault(name, []).append((start + begin, start + begin + len(name)))
        start += len(text) + 1
    for name, (part, form) in found.items():
        yield Slot(path, name, part, form, tuple(spans[name]))


def _names_in(text: str, *, is_file: bool) -> Iterator[tuple[str, str, int]]:
    forms = _FORMS if is_file else _FOLDER_FORMS
    for form, expression in forms:
        whole = expression.fullmatch(text)
        if whole is not None:
            name, begin = whole["name"], whole.start("name")
            is_dotted = is_file and "." in name  # api.prod.yaml, but also prod.sops.yaml
            if name.lower() not in PLAIN_NAMES and re.fullmatch(ENVIRONMENT_NAME, name) and not is_dotted:
                yield name, form, begin
            words = list(_WORD.finditer(name))
            if len(words) > 1 and not is_usual_with_place(name):  # an application's name and an environment's
                ends = [word for word in (words[-1], words[-1 if is_dotted else 0]) if is_usual(word[0])]
                yield from ((word[0], f"{form} word", begin + word.start()) for word in ends[:1])
            return


def name_in_file(slot: Slot) -> tuple[str, tuple[int, int]] | None:
    """What the file's name holds beside ``values`` and the environment's name: its form, and its place."""
    start = slot.path.rpartition("/")[0]
    offset = len(start) + 1 if start else 0
    text = slot.path[offset:]
    for form, expression in _FORMS:
        whole = expression.fullmatch(text)
        if whole is not None and "app" in whole.groupdict():
            begin, end = whole.span("app")
            return form, (offset + begin, offset + end)
        if whole is not None:
            begin, end = whole.span("name")
            words = [(a - offset, b - offset) for a, b in slot.spans if a >= offset]
            for word_start, word_end in words:
                if word_start == begin:
                    begin = word_end + 1
                elif word_end == end:
                    end = word_start - 1
            return (form, (offset + begin, offset + end)) if begin < end else None
    return None
