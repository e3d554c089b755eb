"""What a GitOps repository holds: environments, applications, bases, and the patterns that find them again. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bumper.environments.discovery.applications import Application, expand
from bumper.environments.discovery.axes import find_environments
from bumper.environments.discovery.bases import base_templates, charts_of_applications, find_bases, shared_places
from bumper.environments.discovery.candidates import Candidate, find_candidates
from bumper.environments.discovery.found import FoundEnvironment, Survey
from bumper.environments.discovery.git_generator import Tree
from bumper.environments.discovery.keys import application_keys, in_sections, patterns_of
from bumper.environments.discovery.manifests import Manifest
from bumper.environments.discovery.open_questions import (
    about_bases,
    disputes,
    doubtful_environments,
    matched_too_many,
    read_for_two,
)
from bumper.environments.discovery.patterns import Templates, in_environment, in_helm_s_order
from bumper.environments.discovery.placing import Place, find_places
from bumper.environments.discovery.slots import Slot
from bumper.environments.discovery.value_templates import value_templates
from bumper.environments.environment_names import usual_order
from bumper.environments.path_pattern import APP, claim_paths, compile_pattern


def survey(
    tree: Tree, manifests: Sequence[Manifest], repository_name: str, given: Mapping[str, Sequence[str]] | None = None
) -> Survey:
    """What the files of ``tree`` and the ``manifests`` among them show.

    ``repository_name`` names the application of files that are in no application's folder. ``given`` are the patterns
    of environments that a person has named.
    """
    given = given or {}
    paths = tuple(tree.paths)
    expanded = expand(manifests, tree)
    applications = expanded.applications
    candidates = find_candidates(tree.paths, tree.sources, [path for one in applications for path in one.files])
    named = _given_places(given, paths)
    found = find_environments({path: one for path, one in candidates.items() if path not in named})
    slots = {path: slot for path, slot in found.slots.items() if slot.name not in given}
    places = find_places(slots, candidates, [one.files for one in applications])
    lower = shared_places(places, applications, candidates)
    places = {path: place for path, place in places.items() if path not in lower}
    values = value_templates(places, paths) | _given_templates(given, named)
    places |= named
    bases = find_bases(places, applications, tree.paths)
    base, left_out = base_templates(bases.readers | lower, places, paths)
    describe = _Describe(tree, places, candidates, applications, values, base, repository_name)
    names = usual_order({place.environment for place in places.values()})
    environments = tuple(describe.environment(name) for name in names)
    if not environments:
        environments = in_sections(candidates, paths, repository_name)
        places |= {
            path: Place(path, one.name, Slot(path, one.name, 0, "section", ()))
            for one in environments
            for path in one.files
        }
    warnings = [
        *expanded.unknown,
        *disputes(found.disputed),
        *about_bases(bases, left_out, candidates),
        *read_for_two(applications, places),
    ]
    covered = {*places, *bases.readers, *lower, *(path for one in environments for path in one.files)}
    stray = {path: one.pins for path, one in candidates.items() if one.pins and path not in covered}
    return Survey(
        environments=environments,
        doubtful=tuple(doubtful_environments(found.doubtful)),
        exclude=matched_too_many(environments, places, candidates, paths),
        stray=stray,
        stray_patterns=() if environments else patterns_of(stray, candidates, paths),
        warnings=tuple(warnings),
        given=frozenset(given),
    )


def _given_places(given: Mapping[str, Sequence[str]], paths: Sequence[str]) -> dict[str, Place]:
    """The files that the patterns of a person match."""
    places: dict[str, Place] = {}
    for name, patterns in given.items():
        for pattern in patterns:
            expression = compile_pattern(in_environment(pattern, name))
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
    tree: Tree
    places: Mapping[str, Place]
    candidates: Mapping[str, Candidate]
    applications: Sequence[Application]
    values: Templates
    base: Templates
    repository_name: str

    def environment(self, name: str) -> FoundEnvironment:
        """The environment ``name`` with the templates that find its files."""
        own = {path: place for path, place in self.places.items() if place.environment == name}
        read = [one.files for one in self.applications]
        values = [template for template, made in self.values.items() if not made.isdisjoint(own)]
        return FoundEnvironment(
            name=name,
            apps=tuple(sorted({place.app or self.repository_name for place in own.values()})),
            files=tuple(sorted(own)),
            values=tuple(in_helm_s_order(values, read, self.values)),
            base=tuple(in_helm_s_order(self.base, read, self.base)),
            argocd=self._argocd(own),
            maybe_base=None if self.base else charts_of_applications(own.values(), self.tree.paths),
            keys=application_keys(own, self.candidates),
        )

    def _argocd(self, own: Mapping[str, Place]) -> tuple[str, ...]:
        names = set()
        for one in self.applications:
            apps = {own[path].app for path in one.files if path in own}
            if one.name is not None and len(apps) == 1:
                app = next(iter(apps))
                names.add(one.name.replace(app, APP, 1) if app and one.name.count(app) == 1 else one.name)
        return tuple(sorted(names))
