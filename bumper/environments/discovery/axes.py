"""Which of the places in a repository's paths hold its environments' names. Pure.

Environments recur: the same few names stand in one place of many applications' paths, and the files that differ in
them alone name the same images. Applications do the opposite. Where neither can be seen, what the names and the folders
above them are called decides.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import combinations
from typing import TypeAlias

from bumper.environments.discovery.candidates import Candidate
from bumper.environments.discovery.folders import CERTAIN_PARENTS, PARENTS
from bumper.environments.discovery.slots import Slot, slots_of
from bumper.environments.environment_names import is_usual, is_usual_with_place

_SOME = 2  # applications in which a name has to recur
Axis: TypeAlias = tuple[int, int, str]


class Rank(IntEnum):
    """How sure it is that a slot holds an environment's name."""

    RECURS = 1  # beside environments, or in several applications with the same images
    SITED = 2  # in a folder for environments, clusters or overlays
    PLACE = 3  # prod-eu
    USUAL = 4  # prod
    CERTAIN = 5  # envs/prod


@dataclass(frozen=True, slots=True)
class Found:
    """The slots that hold an environment's name, by path; ``doubtful`` are those that may, with the reason."""

    slots: Mapping[str, Slot]
    doubtful: Mapping[str, tuple[Slot, str]]
    disputed: Mapping[str, tuple[str, str]]  # paths with two names that are equally sure


def find_environments(candidates: Mapping[str, Candidate]) -> Found:
    """The environment's slot of every candidate that has one."""
    slots = {path: list(slots_of(path)) for path in candidates}
    frames = _frames(slots.values(), candidates)
    ranked = _rank(frames, candidates)
    doubtful: dict[str, tuple[Slot, str]] = {}
    chosen: dict[str, Slot] = {}
    disputed: dict[str, tuple[str, str]] = {}
    for path, listed in slots.items():
        sure = [(ranked.ranks[slot.axis, slot.frame, slot.name], slot) for slot in listed
                if (slot.axis, slot.frame, slot.name) in ranked.ranks]  # fmt: skip
        best = [slot for rank, slot in sure if rank == max(rank for rank, _ in sure)]
        if len(best) > 1:
            disputed[path] = (best[0].name, best[1].name)
        elif best:
            chosen[path] = best[0]
        else:
            reasons = [(slot, ranked.reasons[slot.axis, slot.name]) for slot in listed
                       if (slot.axis, slot.name) in ranked.reasons]  # fmt: skip
            doubtful |= {path: reasons[0]} if reasons and candidates[path].pins else {}
    return Found(chosen, doubtful, disputed)


@dataclass(slots=True)
class _Ranked:
    ranks: dict[tuple[Axis, str, str], Rank]
    reasons: dict[tuple[Axis, str], str]


def _frames(slots: Iterable[Iterable[Slot]], candidates: Mapping[str, Candidate]) -> dict[Axis, dict[str, list[Slot]]]:
    """The slots of each frame by axis, but frames whose files differ in their images: those are applications."""
    by_axis: defaultdict[Axis, defaultdict[str, list[Slot]]] = defaultdict(lambda: defaultdict(list))
    for slot in (slot for listed in slots for slot in listed):
        by_axis[slot.axis][slot.frame].append(slot)
    return {
        axis: {frame: listed for frame, listed in frames.items() if not _is_of_applications(listed, candidates)}
        for axis, frames in by_axis.items()
    }


def _is_of_applications(listed: Sequence[Slot], candidates: Mapping[str, Candidate]) -> bool:
    if all(is_usual(slot.name) for slot in listed) and len(listed) > 1:
        return False
    if listed[0].form == "folder" and listed[0].parent in CERTAIN_PARENTS:
        return False
    return _same_images(listed, candidates) is False


def _same_images(listed: Sequence[Slot], candidates: Mapping[str, Candidate]) -> bool | None:
    """Whether any two of the files name an image in common; None where fewer than two name any."""
    known = [images for slot in listed if (images := candidates[slot.path].images)]
    if len(known) < _SOME:
        return None
    return any(one & other for one, other in combinations(known[:50], 2))


def _rank(by_axis: Mapping[Axis, Mapping[str, Sequence[Slot]]], candidates: Mapping[str, Candidate]) -> _Ranked:
    ranked = _Ranked({}, {})
    alone: list[Slot] = []
    for axis, frames in by_axis.items():
        names = _names(frames)
        sure: dict[str, Rank] = {
            name: rank for name, listed in names.items() if (rank := _own_rank(name, listed, frames)) is not None
        }
        for name, listed in names.items():
            if name not in sure:
                beside = _rank_beside(listed, frames, sure, candidates)
                if isinstance(beside, str):
                    ranked.reasons[axis, name] = beside
                elif beside is not None:
                    sure[name] = beside
        for name, rank in sure.items():
            ranked.ranks |= {(axis, slot.frame, name): rank for slot in names[name]}
        alone += [slot for name, listed in names.items() if name not in sure and _is_like(name) for slot in listed]
    _add_alone(alone, ranked)
    return ranked


def _names(frames: Mapping[str, Sequence[Slot]]) -> dict[str, list[Slot]]:
    names: defaultdict[str, list[Slot]] = defaultdict(list)
    for slot in (slot for listed in frames.values() for slot in listed):
        names[slot.name].append(slot)
    return names


def _is_like(name: str) -> bool:
    return is_usual(name) or is_usual_with_place(name)


def _own_rank(name: str, listed: Sequence[Slot], frames: Mapping[str, Sequence[Slot]]) -> Rank | None:
    """The rank that the name and its place alone give it."""
    folders = [slot for slot in listed if slot.form == "folder"]
    if any(slot.parent in CERTAIN_PARENTS for slot in folders):
        return Rank.CERTAIN
    if _is_like(name):
        beside = any(_is_like(other.name) for slot in listed for other in frames[slot.frame] if other.name != name)
        in_place = any(slot.parent in PARENTS or slot.form in ("values-", "-values") for slot in listed)
        if beside or in_place or len({slot.frame for slot in listed}) >= _SOME:
            return Rank.USUAL if is_usual(name) else Rank.PLACE
    if any(slot.parent in PARENTS for slot in folders):
        return Rank.SITED
    return None


def _rank_beside(
    listed: Sequence[Slot], frames: Mapping[str, Sequence[Slot]], sure: Mapping[str, Rank],
    candidates: Mapping[str, Candidate],
) -> Rank | str | None:  # fmt: skip
    """The rank of a name by what stands beside it, or why it stays doubtful."""
    around = {slot.frame: frames[slot.frame] for slot in listed}
    name = listed[0].name
    shared = [one for one in around.values() if any(slot.name in sure for slot in one)]
    several = [one for one in around.values() if len({slot.name for slot in one}) > 1]
    if any(_same_images(one, candidates) for one in shared):
        return Rank.RECURS if _shares_image(listed, shared, candidates) is not False else None
    if len(shared) >= _SOME:
        return Rank.RECURS
    if len(several) >= _SOME and any(_same_images(one, candidates) for one in several):
        return Rank.RECURS
    if shared:
        beside = sorted({slot.name for one in shared for slot in one if slot.name in sure})
        return f"{name} stands beside {', '.join(beside)} in one place only"
    if len(several) >= _SOME and len({slot.name for one in several for slot in one}) <= len(several):
        return f"{name} recurs in {len(several)} places, but is no usual name of an environment"
    return None


def _shares_image(
    listed: Sequence[Slot], shared: Sequence[Sequence[Slot]], candidates: Mapping[str, Candidate]
) -> bool | None:  # fmt: skip
    """Whether the name's files have an image in common with those beside them; None where they name none."""
    own = frozenset[str]().union(*(candidates[slot.path].images for slot in listed))
    others = (candidates[slot.path].images for one in shared for slot in one if slot.name != listed[0].name)
    return bool(own & frozenset[str]().union(*others)) if own else None


def _add_alone(alone: Iterable[Slot], ranked: _Ranked) -> None:
    """A usual name that stands alone counts where the repository has it elsewhere, or has nothing better."""
    known = {name for _, _, name in ranked.ranks}
    for slot in alone:
        if (not known and not slot.form.endswith("word")) or slot.name in known:
            ranked.ranks[slot.axis, slot.frame, slot.name] = Rank.USUAL
        elif not slot.form.endswith("word"):
            ranked.reasons.setdefault((slot.axis, slot.name), f"only one place is called {slot.name}")
