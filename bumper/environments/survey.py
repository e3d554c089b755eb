"""What a GitOps repository holds: environments, applications, bases, and the patterns that find them again. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bumper.environments.conventions import Conventions, read_conventions
from bumper.environments.discovery.manifests import Manifest
from bumper.environments.environment_names import usual_order
from bumper.environments.manifest_files import Claims, Use, find_uses, has_word, in_manifests_order, place
from bumper.environments.path_pattern import APP, Claim, claim_paths
from bumper.environments.survey_patterns import base_patterns, of_one_name, value_patterns

_ENVIRONMENT_PARENTS = ("envs", "environments")


@dataclass(frozen=True, slots=True)
class FoundEnvironment:
    """An environment: its applications and files, and ``values`` and ``base``, the patterns that find them."""

    name: str
    apps: tuple[str, ...]
    files: tuple[str, ...]
    bases: tuple[str, ...]
    values: tuple[str, ...]
    base: tuple[str, ...]
    argocd: tuple[str, ...]  # names of Argo CD's applications, with {app} where they follow bumper's


@dataclass(frozen=True, slots=True)
class Survey:
    """The environments, from development to production.

    ``unplaced`` are values files that manifests name and whose environment cannot be told, each with its manifest.
    """

    environments: tuple[FoundEnvironment, ...]
    unplaced: Mapping[str, str]
    warnings: tuple[str, ...]


def survey(paths: Iterable[str], manifests: Sequence[Manifest], repository_name: str) -> Survey:
    """What all file ``paths`` and the ``manifests`` among them show.

    ``repository_name`` names the application of files that are in no application's folder.
    """
    paths = dict.fromkeys(paths)
    found = read_conventions(paths, repository_name)
    values, warnings = _settle_disputes({name: dict(found.claims(name)) for name in found.files})
    bases = {name: _bases(found, name, claims) for name, claims in values.items()}
    placed = place(find_uses(manifests, paths, values), values, bases, repository_name)
    values = {name: values.get(name, {}) | placed.values.get(name, {}) for name in {*values, *placed.values}}
    uses = find_uses(manifests, paths, values)
    environments = []
    for name in usual_order([name for name, claims in values.items() if claims]):
        all_bases = bases.get(name, {}) | placed.bases.get(name, {})
        one, told = _describe(name, values[name], all_bases, tuple(paths), repository_name, uses)
        environments.append(one)
        warnings += told
    return Survey(tuple(environments), placed.unplaced, tuple(warnings))


def _settle_disputes(values: dict[str, Claims]) -> tuple[dict[str, Claims], list[str]]:
    """A file that several environments claim is the one's whose folder follows envs/; without one it is nobody's."""
    claimants: defaultdict[str, list[str]] = defaultdict(list)
    for name, claims in values.items():
        for path in claims:
            claimants[path].append(name)
    warnings = []
    for path, names in sorted(claimants.items()):
        if len(names) > 1:
            sure = [name for name in names if any(f"{parent}/{name}/" in path for parent in _ENVIRONMENT_PARENTS)]
            owner = sure[0] if len(sure) == 1 else None
            for name in names:
                if name != owner:
                    del values[name][path]
            if owner is None:
                warnings.append(
                    f"{path} may belong to {' or to '.join(names)} and was left out; add it to the right one's values."
                )
    return values, warnings


def _bases(found: Conventions, name: str, claims: Claims) -> Claims:
    groups: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for path, claim in claims.items():
        groups[claim.app, claim.folder].append(path)
    return {
        base: Claim(app, folder, base.count("/"))
        for (app, folder), listed in found.bases(name, groups).items()
        for base in listed
        if base not in claims
    }


def _describe(
    name: str, values: Claims, bases: Claims, paths: Sequence[str], own_name: str, uses: Sequence[Use]
) -> tuple[FoundEnvironment, list[str]]:
    """The environment ``name`` with its patterns, and what these cannot say."""
    apps = {claim.app for claim in values.values()}
    patterns, warnings = value_patterns(name, values, paths, own_name)
    ordered = in_manifests_order(patterns, claim_paths(patterns, paths, own_name), uses)
    base, left_out = base_patterns(apps, values, bases, paths)
    base = in_manifests_order(base, claim_paths(base, paths, ""), uses)
    warnings += [
        f"{path} is not written as a base of {name}, because it is not one of all its applications."
        for path in left_out
    ]
    warnings += of_one_name(name, values)
    argocd = {_argocd_name(use, name) for use in uses if use.environments == {name}} - {None}
    one = FoundEnvironment(
        name=name,
        apps=tuple(sorted(apps)),
        files=tuple(sorted(values)),
        bases=tuple(sorted(bases.keys() - set(left_out))),
        values=tuple(ordered),
        base=tuple(base),
        argocd=tuple(sorted(filter(None, argocd))),
    )
    return one, warnings


def _argocd_name(use: Use, environment: str) -> str | None:
    """The application's name in Argo CD, with bumper's own as ``{app}``; None where several are meant."""
    name = use.manifest.application
    app = next(iter(use.apps))[0] if len(use.apps) == 1 else None
    if app is not None and has_word(app, name):
        return name.replace(app, APP, 1) if name.count(app) == 1 else name
    if "*" in name:
        return name.replace("*", APP) if name.count("*") == 1 and has_word(environment, name) else None
    return name
