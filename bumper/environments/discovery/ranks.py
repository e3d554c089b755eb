"""How sure it is that a place in a path holds an environment's name. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TypeAlias

from bumper.environments.discovery.candidates import Candidate, Slot
from bumper.environments.usual_names import (
    CERTAIN_PARENTS,
    CONTAINERS,
    PARENTS,
    is_likely,
    is_place,
    is_usual,
)

_SOME = 2  # applications in which a name has to recur
Axis: TypeAlias = tuple[int, int, str]
Frames: TypeAlias = Mapping[str, Sequence[Slot]]  # the slots of paths that differ in nothing else


class Rank(IntEnum):
    """The evidence, from the weakest to the strongest."""

    WORD = 1  # api-prod beside api-dev
    RECURS = 2  # beside environments, or in several applications with the same images
    SITED = 3  # in a folder for environments, clusters or overlays
    PLACE = 4  # prod-eu
    USUAL = 5  # prod
    CERTAIN = 6  # envs/prod


@dataclass(slots=True)
class Ranks:
    """The rank of every name that is an environment's, by axis and frame; of doubtful ones the reason, by axis."""

    sure: dict[tuple[Axis, str, str], Rank] = field(default_factory=dict)
    doubtful: dict[tuple[Axis, str], str] = field(default_factory=dict)


def rank(all_frames: Mapping[Axis, Frames], candidates: Mapping[str, Candidate]) -> Ranks:
    """The ranks of all names of all axes."""
    ranks = Ranks()
    by_axis = {axis: _of_environments(frames, candidates) for axis, frames in all_frames.items()}
    names = {axis: _slots_by_name(frames) for axis, frames in by_axis.items()}
    sure: dict[Axis, dict[str, Rank]] = {
        axis: {name: own for name, listed in names[axis].items() if (own := _own_rank(name, listed, frames))}
        for axis, frames in by_axis.items()
    }
    settled = any(sure.values())
    for axis, frames in by_axis.items():
        beside = _Beside(
            frames=frames,
            sure=dict(sure[axis]),
            with_sure=frozenset(slot.frame for name in sure[axis] for slot in names[axis][name]),
            alike=frozenset(frame for frame, listed in frames.items() if _same_images(listed, candidates)),
            candidates=candidates,
            settled=settled or len(frames) < len(all_frames[axis]),
        )
        sure[axis] |= beside.judge(axis, names[axis], ranks)
        for name, known in sure[axis].items():
            ranks.sure |= {(axis, slot.frame, name): known for slot in names[axis][name]}
        for listed in all_frames[axis].values():  # an application may have other images in each environment
            if all(slot.name in sure[axis] for slot in listed):
                ranks.sure |= {(axis, slot.frame, slot.name): sure[axis][slot.name] for slot in listed}
    rest = [slot for axis in names for name, listed in names[axis].items() if name not in sure[axis] for slot in listed]
    _add_known([slot for slot in rest if not slot.is_word], ranks)
    return ranks


def _of_environments(frames: Frames, candidates: Mapping[str, Candidate]) -> Frames:
    """The frames without those whose files are those of several applications."""
    return {frame: listed for frame, listed in frames.items() if not _is_of_applications(listed, candidates)}


def _is_of_applications(listed: Sequence[Slot], candidates: Mapping[str, Candidate]) -> bool:
    """Whether a frame's files are those of several applications: they name different images."""
    if all(is_usual(slot.name) for slot in listed) and len(listed) > 1:
        return False
    if listed[0].form == "folder" and listed[0].parent in CERTAIN_PARENTS:
        return False
    return _same_images(listed, candidates) is False


def _same_images(listed: Sequence[Slot], candidates: Mapping[str, Candidate]) -> bool | None:
    """Whether most of the files name an image in common; None where fewer than two name any."""
    known = [images for slot in listed if (images := candidates[slot.path].images)]
    if len(known) < _SOME:
        return None
    often = Counter(image for images in known for image in images).most_common(1)[0][1]
    return often > 1 and 2 * often >= len(known)


def _slots_by_name(frames: Frames) -> dict[str, list[Slot]]:
    names: defaultdict[str, list[Slot]] = defaultdict(list)
    for slot in (slot for listed in frames.values() for slot in listed):
        names[slot.name].append(slot)
    return names


def _own_rank(name: str, listed: Sequence[Slot], frames: Frames) -> Rank | None:
    """The rank that the name and its place alone give it."""
    folders = [slot for slot in listed if slot.form == "folder"]
    if any(slot.parent in CERTAIN_PARENTS for slot in folders):
        return Rank.CERTAIN
    if is_likely(name):
        beside = any(is_likely(other.name) for slot in listed for other in frames[slot.frame] if other.name != name)
        in_place = any(slot.parent in PARENTS or "values" in slot.form for slot in listed)
        if listed[0].is_word:
            return Rank.WORD if beside else None
        if beside or in_place or len({slot.frame for slot in listed}) >= _SOME:
            return Rank.USUAL if is_usual(name) else Rank.PLACE
    return Rank.SITED if any(slot.parent in PARENTS for slot in folders) else None


@dataclass(frozen=True, slots=True)
class _Beside:
    """The names of one axis that are judged by what is beside them; ``sure`` are those that need no such evidence.

    ``with_sure`` are the frames of these, ``alike`` those whose files name the same images. ``settled`` says that
    recurrence alone is no evidence: the repository has surer names, or applications differ in this place.
    """

    frames: Frames
    sure: Mapping[str, Rank]
    with_sure: frozenset[str]
    alike: frozenset[str]
    candidates: Mapping[str, Candidate]
    settled: bool

    def judge(self, axis: Axis, names: Mapping[str, Sequence[Slot]], ranks: Ranks) -> dict[str, Rank]:
        """The ranks of the other ``names``; the doubtful are added to ``ranks``."""
        found = {name: self._rank(name, listed) for name, listed in names.items() if name not in self.sure}
        ranks.doubtful.update({(axis, name): reason for name, reason in found.items() if isinstance(reason, str)})
        return {name: rank for name, rank in found.items() if isinstance(rank, Rank)}

    def _rank(self, name: str, listed: Sequence[Slot]) -> Rank | str | None:
        """The rank of ``name``, or why it stays doubtful."""
        if listed[0].is_word:
            return None
        around = list(dict.fromkeys(slot.frame for slot in listed))
        shared = [self.frames[frame] for frame in around if frame in self.with_sure]
        if shared:
            return self._rank_beside_sure(name, listed, shared)
        if all(slot.parent in CONTAINERS for slot in listed):
            return None
        return self._rank_by_recurrence(name, listed[0].form, around)

    def _rank_by_recurrence(self, name: str, form: str, around: Sequence[str]) -> Rank | str | None:
        several = [frame for frame in around if len(self.frames[frame]) > 1]
        if form in ("values-", "-values-"):
            return self._rank_of_values(name, several)
        if len(several) < _SOME or form != "folder" or self.settled:
            return None
        if len(self.alike.intersection(several)) >= _SOME:
            return Rank.RECURS
        if all(len(self.frames[frame]) <= len(several) for frame in several):
            return f"{name} recurs in {len(several)} places, but is not a usual name of an environment"
        return None

    def _rank_of_values(self, name: str, several: Sequence[str]) -> Rank | str | None:
        """What ``values-NAME.yaml`` means: in one place alone it may as well be one of an application's parts."""
        if len(several) >= _SOME:
            return Rank.RECURS
        if not self.alike.issuperset(several) or not several:
            return None
        if all(is_place(slot.name) for frame in several for slot in self.frames[frame]):
            return Rank.RECURS
        return f"{name} is one of several values of the same image"

    def _rank_beside_sure(
        self, name: str, listed: Sequence[Slot], shared: Sequence[Sequence[Slot]]
    ) -> Rank | str | None:
        own = self._images(listed)
        others = self._images([slot for one in shared for slot in one if slot.name != name])
        if own and others and not own & others:
            return None
        if (own and others) or len(shared) >= _SOME:
            return Rank.RECURS
        beside = sorted({slot.name for one in shared for slot in one if slot.name in self.sure})
        return f"{name} is beside {', '.join(beside)} in one place only"

    def _images(self, listed: Iterable[Slot]) -> frozenset[str]:
        return frozenset[str]().union(*(self.candidates[slot.path].images for slot in listed))


def _add_known(rest: Iterable[Slot], ranks: Ranks) -> None:
    """A name without evidence counts where the repository has it elsewhere; a usual one if there is no other."""
    known = {name for (_, _, name), found in ranks.sure.items() if found > Rank.WORD}
    for slot in rest:
        usual = is_likely(slot.name)
        if not usual and slot.form == "name" and slot.parent not in PARENTS | {"values"}:
            continue  # a file called like it may be anything
        if slot.name in known or (usual and not known):
            ranks.sure[slot.axis, slot.frame, slot.name] = Rank.USUAL if usual else Rank.RECURS
        elif usual:
            ranks.doubtful.setdefault((slot.axis, slot.name), f"only one place is called {slot.name}")
