"""From the files of an environment to the few patterns, as bumper.yaml has them, that match these files alone. Pure."""

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from bumper.environments.path_pattern import APP, Claim

_FEW = 3  # as many folders side by side are worth a star
_FURTHER_VALUES = re.compile(r"values-.+(?P<ending>\.ya?ml)", re.DOTALL)

Fits: TypeAlias = Callable[[str], bool]  # whether a pattern matches nothing but what it may
_Groups: TypeAlias = dict[str, set[str]]  # the paths that each pattern was made from


@dataclass(frozen=True, slots=True)
class Patterns:
    """Patterns in Helm's order; ``nameless`` are the paths whose application no pattern can name."""

    patterns: tuple[str, ...]
    nameless: tuple[str, ...]


def find_patterns(claims: Mapping[str, Claim], fits: Fits) -> Patterns:
    """The patterns for the files of ``claims``.

    A pattern that does not fit is replaced by the paths themselves; those are then of no application's folder.
    """
    by_position: defaultdict[int, _Groups] = defaultdict(dict)
    for path, claim in claims.items():
        by_position[claim.position].setdefault(_template(path, claim.folder), set()).add(path)
    patterns: list[str] = []
    nameless: list[str] = []
    for position in sorted(by_position):
        groups = _star_names(_star_folders(by_position[position], fits), fits)
        unfit = sorted(path for pattern, made in groups.items() if not fits(pattern) for path in made)
        patterns += sorted(pattern for pattern, made in groups.items() if made.isdisjoint(unfit))
        patterns += map(literal, unfit)
        nameless += [path for path in unfit if claims[path].folder]
    return Patterns(tuple(dict.fromkeys(patterns)), tuple(nameless))


def literal(path: str) -> str:
    """The pattern of one path; a sign with a meaning in patterns, or that no text may hold, becomes ``?``."""
    text = "".join(sign if sign.isprintable() and sign not in "*?[{" else "?" for sign in path)
    return f"?{text[1:]}" if text.startswith(" ") else text


def _template(path: str, folder: str) -> str:
    """The path with ``{app}`` in the place of the application's folder."""
    parts = literal(path).split("/")
    if folder:
        parts[folder.count("/")] = APP
    return "/".join(parts)


def _star_folders(groups: _Groups, fits: Fits) -> _Groups:
    """Patterns that differ in one folder only become one with a star, where many do and it fits."""
    deepest = max(pattern.count("/") for pattern in groups)
    for depth in range(deepest):
        alike: defaultdict[str, list[str]] = defaultdict(list)
        for pattern in groups:
            parts = pattern.split("/")
            if depth < len(parts) - 1 and APP in parts and parts[depth] != APP:
                alike["/".join([*parts[:depth], "*", *parts[depth + 1 :]])].append(pattern)
        groups = _merge(groups, {star: made for star, made in alike.items() if len(made) >= _FEW and fits(star)})
    return groups


def _star_names(groups: _Groups, fits: Fits) -> _Groups:
    """Several values-*.yaml beside one another become one pattern, where it fits."""
    alike: defaultdict[str, list[str]] = defaultdict(list)
    for pattern in groups:
        folder, slash, name = pattern.rpartition("/")
        further = _FURTHER_VALUES.fullmatch(name)
        if further is not None:
            alike[f"{folder}{slash}values-*{further['ending']}"].append(pattern)
    return _merge(groups, {star: made for star, made in alike.items() if len(made) > 1 and fits(star)})


def _merge(groups: _Groups, stars: Mapping[str, Iterable[str]]) -> _Groups:
    merged = dict(groups)
    for star, patterns in stars.items():
        made: Collection[str] = [pattern for pattern in patterns if pattern in merged]
        merged[star] = set().union(*(merged.pop(pattern) for pattern in made), merged.get(star, set()))
    return merged
