"""Environments and applications that are keys of a values file. Pure."""

from collections.abc import Collection, Mapping, Sequence

from bumper.environments.discovery.candidates import Candidate
from bumper.environments.discovery.found import FoundEnvironment
from bumper.environments.discovery.placing import Place, find_places
from bumper.environments.discovery.slots import Slot
from bumper.environments.discovery.value_templates import value_templates
from bumper.environments.environment_names import is_usual, usual_order

_SEVERAL = 2
# Keys under which one application keeps its own images.
_OF_ONE = frozenset({"image", "images", "global", "sidecar", "sidecars", "initContainers", "spec", "containers"})


def in_sections(
    candidates: Mapping[str, Candidate], paths: Sequence[str], repository_name: str
) -> tuple[FoundEnvironment, ...]:  # fmt: skip
    """The environments whose sections hold all tags of some files: ``dev`` and ``prod`` at the top of one file."""
    slots = {
        path: Slot(path, "", 0, "section", ())
        for path, one in candidates.items()
        if len(one.keys) >= _SEVERAL and all(map(is_usual, one.keys))
    }
    places = find_places(slots, candidates, ())
    found = []
    for name in usual_order({name for path in slots for name in candidates[path].keys}):
        own = {path: place for path, place in places.items() if name in candidates[path].keys}
        found.append(
            FoundEnvironment(
                name=name,
                apps=tuple(sorted({place.app or repository_name for place in own.values()})),
                files=tuple(sorted(own)),
                values=tuple(sorted(value_templates(own, paths))),
                base=(),
                at=name,
            )
        )
    return tuple(found)


def patterns_of(stray: Collection[str], candidates: Mapping[str, Candidate], paths: Sequence[str]) -> tuple[str, ...]:
    """Patterns of files whose environment no path tells, those of the most files first."""
    slots = {path: Slot(path, "", 0, "section", ()) for path in stray}
    templates = value_templates(find_places(slots, candidates, ()), paths)
    return tuple(sorted(templates, key=lambda template: (-len(templates[template]), template)))


def application_keys(places: Mapping[str, Place], candidates: Mapping[str, Candidate]) -> tuple[str, ...]:
    """The keys that may be applications of an environment whose paths name none."""
    keys = frozenset[str]().union(*(candidates[path].keys for path in places if path in candidates))
    if any(place.app is not None for place in places.values()) or len(keys) < _SEVERAL or keys & _OF_ONE:
        return ()
    return tuple(sorted(keys))
