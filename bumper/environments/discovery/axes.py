"""Which of the places in a repository's paths hold its environments' names. Pure.

Environments recur: the same few names are in one place of many applications' paths, and the files that differ in
them alone name the same images. Applications do the opposite. Where neither can be seen, what the names and the folders
above them are called decides.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bumper.environments.discovery.candidates import Candidate
from bumper.environments.discovery.ranks import Axis, Ranks, rank
from bumper.environments.discovery.slots import Slot, slots_of

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
    for path, listed in slots.items():
        best = _best(listed, ranks)
        if len(best) > 1:
            found.disputed[path] = (best[0].name, best[1].name)
        elif best:
            found.slots[path] = best[0]
        elif candidates[path].pins:
            reasons = [(slot, reason) for slot in listed if (reason := ranks.doubtful.get((slot.axis, slot.name)))]
            found.doubtful.update({path: reasons[0]} if reasons else {})
    for path in _beside_environments(found.slots):
        del found.slots[path]
    return found


def _beside_environments(slots: Mapping[str, Slot]) -> list[str]:
    """The files of an environment's folder that has other environments in it: ``demo/apps/api/values.yaml``.

    What is above ``demo/apps/api/envs/prod`` is shared by these.
    """
    inside: defaultdict[str, set[str]] = defaultdict(set)
    for path, slot in slots.items():
        parts = path.split("/")
        for number in range(1, len(parts)):
            inside["/".join(parts[:number])].add(slot.name)
    return [
        path for path, slot in slots.items()
        if slot.form == "folder" and len(inside["/".join(path.split("/")[: slot.part + 1])]) > _FEW
    ]  # fmt: skip


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
