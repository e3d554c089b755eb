"""Which files make an environment: by bumper.yaml's patterns, without them by the usual layouts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from bumper.environments.applications import (
    AppFiles,
    Application,
    name_applications,
    refuse_same_names,
)
from bumper.environments.config_models import Config, EnvironmentConfig
from bumper.environments.config_values import suggest
from bumper.environments.configured_layout import ConfiguredLayout
from bumper.environments.conventions import Conventions, read_conventions
from bumper.environments.path_pattern import (
    APP,
    Identity,
    are_apart,
    claim_paths,
    parse_section,
)
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
        return tuple(dict.fromkeys(path for app in self.apps for path in app.files))


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
                f"There is no environment {name!r}: no path here looks like an environment's values",
                "name the environments in bumper.yaml (bumper init writes one)",
            )
        if name not in self.environments:
            raise Refused(f"There is no environment {name!r}", suggest(name, self.environments))

    def _refuse_no_files(self, name: str, config: EnvironmentConfig) -> None:
        if not self.source.files[name]:
            raise HasNoFile(
                f"Environment {name} has no file: nothing matches {', '.join(config.values)}",
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
