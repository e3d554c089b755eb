"""The environments that ``{env}`` in bumper.yaml's patterns finds among a repository's paths. Pure."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

from bumper.environments.environment_names import USUAL_NAME
from bumper.environments.path_pattern import ENV, ENVIRONMENT_NAME, PathPattern
from bumper.errors import Refused


def find_environments(
    patterns: Sequence[str], paths: Iterable[str], declared: Sequence[str]
) -> dict[str, dict[int, list[str]]]:
    """The paths of each environment by the position of the pattern that matches them.

    Where a path can be read in several ways, an environment that is ``declared`` is preferred, then a usual name.

    Raises:
        Refused: a path can still be read in several ways.

    """
    paths = tuple(paths)
    found: defaultdict[str, defaultdict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
    for position, text in enumerate(patterns):
        if ENV in text:
            readings = [_Reading(PathPattern(text), names) for names in _alternatives(declared)]
            for path in paths:
                name = _environment_of(path, readings)
                if name is not None:
                    found[name][position].append(path)
    return {name: dict(places) for name, places in found.items()}


def _alternatives(declared: Sequence[str]) -> list[tuple[str, str]]:
    """What ``{env}`` may be, each with the shortest and with the longest match preferred."""
    names = sorted(map(re.escape, declared), key=len)
    known = [("|".join(names), "|".join(reversed(names)))] if names else []
    return [(f"{ENVIRONMENT_NAME}?", ENVIRONMENT_NAME), *known, (f"{USUAL_NAME}?", USUAL_NAME)]


class _Reading:
    """A pattern with some choice of names, read from both ends: where these agree there is one way to read a path."""

    def __init__(self, pattern: PathPattern, names: tuple[str, str]) -> None:
        self.pattern = pattern
        self._short = re.compile(pattern.translate(environment=names[0]), re.DOTALL)
        self._long = re.compile(pattern.translate(lazy=True, environment=names[1]), re.DOTALL)

    def names_in(self, path: str) -> set[str]:
        short = self._short.fullmatch(path)
        if short is None:
            return set()
        longer = self._long.fullmatch(path)
        return {short["env"], longer["env"]} if longer is not None else {short["env"]}


def _environment_of(path: str, readings: Sequence[_Reading]) -> str | None:
    every = readings[0].names_in(path)
    if len(every) <= 1:
        return next(iter(every), None)
    for reading in readings[1:]:
        names = reading.names_in(path)
        if len(names) == 1:
            return names.pop()
    raise Refused(
        f"{path} can be read as environment {' or '.join(sorted(every))} by {readings[0].pattern.text}",
        "name the right one below environments in bumper.yaml",
    )
