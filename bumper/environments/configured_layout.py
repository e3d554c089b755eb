"""The files of environments by bumper.yaml's patterns."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from bumper.environments.applications import Identity
from bumper.environments.config_models import Config, EnvironmentConfig
from bumper.environments.joining import Application, group_applications, shared_wildcards, what_matched
from bumper.environments.path_pattern import ENV, ENVIRONMENT_NAME, Claim, PathPattern, claim_paths
from bumper.environments.usual_names import is_likely
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
        likely = [name for name in every if name in self._declared] or [name for name in every if is_likely(name)]
        if len(likely) == 1:
            return likely[0]
        raise Refused(
            f"{path} can be read as environment {' or '.join(sorted(likely or every))} by {self._pattern.text}",
            "name the right one below environments in bumper.yaml",
        )

    def _compile(self, name: str) -> re.Pattern[str]:
        return re.compile(self._pattern.translate(environment=re.escape(name)), re.DOTALL)


def _parts_of_names(path: str) -> dict[str, None]:
    """The folders of ``path``, its file's name, and what is between the hyphens, dots and underscores in them."""
    found: dict[str, None] = {}
    for segment in path.split("/"):
        places = [0, *(sign.end() for sign in _SEPARATOR.finditer(segment))]
        ends = [*(sign.start() for sign in _SEPARATOR.finditer(segment)), len(segment)]
        found.update((segment[start:end], None) for start in places for end in ends if start < end)
    return found


@dataclass(frozen=True)
class ConfiguredLayout:
    """The environments of bumper.yaml over the ``paths`` of a repository."""

    config: Config
    paths: Sequence[str]
    repository_name: str
    _claims: dict[str, dict[str, Claim]] = field(default_factory=dict, init=False, repr=False, compare=False)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The environments: those that ``{env}`` finds, and without it those that have an entry."""
        entries = self.config.environments
        known = entries if not self._finds else [name for name in entries if self._has_own(name) or name in self._found]
        return tuple(dict.fromkeys((*known, *self._found)))

    @property
    def _finds(self) -> bool:
        return any(ENV in pattern for pattern in self.config.values)

    @cached_property
    def _found(self) -> Mapping[str, Mapping[int, Sequence[str]]]:
        """The paths of the environments that ``{env}`` finds, by the position of the pattern that does.

        Files that an entry's own values or a base names are not among them.
        """
        entries = self.config.environments
        taken = {path for name in entries for path in self._matched(_filled(entries[name].values, name))}
        bases = [*self.config.base, *(pattern for entry in entries.values() for pattern in entry.base)]
        taken |= self._matched(pattern for pattern in bases if ENV not in pattern)
        left = [path for path in self.paths if path not in taken]
        found = find_environments(self.config.values, left, tuple(entries))
        return {name: places for name, places in found.items() if not self._has_own(name)}

    def _matched(self, patterns: Iterable[str]) -> set[str]:
        return set(claim_paths(patterns, self.paths, self.repository_name))

    def _has_own(self, environment: str) -> bool:
        entry = self.config.environments.get(environment)
        return entry is not None and bool(entry.values)

    def settings(self, environment: str) -> EnvironmentConfig:
        """The environment's rules, with the patterns that it takes from the top of bumper.yaml."""
        rules = self.config.environments.get(environment) or EnvironmentConfig()
        return rules.model_copy(
            update={
                "values": _filled(rules.values or self.config.values, environment),
                "base": _filled(rules.base or self.config.base, environment),
                "at": rules.at.replace(ENV, environment) if rules.at is not None else None,
            }
        )

    def claims(self, environment: str) -> Mapping[str, Claim]:
        """The environment's files."""
        if environment not in self._claims:
            self._claims[environment] = self._claim(environment)
        return self._claims[environment]

    def _claim(self, environment: str) -> dict[str, Claim]:
        patterns = self.settings(environment).values
        if self._has_own(environment) or not self._finds:
            return claim_paths(patterns, self.paths, self.repository_name)
        claims: dict[str, Claim] = {}
        for position, pattern in enumerate(patterns):
            paths = self._found.get(environment, {}).get(position, ())
            claims.update(claim_paths([pattern], paths, self.repository_name, position))
        return claims

    def idle_patterns(self, environment: str) -> list[str]:
        """The environment's patterns that match no file."""
        settings = self.settings(environment)
        patterns = dict.fromkeys((*settings.values, *settings.base))
        return [pattern for pattern in patterns if not claim_paths([pattern], self.paths, "")]

    def applications(self, environment: str) -> dict[Identity, Application]:
        """The files of each application, in Helm's order.

        Raises:
            Refused: a file may belong to several applications.

        """
        patterns = [PathPattern(text) for text in self.settings(environment).values]
        return group_applications(self.claims(environment), patterns)

    def may_be_bases(self, environment: str, files: Collection[str]) -> bool:
        """Whether a base pattern of the environment matches one of ``files``."""
        patterns = map(PathPattern, self.settings(environment).base)
        return any(pattern.expression.fullmatch(file) for pattern in patterns for file in files)

    def bases(self, environment: str, apps: Mapping[Identity, Application]) -> dict[Identity, list[str]]:
        """The bases of each application, lowest precedence first: in the list's order, then by path."""
        found: dict[Identity, list[str]] = {identity: [] for identity in apps}
        for base in map(PathPattern, self.settings(environment).base):
            matches = [match for path in self.paths if (match := base.expression.fullmatch(path)) is not None]
            bases = {match.string: base.claim(match, "", 0) for match in matches}
            for pattern in {app.pattern for app in apps.values()}:
                shared = shared_wildcards(base, pattern)
                by_key: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
                for path in sorted(bases):
                    by_key[tuple(what_matched(bases[path], here) for here, _ in shared)].append(path)
                for identity, app in apps.items():
                    if app.pattern == pattern:
                        found[identity] += by_key.get(tuple(what_matched(identity, there) for _, there in shared), ())
        return {identity: list(dict.fromkeys(paths)) for identity, paths in found.items()}


def _filled(patterns: Iterable[str], environment: str) -> tuple[str, ...]:
    return tuple(pattern.replace(ENV, environment) for pattern in patterns)
