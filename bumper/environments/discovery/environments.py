"""Which of the places in a repository's paths hold its environments' names. Pure.

Environments recur: the same few names are in one place of many applications' paths, and the files that differ in
them alone name the same images. Applications do the opposite. Where neither can be seen, what the names and the folders
above them are called decides.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import chain

from bumper.environments.discovery.places import Slot, group, slots_of
from bumper.environments.discovery.tree import Candidate
from bumper.environments.usual_names import (
    CERTAIN_PARENTS,
    CONTAINERS,
    GENERIC,
    PARENTS,
    is_likely,
    is_place,
    is_usual,
)

_FEW = 2  # names inside of a folder: its own and that of a file or folder of another
_SOME = 2  # applications in which a name has to recur


class Rank(IntEnum):
    """How sure it is that a slot holds an environment's name, from the weakest evidence to the strongest."""

    WORD = 1  # api-prod beside api-dev
    RECURS = 2  # beside environments, or in several applications with the same images
    SITED = 3  # in a folder for environments, clusters or overlays
    PLACE = 4  # prod-eu
    USUAL = 5  # prod
    CERTAIN = 6  # envs/prod


@dataclass(frozen=True, slots=True)
class Found:
    """The slots that hold an environment's name, by path; ``doubtful`` are those that may, with the reason."""

    slots: dict[str, Slot]
    doubtful: dict[str, tuple[Slot, str]]
    disputed: dict[str, tuple[str, str]]  # paths with two names that are equally sure


def find_environments(candidates: Mapping[str, Candidate]) -> Found:
    """The environment's slot of every candidate that has one."""
    slots = {path: slots_of(path) for path in candidates}
    ranks, reasons = _rank(chain.from_iterable(slots.values()), candidates)
    every = {path: _best(listed, ranks) for path, listed in slots.items()}
    shared = _folders_of_several(every.values())
    found = Found({}, {}, {})
    for path, listed in slots.items():
        best = [slot for slot in every[path] if len(every[path]) == 1 or _folder(slot) not in shared]
        doubtful = [(slot, reasons[slot.axis, slot.name]) for slot in listed if (slot.axis, slot.name) in reasons]
        if len(best) > 1:
            found.disputed[path] = (best[0].name, best[1].name)
        elif best:
            found.slots[path] = best[0]
        elif doubtful and candidates[path].pins:
            found.doubtful[path] = doubtful[0]
    for path in _beside_environments(found.slots):
        del found.slots[path]
    found.slots.update({slot.path: slot for slot in _whole_folders(found.slots)})
    return found


def _best(listed: Iterable[Slot], ranks: Mapping[Slot, Rank]) -> list[Slot]:
    """The slots of the highest rank; none where no slot holds an environment's name."""
    ranked = [slot for slot in listed if slot in ranks]
    highest = max((ranks[slot] for slot in ranked), default=None)
    return [slot for slot in ranked if ranks[slot] == highest]


def _folder(slot: Slot) -> str:
    """The path up to the slot."""
    return "/".join(slot.path.split("/")[: slot.part + 1])


def _folders_of_several(every: Iterable[Sequence[Slot]]) -> set[str]:
    """The folders called like an environment that hold more than a few others': ``pre`` may be a team there."""
    inside: defaultdict[str, set[str]] = defaultdict(set)
    for best in every:
        for slot in best[:-1]:
            inside[_folder(slot)].add(best[-1].name)
    return {folder for folder, names in inside.items() if len(names) > _FEW}


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


def _whole_folders(slots: Mapping[str, Slot]) -> Iterator[Slot]:
    """Slots of whole folders like ``acme-prod`` that have folders of applications in them: ``acme`` is none then."""
    words = [slot for slot in slots.values() if slot.form == "folder word"]
    beside: defaultdict[str, set[str]] = defaultdict(set)
    for slot in words:
        above, _, name = "/".join(slot.frame.split("/")[: slot.part + 1]).rpartition("/")
        beside[above].add(name)
    for slot in words:
        parts = slot.path.split("/")
        above, name, below = "/".join(parts[: slot.part]), parts[slot.part], parts[slot.part + 1 : -1]
        if len(beside[above]) == 1 and below and below[0].lower() not in GENERIC:
            start = len(above) + bool(above)
            yield Slot(slot.path, name, slot.part, "folder", ((start, start + len(name)),))


def _rank(
    slots: Iterable[Slot], candidates: Mapping[str, Candidate]
) -> tuple[dict[Slot, Rank], dict[tuple[object, str], str]]:
    """The ranks of slots that hold an environment's name, and why other names may be one, by axis and name."""
    axes = {at: _Axis(listed, candidates) for at, listed in group(slots, lambda slot: slot.axis).items()}
    settled = any(axis.sure for axis in axes.values())
    ranks: dict[Slot, Rank] = {}
    reasons: dict[tuple[object, str], str] = {}
    for at, axis in axes.items():
        reasons |= {(at, name): reason for name, reason in axis.judge_others(settled=settled).items()}
        ranks |= axis.ranks()
    # A name without evidence counts where the repository has it elsewhere; a usual one if there is no other.
    known = {slot.name for slot, found in ranks.items() if found > Rank.WORD}
    rest = [slot for axis in axes.values() for slot in axis.rest()]
    beside_applications = {slot.frame for slot in rest if slot.parent in CONTAINERS and slot.name not in known}
    for slot in rest:
        usual = is_likely(slot.name)
        of_a_file = slot.form == "name" and slot.parent not in PARENTS | {"values"}
        if not usual and (of_a_file or slot.frame in beside_applications):
            continue  # a file called like it may be anything, and a folder beside applications an application
        if slot.name in known or (usual and not known):
            ranks[slot] = Rank.USUAL if usual else Rank.RECURS
        elif usual:
            reasons.setdefault((slot.axis, slot.name), f"only one place is called {slot.name}")
    return ranks, reasons


class _Axis:
    """The slots of one axis by frame and name; ``sure`` are the ranks of the names that are environments'."""

    def __init__(self, slots: Iterable[Slot], candidates: Mapping[str, Candidate]) -> None:
        self._candidates = candidates
        self._every = group(slots, lambda slot: slot.frame)  # a frame's slots are of paths that differ in nothing else
        self._frames = {frame: listed for frame, listed in self._every.items() if not self._is_of_applications(listed)}
        self._names = group(chain.from_iterable(self._frames.values()), lambda slot: slot.name)
        own = {name: self._own_rank(name, listed) for name, listed in self._names.items()}
        self.sure = {name: rank for name, rank in own.items() if rank is not None}
        self._with_sure = {slot.frame for name in self.sure for slot in self._names[name]}
        self._alike = {frame for frame, listed in self._frames.items() if self._same_images(listed)}

    def _is_of_applications(self, listed: Sequence[Slot]) -> bool:
        """Whether a frame's files are those of several applications: they name different images."""
        usual = len(listed) > 1 and all(is_usual(slot.name) for slot in listed)
        certain = listed[0].form == "folder" and listed[0].parent in CERTAIN_PARENTS
        return not usual and not certain and self._same_images(listed) is False

    def _same_images(self, listed: Iterable[Slot]) -> bool | None:
        """Whether most of the files name an image in common; None where fewer than two name any."""
        known = [images for slot in listed if (images := self._candidates[slot.path].images)]
        if len(known) < _SOME:
            return None
        often = Counter(chain.from_iterable(known)).most_common(1)[0][1]
        return often > 1 and 2 * often >= len(known)

    def _own_rank(self, name: str, listed: Sequence[Slot]) -> Rank | None:
        """The rank that the name and its place alone give it."""
        folders = [slot for slot in listed if slot.form == "folder"]
        if any(slot.parent in CERTAIN_PARENTS for slot in folders):
            return Rank.CERTAIN
        if is_likely(name):
            near = (other.name for slot in listed for other in self._frames[slot.frame])
            beside = any(is_likely(other) for other in near if other != name)
            in_place = any(slot.parent in PARENTS or "values" in slot.form for slot in listed)
            if listed[0].is_word:
                return Rank.WORD if beside else None
            if beside or in_place or len({slot.frame for slot in listed}) >= _SOME:
                return Rank.USUAL if is_usual(name) else Rank.PLACE
        return Rank.SITED if any(slot.parent in PARENTS for slot in folders) else None

    def judge_others(self, *, settled: bool) -> dict[str, str]:
        """Judge the names that are not sure by what is beside them; those that become so are sure, too, from then on.

        ``settled`` says that the repository has sure names, so that recurrence alone is no evidence. It is none where
        applications differ in this place, either. Given is why names stay doubtful.
        """
        settled = settled or len(self._frames) < len(self._every)
        others = {name: listed for name, listed in self._names.items() if name not in self.sure}
        judged = {name: self._judge(name, listed, settled=settled) for name, listed in others.items()}
        self.sure |= {name: rank for name, rank in judged.items() if isinstance(rank, Rank)}
        return {name: reason for name, reason in judged.items() if isinstance(reason, str)}

    def _judge(self, name: str, listed: Sequence[Slot], *, settled: bool) -> Rank | str | None:
        """The rank of ``name``, or why it stays doubtful."""
        if listed[0].is_word:
            return None
        around = list(dict.fromkeys(slot.frame for slot in listed))
        shared = [self._frames[frame] for frame in around if frame in self._with_sure]
        if shared:
            return self._judge_beside_sure(name, listed, shared)
        if all(slot.parent in CONTAINERS for slot in listed):
            return None
        several = [frame for frame in around if len(self._frames[frame]) > 1]
        if listed[0].form in ("values-", "-values-"):
            return self._judge_values(name, several)
        return self._judge_folder(name, several) if listed[0].form == "folder" and not settled else None

    def _judge_folder(self, name: str, several: Sequence[str]) -> Rank | str | None:
        if len(several) < _SOME:
            return None
        if len(self._alike.intersection(several)) >= _SOME:
            return Rank.RECURS
        if all(len(self._frames[frame]) <= len(several) for frame in several):
            return f"{name} recurs in {len(several)} places, but is not a usual name of an environment"
        return None

    def _judge_beside_sure(
        self, name: str, listed: Iterable[Slot], shared: Sequence[Sequence[Slot]]
    ) -> Rank | str | None:  # fmt: skip
        own = self._images(listed)
        others = self._images(slot for frame in shared for slot in frame if slot.name != name)
        if own and others:
            return Rank.RECURS if own & others else None
        if len(shared) >= _SOME:
            return Rank.RECURS
        beside = sorted({slot.name for slot in shared[0] if slot.name in self.sure})
        return f"{name} is beside {', '.join(beside)} in one place only"

    def _judge_values(self, name: str, several: Sequence[str]) -> Rank | str | None:
        """What ``values-NAME.yaml`` means: in one place alone it may as well be one of an application's parts."""
        if len(several) >= _SOME:
            return Rank.RECURS
        if not several or not self._alike.issuperset(several):
            return None
        if all(is_place(slot.name) for frame in several for slot in self._frames[frame]):
            return Rank.RECURS
        return f"{name} is one of several values of the same image"

    def _images(self, slots: Iterable[Slot]) -> set[str]:
        return {image for slot in slots for image in self._candidates[slot.path].images}

    def ranks(self) -> dict[Slot, Rank]:
        """The slots with a name that is sure; an application may have other images in each environment."""
        sure = [slot for name in self.sure for slot in self._names[name]]
        sure += [slot for listed in self._every.values() if all(s.name in self.sure for s in listed) for slot in listed]
        return {slot: self.sure[slot.name] for slot in sure}

    def rest(self) -> list[Slot]:
        """The slots whose names nothing speaks for, but for those of words."""
        return [
            slot for name, listed in self._names.items() if name not in self.sure for slot in listed if not slot.is_word
        ]
