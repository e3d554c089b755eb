"""Values files that Argo CD's manifests name: whose environment and application they are, and in which order. Pure."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from bumper.environments.discovery.manifest_paths import matching
from bumper.environments.discovery.manifests import Manifest
from bumper.environments.environment_names import USUAL_NAMES
from bumper.environments.path_pattern import AppFolder, Claim

Claims = dict[str, Claim]  # by path


@dataclass(frozen=True, slots=True)
class Use:
    """A source of a manifest: the files of each of its value files, and whose they are as far as is known."""

    manifest: Manifest
    files: tuple[tuple[str, ...], ...]
    environments: frozenset[str]
    apps: frozenset[AppFolder]


@dataclass(frozen=True, slots=True)
class Placed:
    """The files that only manifests name: by environment values and bases; ``unplaced`` with a manifest each."""

    values: dict[str, Claims] = field(default_factory=lambda: defaultdict(dict))
    bases: dict[str, Claims] = field(default_factory=lambda: defaultdict(dict))
    unplaced: dict[str, str] = field(default_factory=dict)


def find_uses(manifests: Iterable[Manifest], paths: Collection[str], values: Mapping[str, Claims]) -> list[Use]:
    """What the manifests read of ``paths``; ``values`` are the files whose environment is known."""
    owner = {path: (name, claim) for name, claims in values.items() for path, claim in claims.items()}
    uses = []
    for manifest, source in ((one, source) for one in manifests for source in one.sources):
        files = tuple(tuple(matching(glob, paths)) for glob in source.value_files)
        owners = [owner[path] for group in files for path in group if path in owner]
        apps = frozenset((claim.app, claim.folder) for _, claim in owners)
        uses.append(Use(manifest, files, frozenset(name for name, _ in owners), apps))
    return uses


def place(uses: Sequence[Use], values: Mapping[str, Claims], bases: Mapping[str, Claims], own_name: str) -> Placed:
    """Where the files belong that only manifests name.

    A file of one environment is its values file, one of several is their base. ``own_name`` is the repository's.
    """
    known = {path for claims in (*values.values(), *bases.values()) for path in claims}
    placed = Placed()
    for path, users in _users_by_path(uses, known).items():
        environments = {name for use in users for name in use.environments or _told_by_words(use, path, values)}
        apps = {app for use in users for app in use.apps}
        folder = _application_folder(path, apps)
        if folder is not None and environments:
            claim = Claim(folder.rpartition("/")[2] or own_name, folder, 1)
            target = placed.values if len(environments) == 1 else placed.bases
        else:
            claim, target = Claim("", "", 0), placed.bases
            everyone = {each.app for name in environments for each in values.get(name, {}).values()}
            environments = environments if everyone == {app for app, _ in apps} else set()
        for name in environments:
            target[name][path] = claim
        if not environments:
            placed.unplaced[path] = users[0].manifest.file
    return placed


def _users_by_path(uses: Iterable[Use], known: Collection[str]) -> Mapping[str, list[Use]]:
    users: defaultdict[str, list[Use]] = defaultdict(list)
    for use in uses:
        for path in dict.fromkeys(path for group in use.files for path in group if path not in known):
            users[path].append(use)
    return dict(sorted(users.items()))


def _told_by_words(use: Use, path: str, values: Mapping[str, Claims]) -> set[str]:
    """The environment that the names of manifest and file speak of; none where they speak of several."""
    text = f"{use.manifest.application} {use.manifest.file} {path}"
    found = {name for name in {*USUAL_NAMES, *values} if has_word(name, text)}
    longest = {name for name in found if not any(name != other and has_word(name, other) for other in found)}
    return longest if len(longest) == 1 else set()


def has_word(word: str, text: str) -> bool:
    """Whether ``word`` stands in ``text`` with no letter or digit beside it."""
    return re.search(rf"(?<![A-Za-z0-9]){re.escape(word)}(?![A-Za-z0-9])", text) is not None


def _application_folder(path: str, apps: Collection[AppFolder]) -> str | None:
    """The folder of the application that ``path`` belongs to; None where it is outside of every application's."""
    parts = path.split("/")[:-1]
    if not apps:
        return "/".join(parts)
    for app, folder in sorted(apps):
        if folder and path.startswith(f"{folder}/"):
            return folder
        if app in parts:
            return "/".join(parts[: parts.index(app) + 1])
    return None


def in_manifests_order(patterns: Sequence[str], claims: Mapping[str, Claim], uses: Iterable[Use]) -> list[str]:
    """The ``patterns`` as they stand, moved only where a manifest reads their files in another order.

    ``claims`` are the files that they match, each with its pattern's position.
    """
    before: defaultdict[int, set[int]] = defaultdict(set)
    for first, second in _pairs(uses, claims):
        if first.isdisjoint(second):
            for later in second:
                before[later] |= first
    ordered: list[int] = []
    waiting = list(range(len(patterns)))
    while waiting:
        free = (number for number in waiting if before[number].isdisjoint(waiting))
        ordered.append(next(free, waiting[0]))  # manifests that contradict one another: as it stood
        waiting.remove(ordered[-1])
    return [patterns[number] for number in ordered]


def _pairs(uses: Iterable[Use], claims: Mapping[str, Claim]) -> Iterator[tuple[set[int], set[int]]]:
    for use in uses:
        positions = [{claims[path].position for path in group if path in claims} for group in use.files]
        known = [group for group in positions if group]
        yield from pairwise(known)
