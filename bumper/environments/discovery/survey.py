"""What a GitOps repository holds: environments, applications, bases, and the patterns that find them again. Pure."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bumper.environments.discovery.environments import Found, find_environments
from bumper.environments.discovery.manifests import Application, Manifest, expand
from bumper.environments.discovery.patterns import (
    Templates,
    base_templates,
    find_bases,
    in_environment,
    in_helm_s_order,
    literal,
    shared_places,
    template_of,
    value_templates,
)
from bumper.environments.discovery.places import Deployed, Place, Slot, find_places
from bumper.environments.discovery.tree import Candidate, Tree, find_candidates
from bumper.environments.path_pattern import APP, PathPattern, claim_paths
from bumper.environments.usual_names import chart_folders, is_usual, unused_folder, usual_order

# Keys under which one application keeps its own images.
_OF_ONE = frozenset({"image", "images", "global", "sidecar", "sidecars", "initContainers", "spec", "containers"})


@dataclass(frozen=True, slots=True)
class FoundEnvironment:
    """An environment: its applications and files, and the templates (patterns with ``{env}``) that find them."""

    name: str
    apps: tuple[str, ...]
    files: tuple[str, ...]
    values: tuple[str, ...]
    base: tuple[str, ...] = ()
    argocd: tuple[str, ...] = ()  # names of Argo CD's applications, with {app} where they follow bumper's
    at: str | None = None  # the section of its files that is this environment's
    maybe_base: str | None = None  # the values of charts that are called like the applications
    keys: tuple[str, ...] = ()  # top keys that may be applications, where no path names any


@dataclass(frozen=True, slots=True)
class Doubtful:
    """What may be an environment: its name, the pattern of its files, and why it is not written as one."""

    name: str
    values: str
    reason: str


@dataclass(frozen=True, slots=True)
class Survey:
    """The environments, from development to production, and what could not be settled.

    ``exclude`` are patterns of files that those of the environments match and that belong to none. ``stray`` are files
    that hold pins and that no environment has, with how many; ``stray_patterns`` match them, the most telling first.
    """

    environments: tuple[FoundEnvironment, ...]
    doubtful: tuple[Doubtful, ...]
    exclude: tuple[str, ...]
    stray: Mapping[str, int]
    stray_patterns: tuple[str, ...]
    warnings: tuple[str, ...]
    given: frozenset[str] = frozenset()  # the environments that a person has named


def survey(
    tree: Tree, manifests: Iterable[Manifest], repository_name: str, given: Mapping[str, Sequence[str]]
) -> Survey:  # fmt: skip
    """What the files of ``tree`` and the ``manifests`` among them show.

    ``repository_name`` names the application of files that are in no application's folder. ``given`` are the patterns
    of environments that a person has named.
    """
    expanded = expand(manifests, tree)
    findings = _find(tree, expanded.applications, repository_name, given)
    environments = findings.environments() or tuple(findings.sections())
    covered = {*findings.bases, *(path for one in environments for path in one.files)}
    stray = {path: one.pins for path, one in findings.candidates.items() if one.pins and path not in covered}
    return Survey(
        environments=environments,
        doubtful=tuple(_doubtful_environments(findings.found)),
        exclude=findings.matched_too_many(environments),
        stray=stray,
        stray_patterns=() if environments else findings.patterns_of(stray),
        warnings=(*expanded.unknown, *findings.questions),
        given=frozenset(given),
    )


@dataclass(frozen=True, slots=True)
class _Findings:
    """What the paths and contents of files show, with the templates of the environments' values and bases."""

    tree: Tree
    applications: Sequence[Application]
    repository_name: str
    candidates: Mapping[str, Candidate]
    found: Found
    places: Mapping[str, Place]  # of each environment's own files
    values: Templates
    bases: Mapping[str, set[Deployed]]  # and files of an environment that several of its applications read
    base: Templates
    questions: tuple[str, ...]

    def environments(self) -> tuple[FoundEnvironment, ...]:
        """All of them, from development to production."""
        return tuple(map(self._environment, usual_order({place.environment for place in self.places.values()})))

    def _environment(self, name: str) -> FoundEnvironment:
        own = {path: place for path, place in self.places.items() if place.environment == name}
        read = [one.files for one in self.applications]
        values = [template for template, paths in self.values.items() if not paths.isdisjoint(own)]
        base = [template for template in self.base if self._is_read(template, name, own)]
        return FoundEnvironment(
            name=name,
            apps=self._apps(own),
            files=tuple(sorted(own)),
            values=tuple(in_helm_s_order(values, read, self.values)),
            base=tuple(in_helm_s_order(base, read, self.base)),
            argocd=self._argocd(own),
            maybe_base=None if self.base else _charts_of_applications(own, self.tree.paths),
            keys=self._application_keys(own),
        )

    def _is_read(self, base: str, name: str, own: Mapping[str, Place]) -> bool:
        """Whether the template of a ``base`` matches a file for one of the environment's applications."""
        apps = {place.app for place in own.values()}
        matched = claim_paths([in_environment(base, name)], self.tree.paths, "")
        return any(APP not in base or claim.app in apps for claim in matched.values())

    def _apps(self, places: Mapping[str, Place]) -> tuple[str, ...]:
        return tuple(sorted({place.app or self.repository_name for place in places.values()}))

    def _argocd(self, own: Mapping[str, Place]) -> tuple[str, ...]:
        names = set()
        for application in self.applications:
            apps = {own[path].app for path in application.files if path in own}
            name, app = application.name, next(iter(apps), None)
            if name is not None and len(apps) == 1:
                names.add(name.replace(app, APP, 1) if app and name.count(app) == 1 else name)
        return tuple(sorted(names))

    def _application_keys(self, own: Mapping[str, Place]) -> tuple[str, ...]:
        """The keys that may be applications of an environment whose paths name none."""
        keys = {key for path in own if path in self.candidates for key in self.candidates[path].keys}
        if any(place.app is not None for place in own.values()) or len(keys) == 1 or keys & _OF_ONE:
            return ()
        return tuple(sorted(keys))

    def sections(self) -> Iterator[FoundEnvironment]:
        """The environments whose sections hold all tags of some files: ``dev`` and ``prod`` at the top of one file."""
        keys = {path: one.keys for path, one in self.candidates.items() if len(one.keys) > 1}
        places = self._without_environment(path for path in keys if all(map(is_usual, keys[path])))
        for name in usual_order({name for path in places for name in keys[path]}):
            own = {path: place for path, place in places.items() if name in keys[path]}
            templates = value_templates(own, tuple(self.tree.paths))
            yield FoundEnvironment(name, self._apps(own), tuple(sorted(own)), tuple(sorted(templates)), at=name)

    def patterns_of(self, stray: Iterable[str]) -> tuple[str, ...]:
        """Patterns of files whose environment no path tells, those of the most files first."""
        templates = value_templates(self._without_environment(stray), tuple(self.tree.paths))
        return tuple(sorted(templates, key=lambda template: (-len(templates[template]), template)))

    def _without_environment(self, paths: Iterable[str]) -> dict[str, Place]:
        return find_places({path: Slot(path, "", 0, "section", ()) for path in paths}, self.candidates, ())

    def matched_too_many(self, environments: Iterable[FoundEnvironment]) -> tuple[str, ...]:
        """Patterns of what the environments' patterns match although it is not theirs or never deployed.

        A file of the same name that holds no tag (yet) may stay.
        """
        paths = tuple(self.tree.paths)
        charts = chart_folders(paths)
        found = set()
        for one in environments:
            patterns = [in_environment(template, one.name) for template in one.values if one.at is None]
            for path in claim_paths(patterns, paths, ""):
                unused = unused_folder(path, charts)
                is_own = path in self.places and self.places[path].environment == one.name
                if not is_own and (path in self.candidates or unused):
                    found.add(f"{literal(unused)}/**" if unused else literal(path))
        return tuple(sorted(found))


def _find(
    tree: Tree, applications: Sequence[Application], repository_name: str, given: Mapping[str, Sequence[str]]
) -> _Findings:
    paths = tuple(tree.paths)
    read = [one.files for one in applications]
    candidates = find_candidates(tree, {path for files in read for path in files})
    named, values = _given_places(given, paths)
    found = find_environments({path: one for path, one in candidates.items() if path not in named})
    slots = {path: slot for path, slot in found.slots.items() if slot.name not in given}
    places = find_places(slots, candidates, read)
    shared = shared_places(places, applications, {path for path, one in candidates.items() if not one.pins})
    places = {path: place for path, place in places.items() if path not in shared}
    for template, matched in value_templates(places, paths).items():
        values.setdefault(template, set()).update(matched)
    places |= named
    readers, above = find_bases(places, applications, tree.paths)
    bases = readers | shared
    base, left_out = base_templates(bases, places, paths)
    above = {path: one for path, one in above.items() if candidates[path].pins}
    questions = (*_about_files(found, left_out, above), *_read_for_two(applications, places))
    return _Findings(
        tree, applications, repository_name, candidates, found, places, values, bases, base, questions
    )  # fmt: skip


def _given_places(given: Mapping[str, Sequence[str]], paths: Sequence[str]) -> tuple[dict[str, Place], Templates]:
    """The files that the patterns of a person match, also by pattern."""
    places: dict[str, Place] = {}
    templates: Templates = {}
    for name, pattern in ((name, pattern) for name, patterns in given.items() for pattern in patterns):
        expression = PathPattern(in_environment(pattern, name)).expression
        for match in filter(None, map(expression.fullmatch, paths)):
            span = match.span("app") if "app" in expression.groupindex else None
            places[match.string] = Place(Slot(match.string, name, 0, "given", ()), span)
            templates.setdefault(pattern, set()).add(match.string)
    return places, templates


def _charts_of_applications(own: Mapping[str, Place], paths: Collection[str]) -> str | None:
    """The template of the values.yaml of charts that are called like all the applications; None where it is not one.

    Values of charts that are the environment's ``own`` files are no base of it.
    """
    shared = [path for folder in chart_folders(paths) if (path := f"{folder}/values.yaml") in paths and path not in own]
    templates = {"/".join([*path.split("/")[:-2], APP, "values.yaml"]) for path in shared}
    apps = {str(place.app) for place in own.values()}
    fitting = [template for template in templates if apps and all(template.replace(APP, app) in shared for app in apps)]
    return fitting[0] if len(fitting) == 1 else None


def _doubtful_environments(found: Found) -> Iterable[Doubtful]:
    """Each doubtful environment once, with the pattern of its first file."""
    listed: dict[str, Doubtful] = {}
    for slot, reason in found.doubtful.values():
        values = in_environment(template_of(Place(slot)), slot.name)
        listed.setdefault(slot.name, Doubtful(slot.name, values, reason))
    return listed.values()


def _about_files(
    found: Found, left_out: Iterable[str], above: Mapping[str, Application]
) -> Iterator[str]:  # fmt: skip
    """Files with two environments' names, bases without a pattern, and tags that are read above an environment's."""
    for path, (first, second) in found.disputed.items():
        yield f"{path} may belong to {first} or to {second} and was left out; add it to the values of the right one"
    for path in left_out:
        yield f"{path} is not written as a base, because its pattern would give it to applications that do not read it"
    for path, one in above.items():
        yield f"{path} overrides the environment's own files for {one.manifest.file}; add it to values where it belongs"


def _read_for_two(applications: Iterable[Application], places: Mapping[str, Place]) -> Iterator[str]:
    """Applications of Argo CD's that read files of several environments: one of these is rather the others' base."""
    seen: set[tuple[str, ...]] = set()
    for one in applications:
        names = tuple(usual_order({places[path].environment for path in one.files if path in places}))
        if len(names) > 1 and names not in seen:
            seen.add(names)
            yield (
                f"{one.manifest.file} deploys {one.name or one.manifest.name} with files of {' and of '.join(names)}; "
                "make the files that are read first a base of the others"
            )


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
    candidates = find_candidates(tree, {path for one in expanded.applications for path in one.files})
    tags = {path: one.pins for path, one in candidates.items() if one.pins}
    missing = [
        one.name or one.manifest.name
        for one in expanded.applications
        if any(path in tags for path in one.files) and not any(path in values for path in one.files)
    ]
    files = {path: count for path, count in tags.items() if path not in values and path not in bases}
    return Coverage(tuple(dict.fromkeys(missing)), files, expanded.unknown)
