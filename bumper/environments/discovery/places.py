"""The places in paths that may hold an environment's name, and whose application a values file is. Pure.

An application is the part of the path that varies from one application to the next.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, TypeAlias, TypeVar

from bumper.environments.discovery.tree import Candidate
from bumper.environments.path_pattern import ENVIRONMENT_NAME
from bumper.environments.usual_names import (
    GENERIC,
    OF_TEAMS,
    PLAIN_NAMES,
    is_usual,
    is_usual_with_place,
)

Span: TypeAlias = tuple[int, int]
Deployed: TypeAlias = tuple[str, str | None]  # an environment and an application in it
_Key = TypeVar("_Key")

_MARK = "\0"  # in a path without the name in a slot
_APP_MARK = "\1"  # in a path without an application's name
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
_PLAIN_FOLDER = "app"  # names an application where nothing else does


@dataclass(frozen=True)
class Slot:
    """``name`` where an environment's may be: all ``spans`` of the path that hold it.

    ``form`` is ``folder`` or how the file's name holds it; ``part`` counts the path's parts.
    """

    path: str
    name: str
    part: int
    form: str
    spans: tuple[Span, ...]

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
        return self.path.split("/")[self.part - 1] if self.part else ""


@dataclass(frozen=True, slots=True)
class Place:
    """A values file with its environment's ``slot``, and the ``span`` of its application's name if its path has one."""

    slot: Slot
    span: Span | None = None

    @property
    def path(self) -> str:
        """The file's."""
        return self.slot.path

    @property
    def environment(self) -> str:
        """The environment's name."""
        return self.slot.name

    @property
    def app(self) -> str | None:
        """The application's name."""
        return self.path[slice(*self.span)] if self.span is not None else None

    @property
    def deployed(self) -> Deployed:
        """The environment and the application."""
        return self.environment, self.app

    @property
    def home(self) -> str | None:
        """The application's folder; None where a file's name names the application, or nothing does."""
        if self.span is None or "/" not in self.path[self.span[1] :]:
            return None
        return self.path[: self.span[1]]


def put(path: str, spans: Iterable[Span], text: str) -> str:
    """``path`` with ``text`` in the place of every span."""
    for start, end in sorted(spans, reverse=True):
        path = path[:start] + text + path[end:]
    return path


def group(slots: Iterable[Slot], key: Callable[[Slot], _Key]) -> dict[_Key, list[Slot]]:
    """The ``slots`` by what ``key`` gives for each."""
    groups: defaultdict[_Key, list[Slot]] = defaultdict(list)
    for slot in slots:
        groups[key(slot)].append(slot)
    return groups


def slots_of(path: str) -> list[Slot]:
    """Every slot of ``path``: its folders, and what its file's name holds beside ``values``.

    Of a longer name (``api-prod.yaml``) a usual name at one of its ends is one, too.
    """
    found: dict[str, tuple[int, str, list[Span]]] = {}
    start = 0
    for part, text in enumerate(path.split("/")):
        for form, span in _names_in(path, (start, start + len(text))):
            found.setdefault(path[slice(*span)], (part, form, []))[2].append(span)
        start += len(text) + 1
    return [Slot(path, name, part, form, tuple(spans)) for name, (part, form, spans) in found.items()]


def _names_in(path: str, part: Span) -> Iterator[tuple[str, Span]]:
    is_file = part[1] == len(path)
    matches = ((form, expression.fullmatch(path, *part)) for form, expression in (_FORMS if is_file else _FOLDER_FORMS))
    form, whole = next(((form, whole) for form, whole in matches if whole is not None), ("", None))
    if whole is None:
        return
    name = whole["name"]
    is_dotted = is_file and "." in name  # api.prod.yaml, but also prod.sops.yaml
    if name.lower() not in PLAIN_NAMES and re.fullmatch(ENVIRONMENT_NAME, name) and not is_dotted:
        yield form, whole.span("name")
    words = [(word[0], word.span()) for word in _WORD.finditer(path, *whole.span("name"))]
    if len(words) > 1 and not is_usual_with_place(name):  # an application's name and an environment's
        ends = [span for word, span in (words[-1], words[-1 if is_dotted else 0]) if is_usual(word)]
        yield from ((f"{form} word", span) for span in ends[:1])


class _InFile(NamedTuple):
    """What a file's name holds beside ``values`` and the environment's name, and in which form."""

    form: str
    name: str
    span: Span


def _name_in_file(slot: Slot) -> _InFile | None:
    start = slot.path.rfind("/") + 1
    matches = ((form, expression.fullmatch(slot.path, start)) for form, expression in _FORMS)
    form, whole = next(((form, whole) for form, whole in matches if whole is not None), ("", None))
    if whole is None:
        return None
    begin, end = whole.span("app" if "app" in whole.re.groupindex else "name")
    for word_start, word_end in slot.spans if "app" not in whole.re.groupindex else ():
        if word_start == begin:
            begin = word_end + 1
        elif word_end == end:
            end = word_start - 1
    return _InFile(form, slot.path[begin:end], (begin, end)) if begin < end else None


def find_places(
    slots: Mapping[str, Slot], candidates: Mapping[str, Candidate], read_together: Iterable[Sequence[str]]
) -> dict[str, Place]:
    """The place of every file that has an environment's ``slot``.

    ``read_together`` are the files that one application of Argo CD's reads: they are one application's here, too.
    """
    together = {path: number for number, paths in enumerate(read_together) for path in paths if path in slots}
    places: dict[str, Place] = {}
    # What varies among slots of one axis below one folder of the repository's root is comparable.
    for comparable in group(slots.values(), lambda slot: (slot.axis, slot.frame.partition("/")[0])).values():
        telling = _varying_parts(comparable) | _parts_with_images(comparable, candidates)
        for folder in group(comparable, lambda slot: slot.frame.rpartition("/")[0]).values():
            named = _names_in_files(folder)
            parts = {slot.path: _folder_part(slot, telling) for slot in folder}
            in_folder = all(part is not None for part in parts.values())
            if _files_name_applications(folder, named, candidates, together, in_folder=in_folder):
                spans = {path: found.span for path, found in named.items()}
            else:
                spans = {slot.path: _span(slot, part) for slot in folder if (part := parts[slot.path]) is not None}
            places |= {slot.path: Place(slot, spans.get(slot.path)) for slot in folder}
    return places


def _varying_parts(slots: Sequence[Slot]) -> set[int]:
    """The folders in which at least two of the paths differ and in nothing else but their environment."""
    seen: defaultdict[tuple[int, str], set[str]] = defaultdict(set)
    for frame in {slot.frame for slot in slots}:
        parts = frame.split("/")
        for part, name in enumerate(parts[:-1]):
            seen[part, "/".join([*parts[:part], _APP_MARK, *parts[part + 1 :]])].add(name)
    return {part for (part, _), names in seen.items() if len(names) > 1}


def _parts_with_images(slots: Sequence[Slot], candidates: Mapping[str, Candidate]) -> set[int]:
    """The folders that are called like an image that their file names, in most files that name any."""
    known = [(slot.path.split("/"), images) for slot in slots if (images := candidates[slot.path].images)]
    return {
        part
        for part in range(slots[0].path.count("/"))
        if 2 * sum(parts[part] in images for parts, images in known) > len(known)
    }


def _folder_part(slot: Slot, telling: Collection[int]) -> int | None:
    """The part of the path that is the application's folder: the last of those that are ``telling``, else the last."""
    folders = slot.frame.split("/")[:-1]
    if slot.form == "folder word":
        return slot.part
    named = [part for part, name in enumerate(folders) if name.lower() not in GENERIC and _MARK not in name]
    teams = {part for part in named[:-1] if part and folders[part - 1].lower() in OF_TEAMS}
    named = [part for part in named if folders[part] != _PLAIN_FOLDER] or named
    chosen = [part for part in named if part in telling and part not in teams] or named
    return chosen[-1] if chosen else None


def _names_in_files(folder: Iterable[Slot]) -> dict[str, _InFile]:
    """What the files' names hold that may be an application's name."""
    found = {slot.path: named for slot in folder if (named := _name_in_file(slot)) is not None}
    return {
        path: named
        for path, named in found.items()
        if named.name.lower() not in PLAIN_NAMES and not is_usual(named.name)
    }


def _files_name_applications(
    folder: Sequence[Slot], named: Mapping[str, _InFile], candidates: Mapping[str, Candidate],
    together: Mapping[str, int], *, in_folder: bool,
) -> bool:  # fmt: skip
    """Whether the names in the files are applications'; ``in_folder``: a folder can name the application of each."""
    if not named or _are_read_together(folder, named, together):
        return False
    several = len({found.name for found in named.values()}) > 1
    if in_folder:
        return several and _have_own_images(named, candidates)
    return several or len(named) > 1 or {found.form for found in named.values()} != {"name"}


def _are_read_together(folder: Iterable[Slot], named: Mapping[str, _InFile], together: Mapping[str, int]) -> bool:
    """Whether one application reads two of the files, whose names would make them two applications'.

    A single name whose file is read with another (values.yaml and features.yaml) is no application's, either.
    """
    read: defaultdict[int, set[str]] = defaultdict(set)
    for path in (slot.path for slot in folder if slot.path in together):
        read[together[path]].add(named[path].name if path in named else "")
    if any(len(names - {""}) > 1 for names in read.values()):
        return True
    return len(set().union(*read.values()) - {""}) == 1 and any(len(names) > 1 for names in read.values())


def _have_own_images(named: Mapping[str, _InFile], candidates: Mapping[str, Candidate]) -> bool:
    """Whether files of different names never name the same image, and all name some."""
    owners: defaultdict[str, set[str]] = defaultdict(set)
    for path, found in named.items():
        for image in candidates[path].images:
            owners[image].add(found.name)
    return all(candidates[path].images for path in named) and all(len(names) == 1 for names in owners.values())


def _span(slot: Slot, part: int) -> Span:
    """The name of a folder, without the environment's name at one of its ends (``api-prod``, ``prod-api``)."""
    parts = slot.path.split("/")
    start = sum(len(text) + 1 for text in parts[:part])
    end = start + len(parts[part])
    for begin, stop in slot.spans:
        if begin == start and stop < end:
            return stop + 1, end
        if start < begin < end:
            return start, begin - 1
    return start, end
