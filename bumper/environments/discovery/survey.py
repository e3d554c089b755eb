"""What a GitOps repository holds: environments, applications, bases, and the patterns that find them again. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bumper.environments.discovery.applications import Application, expand
from bumper.environments.discovery.axes import find_environments
from bumper.environments.discovery.bases import base_templates, find_bases, shared_places
from bumper.environments.discovery.candidates import find_candidates
from bumper.environments.discovery.git_generator import Tree
from bumper.environments.discovery.manifests import Manifest
from bumper.environments.discovery.patterns import (
    Templates,
    in_environment,
    in_helm_s_order,
    template_of,
    usual_position,
    with_stars,
)
from bumper.environments.discovery.placing import Place, find_places
from bumper.environments.discovery.slots import Slot
from bumper.environments.environment_names import usual_order
from bumper.environments.path_pattern import APP, claim_paths, compile_pattern


@dataclass(frozen=True, slots=True)
class FoundEnvironment:
    """An environment: its applications and files, and the templates (patterns with ``{env}``) that find them."""

    name: str
    apps: tuple[str, ...]
    files: tuple[str, ...]
    values: tuple[str, ...]
    base: tuple[str, ...]
    argocd: tuple[str, ...]  # names of Argo CD's applications, with {app} where they follow bumper's


@dataclass(frozen=True, slots=True)
class Doubtful:
    """What may be an environment: its name, the pattern of its files, and why it is not written as one."""

    name: str
    values: str
    reason: str


@dataclass(frozen=True, slots=True)
class Survey:
    """The environments, from development to production, and what could not be settled.

    ``exclude`` are files that the patterns match and that are no environment's. ``stray`` are files that hold pins and
    that no environment has, with how many.
    """

    environments: tuple[FoundEnvironment, ...]
    doubtful: tuple[Doubtful, ...]
    exclude: tuple[str, ...]
    stray: Mapping[str, int]
    warnings: tuple[str, ...]
    given: frozenset[str] = frozenset()  # the environments that a person has named


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
    values = _value_templates(places, paths) | _given_templates(given, named)
    places |= named
    bases = find_bases(places, applications, tree.paths)
    base, left_out = base_templates(bases.readers | lower, places, paths)
    describe = _Describe(places, applications, values, base, repository_name)
    names = usual_order({place.environment for place in places.values()})
    environments = tuple(describe.environment(name) for name in names)
    warnings = [*expanded.unknown, *_disputes(found.disputed)]
    warnings += [
        f"{path} is not written as a base, because not all applications read it that its pattern would give it to"
        for path in left_out
    ]
    warnings += [
        f"{path} is read above the environment's own files by {one.manifest.file}; add it to values where it belongs"
        for path, one in bases.above.items()
        if candidates[path].pins
    ]
    covered = {*places, *bases.readers, *lower}
    return Survey(
        environments=environments,
        doubtful=tuple(_doubtful(found.doubtful)),
        exclude=_too_many(environments, places, paths),
        stray={path: one.pins for path, one in candidates.items() if one.pins and path not in covered},
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


def _value_templates(places: Mapping[str, Place], paths: Sequence[str]) -> Templates:
    made: Templates = {}
    for path, place in places.items():
        made.setdefault(template_of(place), set()).add(path)
    names = {place.environment for place in places.values()}

    def fits(template: str) -> bool:
        return all(
            path in places and (places[path].environment, places[path].app) == (name, claim.app)
            for name in names
            for path, claim in claim_paths([in_environment(template, name)], paths, "").items()
        )

    return _without_covered(with_stars(made, fits, {path: place.app for path, place in places.items()}))


def _without_covered(templates: Templates) -> Templates:
    """The templates without those whose files one with a star in the file's name matches as well."""
    kept = dict(templates)
    for star in [template for template in templates if "*" in template.rpartition("/")[2]]:
        for other in [template for template in kept if template != star]:
            alike = (other.rpartition("/")[0], usual_position(other)) == (star.rpartition("/")[0], usual_position(star))
            if alike and compile_pattern(star).fullmatch(other.replace(APP, "app")) is not None:
                kept[star] = kept[star] | kept.pop(other)
    return kept


@dataclass(frozen=True, slots=True)
class _Describe:
    places: Mapping[str, Place]
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
        )

    def _argocd(self, own: Mapping[str, Place]) -> tuple[str, ...]:
        names = set()
        for one in self.applications:
            apps = {own[path].app for path in one.files if path in own}
            if one.name is not None and len(apps) == 1:
                app = next(iter(apps))
                names.add(one.name.replace(app, APP, 1) if app and one.name.count(app) == 1 else one.name)
        return tuple(sorted(names))


def _disputes(disputed: Mapping[str, tuple[str, str]]) -> list[str]:
    return [
        f"{path} may belong to {first} or to {second} and was left out; add it to the values of the right one"
        for path, (first, second) in disputed.items()
    ]


def _doubtful(found: Mapping[str, tuple[Slot, str]]) -> list[Doubtful]:
    """Each doubtful environment once, with the pattern of its files."""
    listed: dict[tuple[str, str], str] = {}
    for path, (slot, reason) in found.items():
        listed.setdefault((slot.name, template_of(Place(path, slot.name, slot))), reason)
    return [Doubtful(name, in_environment(values, name), reason) for (name, values), reason in listed.items()]


def _too_many(
    environments: Sequence[FoundEnvironment], places: Mapping[str, Place], paths: Sequence[str]
) -> tuple[str, ...]:  # fmt: skip
    """The files that the patterns match besides the environments' own."""
    matched = {
        path
        for one in environments
        for path in claim_paths([in_environment(template, one.name) for template in one.values], paths, "")
        if path not in places or places[path].environment != one.name
    }
    return tuple(sorted(matched))
