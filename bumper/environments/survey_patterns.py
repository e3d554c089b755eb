"""The patterns of an environment that was found, and what no pattern can say. Pure."""

from collections import defaultdict
from collections.abc import Collection, Sequence

from bumper.environments.manifest_files import Claims
from bumper.environments.path_pattern import claim_paths
from bumper.environments.path_templates import find_patterns


def value_patterns(name: str, values: Claims, paths: Sequence[str], own_name: str) -> tuple[list[str], list[str]]:
    """The patterns that match the files of the environment ``name`` and no other, and what they cannot say."""

    def fits(pattern: str) -> bool:
        found = claim_paths([pattern], paths, own_name)
        return all(path in values and values[path].app == claim.app for path, claim in found.items())

    made = find_patterns(values, fits)
    patterns = [one for one in made.patterns if claim_paths([one], paths, own_name).keys() <= values.keys()]
    lost = sorted(values.keys() - claim_paths(patterns, paths, own_name).keys())
    warnings = [f"{path} of {name} cannot be written as a pattern and was left out; rename it." for path in lost]
    warnings += [
        f"{path} of {name} is written as it is: no pattern tells its application {values[path].app} apart from files "
        f"beside it, so that it counts as {own_name}'s."
        for path in made.nameless
        if path not in lost
    ]
    return patterns, warnings


def base_patterns(
    apps: Collection[str], values: Claims, bases: Claims, paths: Sequence[str]
) -> tuple[list[str], list[str]]:
    """The patterns of bases that give no application another one's, and the bases that no such pattern finds."""

    def fits(pattern: str) -> bool:
        found = claim_paths([pattern], paths, "")
        return all(
            path in values or (path in bases and bases[path].app in ("", app))
            for path, claim in found.items()
            for app in ([claim.app] if claim.app else apps)
            if app in apps
        )

    patterns = [pattern for pattern in find_patterns(bases, fits).patterns if fits(pattern)]
    return patterns, sorted(bases.keys() - claim_paths(patterns, paths, "").keys())


def of_one_name(name: str, values: Claims) -> list[str]:
    """A warning for every application that stands in two folders: bumper.yaml tells them by name alone."""
    folders: defaultdict[str, set[str]] = defaultdict(set)
    for claim in values.values():
        folders[claim.app].add(claim.folder)
    return [
        f"{name} has an application {app} in {' and in '.join(sorted(several))}, which bumper.yaml takes for one."
        for app, several in sorted(folders.items())
        if len(several) > 1
    ]
