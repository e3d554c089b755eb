"""What was found in a GitOps repository, and in sentences what could not be settled about it. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bumper.environments.discovery.bases import Bases
from bumper.environments.discovery.candidates import Candidate, Slot
from bumper.environments.discovery.manifests import Application
from bumper.environments.discovery.patterns import in_environment, literal, template_of
from bumper.environments.discovery.placing import Place
from bumper.environments.path_pattern import claim_paths
from bumper.environments.usual_names import chart_folders, unused_folder, usual_order


@dataclass(frozen=True, slots=True)
class FoundEnvironment:
    """An environment: its applications and files, and the templates (patterns with ``{env}``) that find them."""

    name: str
    apps: tuple[str, ...]
    files: tuple[str, ...]
    values: tuple[str, ...]
    base: tuple[str, ...]
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


def about_bases(bases: Bases, left_out: Iterable[str], candidates: Mapping[str, Candidate]) -> list[str]:
    """Bases that no pattern can be written for, and files with tags that are read above an environment's own."""
    unwritten = (
        f"{path} is not written as a base, because its pattern would give it to applications that do not read it"
        for path in left_out
    )
    above = (
        f"{path} overrides the environment's own files for {one.manifest.file}; add it to values where it belongs"
        for path, one in bases.above.items()
        if candidates[path].pins
    )
    return [*unwritten, *above]


def disputes(disputed: Mapping[str, tuple[str, str]]) -> list[str]:
    """Files whose path has two environments' names."""
    return [
        f"{path} may belong to {first} or to {second} and was left out; add it to the values of the right one"
        for path, (first, second) in disputed.items()
    ]


def read_for_two(applications: Sequence[Application], places: Mapping[str, Place]) -> list[str]:
    """Applications of Argo CD's that read files of several environments: one of these is rather the others' base."""
    found: dict[tuple[str, ...], Application] = {}
    for one in applications:
        names = tuple(usual_order({places[path].environment for path in one.files if path in places}))
        if len(names) > 1:
            found.setdefault(names, one)
    return [
        f"{one.manifest.file} deploys {one.name or one.manifest.name} with files of {' and of '.join(names)}; make the "
        "files that are read first a base of the others"
        for names, one in found.items()
    ]


def doubtful_environments(found: Mapping[str, tuple[Slot, str]]) -> list[Doubtful]:
    """Each doubtful environment once, with the pattern of its first file."""
    listed: dict[str, Doubtful] = {}
    for path, (slot, reason) in found.items():
        values = in_environment(template_of(Place(path, slot.name, slot)), slot.name)
        listed.setdefault(slot.name, Doubtful(slot.name, values, reason))
    return list(listed.values())


def matched_too_many(
    environments: Sequence[FoundEnvironment], places: Mapping[str, Place], candidates: Mapping[str, Candidate],
    paths: Sequence[str],
) -> tuple[str, ...]:  # fmt: skip
    """Patterns of what the environments' patterns match although it is not theirs or never deployed.

    A file of the same name that holds no tag (yet) may stay.
    """
    charts = chart_folders(paths)
    matched = {
        path
        for one in environments
        if one.at is None
        for path in claim_paths([in_environment(template, one.name) for template in one.values], paths, "")
        if path in candidates or unused_folder(path, charts)
        if path not in places or places[path].environment != one.name
    }
    folders = {path: unused_folder(path, charts) for path in matched}
    return tuple(sorted({f"{literal(folders[path])}/**" if folders[path] else literal(path) for path in matched}))
