"""Which files make an environment: by bumper.yaml's patterns, without them by the usual layouts."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bumper.environments.config_checks import suggest
from bumper.environments.config_models import Config, EnvironmentConfig
from bumper.environments.conventions import Conventions, read_conventions
from bumper.environments.path_pattern import AppFolder, Claim, claim_paths
from bumper.errors import Refused

_EVERY_APP = ""  # whose base a pattern without {app} finds; {app} itself never matches an empty name


@dataclass(frozen=True, slots=True)
class AppFiles:
    """An application's files in one environment."""

    app: str
    values: tuple[str, ...]  # in Helm's order: a later one wins
    bases: tuple[str, ...]  # of lower precedence, the lowest first; read, never written


@dataclass(frozen=True, slots=True)
class Environment:
    """An environment with its files, by application, and its settings."""

    name: str
    apps: tuple[AppFiles, ...]
    config: EnvironmentConfig

    @property
    def files(self) -> tuple[str, ...]:
        """Every file that has to be read, each once: the applications' bases and values."""
        return tuple(dict.fromkeys(path for app in self.apps for path in (*app.bases, *app.values)))


@dataclass(frozen=True, slots=True)
class _Patterns:
    """The environments of bumper.yaml over a repository's paths."""

    configs: Mapping[str, EnvironmentConfig]
    paths: Sequence[str]
    repository_name: str

    def config(self, environment: str) -> EnvironmentConfig:
        return self.configs[environment]

    def claims(self, environment: str, among: Collection[str] | None = None) -> Mapping[str, Claim]:
        paths = self.paths if among is None else among
        return claim_paths(self.configs[environment].values, paths, self.repository_name)

    def bases(self, environment: str, apps: Mapping[AppFolder, Sequence[str]]) -> dict[AppFolder, list[str]]:
        """The bases of each application, lowest precedence first: in the list's order, then by path."""
        by_app: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
        for path, claim in claim_paths(self.configs[environment].base, self.paths, _EVERY_APP).items():
            by_app[claim.app].append((claim.position, path))
        shared = by_app[_EVERY_APP]
        return {key: [path for _, path in sorted(by_app.get(key[0], []) + shared)] for key in apps}


@dataclass(frozen=True, slots=True)
class Layout:
    """The environments of a repository, in bumper.yaml's order, or by alphabet where it names none."""

    environments: tuple[str, ...]
    _source: _Patterns | Conventions
    _known: dict[str, Environment] = field(default_factory=dict, repr=False, compare=False)

    def environment(self, name: str) -> Environment:
        """The environment ``name`` with its files, put together once.

        Raises:
            Refused: there is no such environment, it has no file, or another one claims a file of it.

        """
        if name not in self._known:
            self._known[name] = self._environment(name)
        return self._known[name]

    def _environment(self, name: str) -> Environment:
        if name not in self.environments:
            raise Refused(self._explain_unknown(name))
        config = self._source.config(name)
        claims = self._source.claims(name)
        if not claims:
            patterns = ", ".join(config.values)
            raise Refused(
                f"Environment {name} has no file: nothing matches {patterns}",
                "correct its values in bumper.yaml",
            )
        self._refuse_shared(name, claims)
        values = _group(claims)
        bases = self._source.bases(name, values)
        apps = tuple(
            AppFiles(key[0], tuple(paths), tuple(base for base in bases[key] if base not in paths))
            for key, paths in values.items()
        )
        return Environment(name, apps, config)

    def _explain_unknown(self, name: str) -> str:
        if not self.environments:
            return (
                f"There is no environment {name!r}: no path here looks like an environment's values; "
                "name the environments in bumper.yaml (bumper init writes one)."
            )
        return f"There is no environment {name!r}; {suggest(name, self.environments)}."

    def _refuse_shared(self, name: str, claims: Mapping[str, Claim]) -> None:
        """A file has one environment, else a bump of one would deploy to the other."""
        for other in self.environments:
            shared = self._source.claims(other, among=claims.keys()) if other != name else {}
            if shared:
                raise Refused(
                    f"{min(shared)} belongs to two environments, {name} and {other}; "
                    "tell them apart by their values patterns in bumper.yaml."
                )


def read_layout(config: Config | None, paths: Iterable[str], repository_name: str) -> Layout:
    """The environments among all file ``paths`` of a tree.

    ``config`` is None without bumper.yaml. ``repository_name`` names an application that no folder names.
    """
    if config is None or not config.environments:
        found = read_conventions(paths, repository_name)
        return Layout(tuple(found.files), found)
    return Layout(tuple(config.environments), _Patterns(config.environments, tuple(paths), repository_name))


def _group(claims: Mapping[str, Claim]) -> dict[AppFolder, list[str]]:
    """The files of each application in Helm's order; applications by name, of the same name by folder."""
    groups: defaultdict[AppFolder, list[str]] = defaultdict(list)
    for path in sorted(claims, key=lambda path: (claims[path].position, path)):
        groups[claims[path].app, claims[path].folder].append(path)
    return dict(sorted(groups.items()))
