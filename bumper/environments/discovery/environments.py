"""Which of the places in a repository's paths hold its environments' names. Pure.

Environments recur: the same few names are in one place of many applications' paths, and the files that differ in
them alone name the same images. Applications do the opposite. Where neither can be seen, what the names and the folders
above them are called decides.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bumper.environments.discovery.candidates import Candidate, Slot, slots_of
from bumper.environments.discovery.ranks import Axis, Ranks, rank
from bumper.environments.usual_names import GENERIC

_FEW = 2  # names inside of a folder: its own and that of a file or folder of another


@dataclass(frozen=True, slots=True)
class Found:
    """The slots that hold an environment's name, by path; ``doubtful`` are those that may, with the reason."""

    slots: dict[str, Slot]
    doubtful: dict[str, tuple[Slot, str]]
    disputed: dict[str, tuple[str, str]]  # paths with two names that are equally sure


def find_environments(candidates: Mapping[str, Candidate]) -> Found:
    """The environment's slot of every candidate that has one."""
    slots = {path: list(slots_of(path)) for path in candidates}
    ranks = rank(_frames(slots.values()), candidates)
    found = Found({}, {}, {})
    every = {path: _best(listed, ranks) for path, listed in slots.items()}
    shared = _folders_of_several(every)
    for path, listed in slots.items():
        best = [slot for slot in every[path] if len(every[path]) == 1 or _folder(slot) not in shared]
        if len(best) > 1:
            found.disputed[path] = (best[0].name, best[1].name)
        elif best:
            found.slots[path] = best[0]
        elif candidates[path].pins:
            reasons = [(slot, reason) for slot in listed if (reason := ranks.doubtful.get((slot.axis, slot.name)))]
            found.doubtful.update({path: reasons[0]} if reasons else {})
    for path in _beside_environments(found.slots):
        del found.slots[path]
    found.slots.update(_whole_folders(found.slots))
    return found


def _whole_folders(slots: Mapping[str, Slot]) -> dict[str, Slot]:
    """Slots of whole folders like ``acme-prod`` that have folders of applications in them: ``acme`` is none then."""
    words = {path: slot for path, slot in slots.items() if slot.form == "folder word"}
    beside: defaultdict[str, set[str]] = defaultdict(set)
    for slot in words.values():
        above, _, part = "/".join(slot.frame.split("/")[: slot.part + 1]).rpartition("/")
        beside[above].add(part)
    whole: dict[str, Slot] = {}
    for path, slot in words.items():
        parts = path.split("/")
        above, below = "/".join(parts[: slot.part]), parts[slot.part + 1 : -1]
        if len(beside[above]) == 1 and below and below[0].lower() not in GENERIC:
            start, name = len(above) + bool(above), parts[slot.part]
            whole[path] = Slot(path, name, slot.part, "folder", ((start, start + len(name)),))
    return whole


def _beside_environments(slots: Mapping[str, Slot]) -> list[str]:
    """The files of an environment's folder that has other environments in it: ``demo/apps/api/values.yaml``.

    What is above ``demo/apps/api/envs/prod`` is shared by these.
    """
    inside: defaultdict[str, set[str]] = defaultdict(set)
    for path, slot in slots.items():
        parts = path.split("/")
        for number in range(1, len(parts)):
            inside["/".join(parts[:number])].add(slot.name)
    return [path for path, slot in slots.items() if slot.form == "folder" and len(inside[_folder(slot)]) > _FEW]


def _folders_of_several(every: Mapping[str, Sequence[Slot]]) -> set[str]:
    """The folders called like an environment that hold more than a few others': ``pre`` may be a team there."""
    inside: defaultdict[str, set[str]] = defaultdict(set)
    for best in every.values():
        for slot in best[:-1]:
            inside[_folder(slot)].add(best[-1].name)
    return {folder for folder, names in inside.items() if len(names) > _FEW}


def _folder(slot: Slot) -> str:
    """The path up to the slot."""
    return "/".join(slot.path.split("/")[: slot.part + 1])


def _best(listed: Iterable[Slot], ranks: Ranks) -> list[Slot]:
    """The slots of the highest rank; none where no slot holds an environment's name."""
    sure = [(known, slot) for slot in listed if (known := ranks.sure.get((slot.axis, slot.frame, slot.name)))]
    return [slot for known, slot in sure if known == max(other for other, _ in sure)]


def _frames(slots: Iterable[Iterable[Slot]]) -> dict[Axis, defaultdict[str, list[Slot]]]:
    """The slots of each frame by axis."""
    by_axis: defaultdict[Axis, defaultdict[str, list[Slot]]] = defaultdict(lambda: defaultdict(list))
    for slot in (slot for listed in slots for slot in listed):
        by_axis[slot.axis][slot.frame].append(slot)
    return by_axis
