"""Whose application a values file is: the part of its path that varies from one application to the next. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from bumper.environments.discovery.candidates import Candidate, Slot, name_in_file
from bumper.environments.usual_names import GENERIC, OF_TEAMS, PLAIN_NAMES, is_usual

_SOME = 2  # what has to be different to be applications
_PLAIN_FOLDER = "app"  # names an application where nothing else does
_MARK = "\1"  # in a path without an application's name
Span: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Place:
    """A values file with its environment and application; ``app`` is None where no part of the path names one."""

    path: str
    environment: str
    slot: Slot
    app: str | None = None
    span: Span | None = None  # of the application's name

    @property
    def home(self) -> str | None:
        """The application's folder; None where a file's name names the application, or nothing does."""
        if self.span is None or "/" not in self.path[self.span[1] :]:
            return None
        return self.path[: self.span[1]]


def find_places(
    slots: Mapping[str, Slot], candidates: Mapping[str, Candidate], read_together: Iterable[Sequence[str]]
) -> dict[str, Place]:
    """The place of every file that has an environment's ``slot``.

    ``read_together`` are the files that one application of Argo CD's reads: they are one application's here, too.
    """
    together = {path: number for number, paths in enumerate(read_together) for path in paths if path in slots}
    places: dict[str, Place] = {}
    for group in _groups(slots.values()):
        telling = _varying_parts(group) | _parts_with_images(group, candidates)
        for folder in _by_folder(group):
            named = _names_in_files(folder)
            parts = {slot.path: _folder_part(slot, telling) for slot in folder}
            if _files_name_applications(folder, named, parts, candidates, together):
                spans = {path: span for path, (_, span) in named.items()}
            else:
                spans = {slot.path: _span(slot, part) for slot in folder if (part := parts[slot.path]) is not None}
            for slot in folder:
                span = spans.get(slot.path)
                app = slot.path[span[0] : span[1]] if span is not None else None
                places[slot.path] = Place(slot.path, slot.name, slot, app, span)
    return places


def _groups(slots: Iterable[Slot]) -> Iterable[list[Slot]]:
    """Slots of one axis below one folder of the repository's root: what varies among them is comparable."""
    groups: defaultdict[object, list[Slot]] = defaultdict(list)
    for slot in slots:
        groups[slot.axis, slot.frame.partition("/")[0]].append(slot)
    return groups.values()


def _by_folder(group: Sequence[Slot]) -> Iterable[list[Slot]]:
    folders: defaultdict[str, list[Slot]] = defaultdict(list)
    for slot in group:
        folders[slot.frame.rpartition("/")[0]].append(slot)
    return folders.values()


def _varying_parts(group: Sequence[Slot]) -> set[int]:
    """The folders in which at least two of the paths differ and in nothing else but their environment."""
    frames = {slot.frame for slot in group}
    varying = set()
    for part in range(group[0].path.count("/")):
        seen: defaultdict[str, set[str]] = defaultdict(set)
        for frame in frames:
            parts = frame.split("/")
            name, parts[part] = parts[part], _MARK
            seen["/".join(parts)].add(name)
        if any(len(names) >= _SOME for names in seen.values()):
            varying.add(part)
    return varying


def _parts_with_images(group: Sequence[Slot], candidates: Mapping[str, Candidate]) -> set[int]:
    """The folders that are called like an image that their file names, in most files that name any."""
    known = [slot for slot in group if candidates[slot.path].images]
    return {
        part
        for part in range(group[0].path.count("/"))
        if 2 * sum(slot.path.split("/")[part] in candidates[slot.path].images for slot in known) > len(known)
    }


def _folder_part(slot: Slot, telling: set[int]) -> int | None:
    """The part of the path that is the application's folder: the last of those that are ``telling``, else the last."""
    folders = slot.frame.split("/")[:-1]
    if slot.form == "folder word":
        return slot.part
    named = [part for part, name in enumerate(folders) if name.lower() not in GENERIC and "\0" not in name]
    teams = {part for part in named[:-1] if part and folders[part - 1].lower() in OF_TEAMS}
    named = [part for part in named if folders[part] != _PLAIN_FOLDER] or named
    chosen = [part for part in named if part in telling - teams] or named
    return chosen[-1] if chosen else None


def _names_in_files(folder: Sequence[Slot]) -> dict[str, tuple[str, Span]]:
    """What the names of files hold beside ``values`` and their environment, as far as it may name an application."""
    found = {}
    for slot in folder:
        named = name_in_file(slot)
        if named is not None:
            name = slot.path[named[1][0] : named[1][1]]
            if name.lower() not in PLAIN_NAMES and not is_usual(name):
                found[slot.path] = named
    return found


def _files_name_applications(
    folder: Sequence[Slot], named: Mapping[str, tuple[str, Span]], parts: Mapping[str, int | None],
    candidates: Mapping[str, Candidate], together: Mapping[str, int],
) -> bool:  # fmt: skip
    names = {path[span[0] : span[1]] for path, (_, span) in named.items()}
    if not named or _are_read_together(folder, named, together):
        return False
    in_folder = all(parts[slot.path] is not None for slot in folder)
    forms = {form for form, _ in named.values()}
    if not in_folder:
        return forms != {"name"} or len(names) >= _SOME or len(named) >= _SOME
    return len(names) >= _SOME and _have_own_images(named, candidates)


def _are_read_together(
    folder: Sequence[Slot], named: Mapping[str, tuple[str, Span]], together: Mapping[str, int]
) -> bool:  # fmt: skip
    """Whether one application reads two of the files, whose names would make them two applications'.

    A single name whose file is read with another (values.yaml and features.yaml) is no application's, either.
    """
    names: defaultdict[int, set[str]] = defaultdict(set)
    for slot in folder:
        if slot.path in together:
            _, span = named.get(slot.path, ("", (0, 0)))
            names[together[slot.path]].add(slot.path[span[0] : span[1]])
    if any(len(found - {""}) >= _SOME for found in names.values()):
        return True
    return len(set().union(*names.values()) - {""}) == 1 and any(len(found) >= _SOME for found in names.values())


def _have_own_images(named: Mapping[str, tuple[str, Span]], candidates: Mapping[str, Candidate]) -> bool:
    """Whether files of different names never name the same image, and all name some."""
    owners: defaultdict[str, set[str]] = defaultdict(set)
    for path, (_, span) in named.items():
        if not candidates[path].images:
            return False
        for image in candidates[path].images:
            owners[image].add(path[span[0] : span[1]])
    return all(len(names) < _SOME for names in owners.values())


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
