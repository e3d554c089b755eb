"""Which files make an environment: by bumper.yaml's patterns, without them by the usual layouts."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from bumper.environments.applications import (
    AppFiles,
    Application,
    group_applications,
    index_of,
    name_applications,
    refuse_same_names,
)
from bumper.environments.config_models import Config, EnvironmentConfig
from bumper.environments.config_values import suggest
from bumper.environments.conventions import Conventions, read_conventions
from bumper.environments.path_pattern import (
    APP,
    ENV,
    ENVIRONMENT_NAME,
    Claim,
    Identity,
    PathPattern,
    are_apart,
    claim_paths,
    parse_section,
)
from bumper.environments.usual_names import is_likely, usual_order
from bumper.errors import Refused

_SEPARATOR = re.compile(r"[-_.]")


class HasNoFile(Refused):
    """An environment that no file is found for."""


@dataclass(frozen=True, slots=True)
class Environment:
    """An environment with its files, by application, and its settings."""

    name: str
    apps: tuple[AppFiles, ...]
    config: EnvironmentConfig
    known: tuple[str, ...] = ()  # the names of all environments

    @property
    def files(self) -> tuple[str, ...]:
        """Every file that has to be read, each once: the applications' bases and values."""
        return tuple(dict.fromkeys(path for app in self.apps for path in app.files))


class ConfiguredLayout:
    """The environments of bumper.yaml over the ``paths`` of a repository, each with its ``files``.

    With ``{env}`` in its values the environments are those that are found, without it those that have an entry. A path
    that can be several environments' is refused.
    """

    def __init__(self, config: Config, paths: Sequence[str], repository_name: str) -> None:
        self._config, self._paths = config, paths
        self.files: dict[str, dict[str, Claim]] = {}
        own = {name: _filled(entry.values, name) for name, entry in config.environments.items() if entry.values}
        finds = any(ENV in pattern for pattern in config.values)
        found = self._find(own) if finds else {}
        entries = [name for name in config.environments if not finds or name in own or name in found]
        for name in dict.fromkeys((*entries, *found)):
            self.files[name] = {}
            for position, pattern in enumerate(self.settings(name).values):
                matched = found[name].get(position, ()) if name in found else paths
                self.files[name] |= claim_paths([pattern], matched, repository_name, position)

    def _find(self, own: Mapping[str, Sequence[str]]) -> dict[str, Mapping[int, Sequence[str]]]:
        """The paths of the environments that ``{env}`` finds, by the position of the pattern that does.

        Files that an entry's ``own`` values or a base names are not among them.
        """
        entries = self._config.environments.values()
        named = (*own.values(), self._config.base, *(entry.base for entry in entries))
        taken = claim_paths([one for patterns in named for one in patterns if ENV not in one], self._paths, "")
        left = [path for path in self._paths if path not in taken]
        found = _find_environments(self._config.values, left, self._config.environments)
        return {name: places for name, places in found.items() if name not in own}

    def settings(self, environment: str) -> EnvironmentConfig:
        """The environment's rules, with the patterns that it takes from the top of bumper.yaml."""
        rules = self._config.rules_of(environment)
        return rules.model_copy(
            update={
                "values": _filled(rules.values or self._config.values, environment),
                "base": _filled(rules.base or self._config.base, environment),
                "at": rules.at.replace(ENV, environment) if rules.at is not None else None,
            }
        )

    def idle_patterns(self, environment: str) -> list[str]:
        """The environment's patterns that match no file."""
        settings = self.settings(environment)
        patterns = dict.fromkeys((*settings.values, *settings.base))
        return [pattern for pattern in patterns if not claim_paths([pattern], self._paths, "")]

    def applications(self, environment: str) -> dict[Identity, Application]:
        """The files of each application, in Helm's order."""
        patterns = [PathPattern(text) for text in self.settings(environment).values]
        return group_applications(self.files[environment], patterns)

    def may_read(self, environment: str, files: Collection[str]) -> bool:
        """Whether a pattern of the environment matches one of ``files``, of another environment's values."""
        settings = self.settings(environment)
        return bool(claim_paths([*settings.values, *settings.base], files, ""))

    def bases(self, environment: str, apps: Mapping[Identity, Application]) -> dict[Identity, list[str]]:
        """The bases of each application, lowest precedence first: in the list's order, then by path."""
        found: dict[Identity, dict[str, None]] = {identity: {} for identity in apps}
        for base in self.settings(environment).base:
            find_owners = index_of(apps, PathPattern(base))
            for path, claim in sorted(claim_paths([base], self._paths, "").items()):
                for identity in find_owners(claim.identity):
                    found[identity][path] = None
        return {identity: list(paths) for identity, paths in found.items()}


@dataclass(frozen=True)
class Layout:
    """The environments of a repository, in bumper.yaml's order, or from development to production."""

    environments: tuple[str, ...]
    source: ConfiguredLayout | Conventions
    _known: dict[str, Environment] = field(default_factory=dict, init=False, repr=False, compare=False)

    def environment(self, name: str) -> Environment:
        """The environment ``name`` with its files, put together once.

        It is refused if it has no file, shares one with another, or has two applications that cannot be told apart.
        """
        if name not in self._known:
            self._known[name] = self._environment(name)
        return self._known[name]

    def _environment(self, name: str) -> Environment:
        self._refuse_unknown(name)
        config = self.source.settings(name)
        self._refuse_no_files(name, config)
        self._refuse_shared_files(name, config)
        apps = self._applications[name]
        if isinstance(apps, Refused):
            raise apps
        bases = {
            identity: tuple(base for base in paths if base not in apps[identity].values)
            for identity, paths in self.source.bases(name, apps).items()
        }
        # What is only the base of others is no application: `envs/{env}/{app}.yaml` matches such files, too.
        based_on = {path for paths in bases.values() for path in paths}
        apps = {identity: app for identity, app in apps.items() if not based_on.issuperset(app.values)}
        refuse_same_names(name, self._names, apps)
        files: list[AppFiles] = []
        for identity, app in apps.items():
            # {app} in a section is the path's, or stays where the path names none.
            section = parse_section(config.at, identity.app if app.pattern.names_app else APP)
            files.append(AppFiles(self._names[identity], tuple(app.values), bases[identity], identity, section))
        return Environment(name, tuple(files), config, self.environments)

    def _refuse_unknown(self, name: str) -> None:
        if not self.environments:
            raise Refused(
                f"there is no environment {name!r}: no path here looks like an environment's values",
                "name the environments in bumper.yaml (bumper init writes one)",
            )
        if name not in self.environments:
            raise Refused(f"there is no environment {name!r}", suggest(name, self.environments))

    def _refuse_no_files(self, name: str, config: EnvironmentConfig) -> None:
        if not self.source.files[name]:
            raise HasNoFile(
                f"environment {name} has no file: nothing matches {', '.join(config.values)}",
                "correct its values in bumper.yaml",
            )

    def _refuse_shared_files(self, name: str, config: EnvironmentConfig) -> None:
        """A file, or a section of it, has one environment, else a bump of one would deploy to the other."""
        section = parse_section(config.at)
        for other in self.environments:
            shared = self.claimed(name) & self.claimed(other) if other != name else ()
            if shared and not are_apart(section, parse_section(self.source.settings(other).at)):
                both = sorted((name, other), key=self.environments.index)  # one sentence, whichever is opened
                raise Refused(
                    f"{min(shared)} belongs to two environments, {' and '.join(both)}",
                    "tell them apart by their values patterns in bumper.yaml, or by `at` where each has a section of "
                    "the file",
                )

    def claimed(self, name: str) -> frozenset[str]:
        """The values files of an environment, of one that is broken, too."""
        return frozenset(self.source.files[name])

    @cached_property
    def _applications(self) -> Mapping[str, Mapping[Identity, Application] | Refused]:
        """The applications of all environments; of those that are broken, what is wrong."""
        found: dict[str, Mapping[Identity, Application] | Refused] = {}
        for name in self.environments:
            try:
                found[name] = self.source.applications(name)
            except Refused as refusal:
                found[name] = refusal
        return found

    @cached_property
    def _names(self) -> Mapping[Identity, str]:
        apps = self._applications.items()
        return name_applications({name: known for name, known in apps if not isinstance(known, Refused)})


def read_layout(config: Config | None, paths: Iterable[str], repository_name: str) -> Layout:
    """The environments among all file ``paths`` of a tree.

    ``config`` is None without bumper.yaml. ``repository_name`` names an application that no folder names.
    """
    settings, paths = config or Config(), tuple(paths)
    entries = settings.environments
    excluded = claim_paths(settings.exclude, paths, "")
    left = tuple(path for path in paths if path not in excluded)
    source: ConfiguredLayout | Conventions
    if settings.values or any(entry.values for entry in entries.values()):
        source = ConfiguredLayout(settings, left, repository_name)
    else:
        source = read_conventions(left, repository_name, entries)
    found = source.files.keys()
    return Layout(tuple(filter(found.__contains__, entries) if found <= entries.keys() else usual_order(found)), source)


def _filled(patterns: Iterable[str], environment: str) -> tuple[str, ...]:
    return tuple(pattern.replace(ENV, environment) for pattern in patterns)


def _find_environments(
    patterns: Sequence[str], paths: Iterable[str], declared: Collection[str]
) -> dict[str, Mapping[int, Sequence[str]]]:
    """The paths of each environment by the position of the pattern that matches them.

    Beside ``prod.yaml``, ``prod.sops.yaml`` is no environment's file unless ``prod.sops`` is declared.
    """
    found: defaultdict[str, defaultdict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
    for position, pattern in enumerate(map(PathPattern, patterns)):
        for path in paths if ENV in pattern.text else ():
            name = _environment_of(path, pattern, declared)
            if name is not None:
                found[name][position].append(path)

    def is_variant(name: str) -> bool:
        return any(name[:end] in found for end, sign in enumerate(name) if sign == ".")

    return {name: places for name, places in found.items() if name in declared or not is_variant(name)}


def _environment_of(path: str, pattern: PathPattern, declared: Collection[str]) -> str | None:
    """The environment's name in ``path``, read from both ends: where these agree there is one way to read it.

    Otherwise one that is ``declared`` is preferred, then a usual name.
    """
    short = _expression(pattern, f"{ENVIRONMENT_NAME}?").fullmatch(path)
    long = _expression(pattern, ENVIRONMENT_NAME, lazy=True).fullmatch(path) if short is not None else None
    if short is None or long is None or long["env"] == short["env"]:
        return short["env"] if short is not None else None
    every = [name for name in _parts_of_names(path) if _expression(pattern, re.escape(name)).fullmatch(path)]
    likely = [name for name in every if name in declared] or [name for name in every if is_likely(name)]
    if len(likely) != 1:
        raise Refused(
            f"{path} can be read as environment {' or '.join(sorted(likely or every))} by {pattern.text}",
            "name the right one below environments in bumper.yaml",
        )
    return likely[0]


@lru_cache(maxsize=4096)  # thousands of paths are read by the same few
def _expression(pattern: PathPattern, environment: str, *, lazy: bool = False) -> re.Pattern[str]:
    return re.compile(pattern.translate(lazy=lazy, environment=environment), re.DOTALL)


def _parts_of_names(path: str) -> dict[str, None]:
    """The folders of ``path``, its file's name, and what is between the hyphens, dots and underscores in them."""
    found: dict[str, None] = {}
    for segment in path.split("/"):
        signs = list(_SEPARATOR.finditer(segment))
        starts, ends = [0, *(sign.end() for sign in signs)], [*(sign.start() for sign in signs), len(segment)]
        found.update((segment[start:end], None) for start in starts for end in ends if start < end)
    return found
