"""The environments that ``{env}`` in bumper.yaml's patterns finds among a repository's paths. Pure."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache

from bumper.environments.environment_names import is_usual, is_usual_with_place
from bumper.environments.path_pattern import ENV, ENVIRONMENT_NAME, PathPattern
from bumper.errors import Refused

_SEPARATOR = re.compile(r"[-_.]")


def find_environments(
    patterns: Sequence[str], paths: Iterable[str], declared: Sequence[str]
) -> dict[str, dict[int, list[str]]]:
    """The paths of each environment by the position of the pattern that matches them.

    Where a path can be read in several ways, an environment that is ``declared`` is preferred, then a usual name.
    Beside ``prod.yaml``, ``prod.sops.yaml`` is no environment's file unless ``prod.sops`` is declared.

    Raises:
        Refused: a path can still be read in several ways.

    """
    paths = tuple(paths)
    found: defaultdict[str, defaultdict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
    for position, text in enumerate(patterns):
        if ENV in text:
            reader = _Reader(PathPattern(text), declared)
            for path in paths:
                name = reader.environment_of(path)
                if name is not None:
                    found[name][position].append(path)
    return {name: dict(places) for name, places in found.items() if name in declared or not _is_variant(name, found)}


def _is_variant(name: str, found: Collection[str]) -> bool:
    """Whether the name is another environment's, followed by what its file is for."""
    ends = (number for number, sign in enumerate(name) if sign == ".")
    return any(name[:end] in found for end in ends)


class _Reader:
    """Reads the environment's name out of paths, from both ends: where these agree there is one way to read a path."""

    def __init__(self, pattern: PathPattern, declared: Sequence[str]) -> None:
        self._pattern = pattern
        self._declared = declared
        self._short = re.compile(pattern.translate(environment=f"{ENVIRONMENT_NAME}?"), re.DOTALL)
        self._long = re.compile(pattern.translate(lazy=True, environment=ENVIRONMENT_NAME), re.DOTALL)
        self._with_name = lru_cache(maxsize=None)(self._compile)

    def environment_of(self, path: str) -> str | None:
        short = self._short.fullmatch(path)
        if short is None:
            return None
        longest = self._long.fullmatch(path)
        if longest is None or longest["env"] == short["env"]:
            return short["env"]
        every = [name for name in _parts_of_names(path) if self._with_name(name).fullmatch(path)]
        likely = [name for name in every if name in self._declared] or [name for name in every if _is_likely(name)]
        if len(likely) == 1:
            return likely[0]
        raise Refused(
            f"{path} can be read as environment {' or '.join(sorted(likely or every))} by {self._pattern.text}",
            "name the right one below environments in bumper.yaml",
        )

    def _compile(self, name: str) -> re.Pattern[str]:
        return re.compile(self._pattern.translate(environment=re.escape(name)), re.DOTALL)


def _is_likely(name: str) -> bool:
    return is_usual(name) or is_usual_with_place(name)


def _parts_of_names(path: str) -> dict[str, None]:
    """The folders of ``path``, its file's name, and what is between the hyphens, dots and underscores in them."""
    found: dict[str, None] = {}
    for segment in path.split("/"):
        places = [0, *(sign.end() for sign in _SEPARATOR.finditer(segment))]
        ends = [*(sign.start() for sign in _SEPARATOR.finditer(segment)), len(segment)]
        found.update((segment[start:end], None) for start in places for end in ends if start < end)
    return found
