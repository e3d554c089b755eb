"""Which files make an environment: by bumper.yaml's patterns, without them by the usual layouts."""

import contextlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from bumper.environments.applications import AppFiles, Identity, name_applications, refuse_same_names
from bumper.environments.config_models import Config, EnvironmentConfig
from bumper.environments.config_values import suggest
from bumper.environments.configured_layout import ConfiguredLayout
from bumper.environments.conventions import read_conventions
from bumper.environments.joining import Application
from bumper.environments.path_pattern import APP, Claim, PathPattern, are_apart, parse_section
from bumper.environments.usual_names import usual_order
from bumper.errors import Refused


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
        return tuple(dict.fromkeys(path for app in self.apps for path in (*app.bases, *app.values)))


class _Source(Protocol):
    """Where environments come from: bumper.yaml's patterns, or the usual layouts."""

    @property
    def names(self) -> tuple[str, ...]:
        """The environments, in the order in which they were written or found."""

    def settings(self, environment: str) -> EnvironmentConfig: ...

    def claims(self, environment: str) -> Mapping[str, Claim]: ...

    def idle_patterns(self, environment: str) -> list[str]: ...

    def applications(self, environment: str) -> dict[Identity, Application]: ...

    def bases(self, environment: str, apps: Mapping[Identity, Application]) -> dict[Identity, list[str]]: ...

    def may_be_bases(self, environment: str, files: Collection[str]) -> bool: ...


@dataclass(frozen=True, slots=True)
class Layout:
    """The environments of a repository, in bumper.yaml's order, or from development to production."""

    environments: tuple[str, ...]
    _source: _Source
    _known: dict[str, Environment] = field(default_factory=dict, repr=False, compare=False)
    _apps: dict[str, dict[Identity, Application]] = field(default_factory=dict, repr=False, compare=False)
    _names: dict[Identity, str] = field(default_factory=dict, repr=False, compare=False)

    def environment(self, name: str) -> Environment:
        """The environment ``name`` with its files, put together once.

        Raises:
            Refused: there is no such environment, it has no file, another one claims a file of it, or two of its
                applications cannot be told apart.

        """
        if name not in self._known:
            self._known[name] = self._environment(name)
        return self._known[name]

    def _environment(self, name: str) -> Environment:
        if name not in self.environments:
            raise Refused(self._explain_unknown(name))
        config = self._source.settings(name)
        claims = self._source.claims(name)
        if not claims:
            raise HasNoFile(
                f"Environment {name} has no file: nothing matches {', '.join(config.values)}",
                "correct its values in bumper.yaml",
            )
        self._refuse_shared(name, config, claims)
        apps = self._applications(name)
        bases = self._bases(name, apps)
        based_on = {path for paths in bases.values() for path in paths}
        # What is only the base of others is no application: `envs/{env}/{app}.yaml` matches such files, too.
        apps = {identity: app for identity, app in apps.items() if not based_on.issuperset(app.values)}
        names = self._name_all()
        refuse_same_names(name, names, apps)
        return Environment(
            name,
            tuple(
                AppFiles(
                    names[identity],
                    tuple(app.values),
                    bases[identity],
                    identity,
                    # {app} is the path's, or stays where the path names none.
                    parse_section(config.at, identity.app if app.pattern.names_app else APP),
                )
                for identity, app in apps.items()
            ),
            config,
            self.environments,
        )

    def claimed(self, name: str) -> frozenset[str]:
        """The values files of an environment, of one that is broken, too."""
        return frozenset(self._source.claims(name))

    def patterns(self, name: str) -> tuple[str, ...]:
        """The patterns of an environment's values and of the shared ones below them."""
        settings = self._source.settings(name)
        return (*settings.values, *settings.base)

    def idle_patterns(self, name: str) -> list[str]:
        """The patterns of an environment in bumper.yaml that match no file."""
        return self._source.idle_patterns(name)

    def may_be_bases(self, name: str, files: Collection[str]) -> bool:
        """Whether one of ``files`` may be a base in the environment, which need not be put together for that."""
        return self._source.may_be_bases(name, files)

    def heirs(self, name: str) -> dict[str, str]:
        """The environment's values files that are another one's bases, each with that other environment.

        Raises:
            Refused: one of the environments is broken.

        """
        own = {path for app in self.environment(name).apps for path in app.values}
        others = (self.environment(other) for other in self.environments if other != name)
        return {base: other.name for other in others for app in other.apps for base in app.bases if base in own}

    def _bases(self, name: str, apps: Mapping[Identity, Application]) -> dict[Identity, tuple[str, ...]]:
        """The bases of each application, without those that are its own values."""
        found = self._source.bases(name, apps)
        return {
            identity: tuple(base for base in found[identity] if base not in app.values)
            for identity, app in apps.items()
        }

    def _applications(self, name: str) -> dict[Identity, Application]:
        if name not in self._apps:
            self._apps[name] = self._source.applications(name)
        return self._apps[name]

    def _name_all(self) -> Mapping[Identity, str]:
        """The names of the applications of all environments, those that are broken left out."""
        if not self._names:
            known: dict[str, dict[Identity, Application]] = {}
            for name in self.environments:
                with contextlib.suppress(Refused):
                    known[name] = self._applications(name)
            self._names.update(name_applications(known))
        return self._names

    def _explain_unknown(self, name: str) -> str:
        if not self.environments:
            return (
                f"There is no environment {name!r}: no path here looks like an environment's values; "
                "name the environments in bumper.yaml (bumper init writes one)."
            )
        return f"There is no environment {name!r}; {suggest(name, self.environments)}."

    def _refuse_shared(self, name: str, config: EnvironmentConfig, claims: Mapping[str, Claim]) -> None:
        """A file, or a section of it, has one environment, else a bump of one would deploy to the other."""
        section = parse_section(config.at)
        for other in self.environments:
            shared = claims.keys() & self._source.claims(other).keys() if other != name else ()
            if shared and not are_apart(section, parse_section(self._source.settings(other).at)):
                both = sorted((name, other), key=self.environments.index)  # one sentence, whichever is opened
                raise Refused(
                    f"{min(shared)} belongs to two environments, {' and '.join(both)}",
                    "tell them apart by their values patterns in bumper.yaml, or by `at` where each has a section of "
                    "the file",
                )


def read_layout(config: Config | None, paths: Iterable[str], repository_name: str) -> Layout:
    """The environments among all file ``paths`` of a tree.

    ``config`` is None without bumper.yaml. ``repository_name`` names an application that no folder names.

    Raises:
        Refused: a path may be several environments'.

    """
    settings = config or Config()
    left = _without(settings.exclude, paths)
    source: _Source = ConfiguredLayout(settings, left, repository_name)
    if not settings.values and not any(entry.values for entry in settings.environments.values()):
        source = read_conventions(left, repository_name, settings.environments)
    return Layout(_ordered(settings, source.names), source)


def _ordered(config: Config, names: Iterable[str]) -> tuple[str, ...]:
    """The environments in bumper.yaml's order if it has them all, else in the usual one, from dev to prod."""
    found = set(names)
    return tuple(
        filter(found.__contains__, config.environments) if found <= {*config.environments} else usual_order(found)
    )


def _without(patterns: Iterable[str], paths: Iterable[str]) -> tuple[str, ...]:
    """The paths that no pattern of ``exclude`` matches."""
    left = tuple(paths)
    for pattern in patterns:
        is_excluded = PathPattern(pattern).expression.fullmatch
        left = tuple(path for path in left if not is_excluded(path))
    return left
