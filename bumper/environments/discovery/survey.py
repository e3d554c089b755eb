"""What a GitOps repository holds: environments, applications, bases, and the patterns that find them again. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from bumper.environments.discovery.bases import (
    Deployed,
    base_templates,
    charts_of_applications,
    find_bases,
    shared_places,
)
from bumper.environments.discovery.candidates import Candidate, Slot, find_candidates
from bumper.environments.discovery.environments import Found, find_environments
from bumper.environments.discovery.found import (
    FoundEnvironment,
    Survey,
    about_bases,
    disputes,
    doubtful_environments,
    matched_too_many,
    read_for_two,
)
from bumper.environments.discovery.generators import Tree
from bumper.environments.discovery.manifests import Application, Manifest, expand
from bumper.environments.discovery.patterns import Templates, in_environment, in_helm_s_order, value_templates
from bumper.environments.discovery.placing import Place, find_places
from bumper.environments.path_pattern import APP, PathPattern, claim_paths
from bumper.environments.usual_names import is_usual, usual_order

_SEVERAL = 2
# Keys under which one application keeps its own images.
_OF_ONE = frozenset({"image", "images", "global", "sidecar", "sidecars", "initContainers", "spec", "containers"})


def survey(
    tree: Tree, manifests: Sequence[Manifest], repository_name: str, given: Mapping[str, Sequence[str]] | None = None
) -> Survey:
    """What the files of ``tree`` and the ``manifests`` among them show.

    ``repository_name`` names the application of files that are in no application's folder. ``given`` are the patterns
    of environments that a person has named.
    """
    paths = tuple(tree.paths)
    expanded = expand(manifests, tree)
    located = _locate(tree, expanded.applications, given or {})
    bases = find_bases(located.places, expanded.applications, tree.paths)
    base, left_out = base_templates(bases.readers | located.shared, located.places, paths)
    describe = _Describe(tree, located, expanded.applications, base, repository_name)
    environments = describe.environments() or _in_sections(located.candidates, paths, repository_name)
    covered = {*bases.readers, *located.shared, *(path for found in environments for path in found.files)}
    stray = {path: one.pins for path, one in located.candidates.items() if one.pins and path not in covered}
    warnings = (
        *expanded.unknown,
        *disputes(located.found.disputed),
        *about_bases(bases, left_out, located.candidates),
        *read_for_two(expanded.applications, located.places),
    )
    return Survey(
        environments=environments,
        doubtful=tuple(doubtful_environments(located.found.doubtful)),
        exclude=matched_too_many(environments, located.places, located.candidates, paths),
        stray=stray,
        stray_patterns=() if environments else _patterns_of(stray, located.candidates, paths),
        warnings=warnings,
        given=frozenset(given or ()),
    )


@dataclass(frozen=True, slots=True)
class _Located:
    """The files with an environment: ``places`` of its own, and those ``shared`` by several applications of it."""

    candidates: Mapping[str, Candidate]
    found: Found
    places: Mapping[str, Place]
    shared: dict[str, set[Deployed]]
    values: Templates


def _locate(tree: Tree, applications: Sequence[Application], given: Mapping[str, Sequence[str]]) -> _Located:
    paths = tuple(tree.paths)
    candidates = find_candidates(tree, applications)
    named = _given_places(given, paths)
    found = find_environments({path: one for path, one in candidates.items() if path not in named})
    slots = {path: slot for path, slot in found.slots.items() if slot.name not in given}
    places = find_places(slots, candidates, [one.files for one in applications])
    shared = shared_places(places, applications, candidates)
    own = {path: place for path, place in places.items() if path not in shared}
    values = value_templates(own, paths) | _given_templates(given, named)
    return _Located(candidates, found, own | named, shared, values)


@dataclass(frozen=True, slots=True)
class Coverage:
    """The names of Argo CD's applications with tags that no environment has, and files with tags that none has.

    ``files`` says how many tags each holds; ``unknown`` are sentences about what could not be compared.
    """

    applications: tuple[str, ...]
    files: Mapping[str, int]
    unknown: tuple[str, ...]


def compare_coverage(
    tree: Tree, manifests: Iterable[Manifest], values: Collection[str], bases: Collection[str]
) -> Coverage:  # fmt: skip
    """Compare what Argo CD reads and which files hold tags with the environments' ``values`` and ``bases``."""
    expanded = expand(manifests, tree)
    candidates = find_candidates(tree, expanded.applications)
    tags = {path: one.pins for path, one in candidates.items() if one.pins}
    missing = [
        one.name or one.manifest.name
        for one in expanded.applications
        if any(path in tags for path in one.files) and not any(path in values for path in one.files)
    ]
    files = {path: count for path, count in tags.items() if path not in values and path not in bases}
    return Coverage(tuple(dict.fromkeys(missing)), files, expanded.unknown)


def _given_places(given: Mapping[str, Sequence[str]], paths: Sequence[str]) -> dict[str, Place]:
    """The files that the patterns of a person match."""
    places: dict[str, Place] = {}
    for name, patterns in given.items():
        for pattern in patterns:
            expression = PathPattern(in_environment(pattern, name)).expression
            for match in filter(None, map(expression.fullmatch, paths)):
                app, span = (match["app"], match.span("app")) if "app" in expression.groupindex else (None, None)
                slot = Slot(match.string, name, 0, "given", ())
                places[match.string] = Place(match.string, name, slot, app, span)
    return places


def _given_templates(given: Mapping[str, Sequence[str]], named: Mapping[str, Place]) -> Templates:
    return {
        pattern: set(claim_paths([in_environment(pattern, name)], named, ""))
        for name, patterns in given.items()
        for pattern in patterns
    }


@dataclass(frozen=True, slots=True)
class _Describe:
    """Puts the environments together from what was located."""

    tree: Tree
    located: _Located
    applications: Sequence[Application]
    base: Templates
    repository_name: str

    def environments(self) -> tuple[FoundEnvironment, ...]:
        """All of them, from development to production."""
        names = usual_order({place.environment for place in self.located.places.values()})
        return tuple(map(self._environment, names))

    def _environment(self, name: str) -> FoundEnvironment:
        own = {path: place for path, place in self.located.places.items() if place.environment == name}
        read = [one.files for one in self.applications]
        made = self.located.values
        values = [template for template, paths in made.items() if not paths.isdisjoint(own)]
        return FoundEnvironment(
            name=name,
            apps=tuple(sorted({place.app or self.repository_name for place in own.values()})),
            files=tuple(sorted(own)),
            values=tuple(in_helm_s_order(values, read, made)),
            base=tuple(in_helm_s_order(self.base, read, self.base)),
            argocd=self._argocd(own),
            maybe_base=None if self.base else charts_of_applications(own.values(), self.tree.paths),
            keys=_application_keys(own, self.located.candidates),
        )

    def _argocd(self, own: Mapping[str, Place]) -> tuple[str, ...]:
        names = set()
        for application in self.applications:
            apps = {own[path].app for path in application.files if path in own}
            name, app = application.name, next(iter(apps), None)
            if name is not None and len(apps) == 1:
                names.add(name.replace(app, APP, 1) if app and name.count(app) == 1 else name)
        return tuple(sorted(names))


def _in_sections(
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


def _patterns_of(stray: Collection[str], candidates: Mapping[str, Candidate], paths: Sequence[str]) -> tuple[str, ...]:
    """Patterns of files whose environment no path tells, those of the most files first."""
    slots = {path: Slot(path, "", 0, "section", ()) for path in stray}
    templates = value_templates(find_places(slots, candidates, ()), paths)
    return tuple(sorted(templates, key=lambda template: (-len(templates[template]), template)))


def _application_keys(places: Mapping[str, Place], candidates: Mapping[str, Candidate]) -> tuple[str, ...]:
    """The keys that may be applications of an environment whose paths name none."""
    keys = frozenset[str]().union(*(candidates[path].keys for path in places if path in candidates))
    if any(place.app is not None for place in places.values()) or len(keys) < _SEVERAL or keys & _OF_ONE:
        return ()
    return tuple(sorted(keys))
