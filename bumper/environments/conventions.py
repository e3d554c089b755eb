"""Environments by the usual layouts, for a repository without bumper.yaml (the contract's list of them)."""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from bumper.environments.applications import Application
from bumper.environments.config_models import EnvironmentConfig
from bumper.environments.path_pattern import Identity, PathPattern
from bumper.environments.usual_names import (
    CERTAIN_PARENTS,
    CHART_VALUES,
    USUAL_NAME,
    USUAL_NAMES,
    chart_folders,
    is_usual_with_place,
)

_FOLDER = re.compile(USUAL_NAME)
_NAMED_FILE = re.compile(rf"(?:values[-.](?P<after>{USUAL_NAME})|(?P<before>{USUAL_NAME})-values)\.ya?ml")
_BARE_FILE = re.compile(rf"{USUAL_NAME}\.ya?ml")
_NAMED = 2
_PARENTS = CERTAIN_PARENTS | {"values"}
_FOR_APPLICATIONS = frozenset({"applications", "apps", "charts", "components", "microservices", "projects", "services"})
_UNUSED = frozenset({"templates", "hack"})
_OF_CHARTS = ("charts", "ci")  # beside a Chart.yaml: what it depends on, and values for its tests
_FOLDERS, _NO_FOLDER = PathPattern("**/{app}/**"), PathPattern("**")
# What the expressions above amount to, in bumper.yaml's notation.
_USUAL_PATTERNS = (
    "**/envs/{}/**/values*.yaml",
    "**/environments/{}/**/values*.yaml",
    "**/{}/**/values*.yaml",
    "**/values-{}.yaml",
    "**/values.{}.yaml",
    "**/{}-values.yaml",
    "**/envs/{}.yaml",
    "**/environments/{}.yaml",
    "**/values/{}.yaml",
)


class _Claim(NamedTuple):
    """What a path says of its application: its name and its folder; and its place in Helm's order."""

    app: str
    folder: str
    position: int


@dataclass(frozen=True, slots=True)
class Conventions:
    """The environments that the usual layouts show in a repository's paths; ``rules`` are bumper.yaml's for them."""

    files: Mapping[str, Mapping[str, _Claim]]  # of each environment
    _bases: Mapping[str, Sequence[str]]  # of each folder
    rules: Mapping[str, EnvironmentConfig]

    def settings(self, environment: str) -> EnvironmentConfig:
        """The environment's rules; where nobody wrote any, it takes merge requests only, as the contract has it."""
        values = tuple(pattern.format(environment) for pattern in _USUAL_PATTERNS)
        rules = self.rules.get(environment) or EnvironmentConfig(delivery="merge-request")
        return rules.model_copy(update={"values": values})

    def idle_patterns(self, environment: str) -> list[str]:  # noqa: ARG002 - as bumper.yaml's layouts have it
        """No pattern was written by anybody."""
        return []

    def applications(self, environment: str) -> dict[Identity, Application]:
        """The files of each application, in Helm's order.

        Two folders that only the environment's name tells apart keep it in their identities.
        """
        claims = self.files[environment]
        folders = {
            claim.folder: Identity(claim.app, _folders_before(claim.folder.rpartition("/")[0], environment))
            for claim in claims.values()
        }
        counted = Counter(folders.values())
        apps: dict[Identity, Application] = {}
        for path in sorted(claims, key=lambda path: (claims[path].position, path)):
            folder = claims[path].folder
            identity = folders[folder]
            if counted[identity] > 1:
                identity = Identity(identity.app, tuple(folder.split("/")[:-1]))
            apps.setdefault(identity, Application(_FOLDERS if folder else _NO_FOLDER)).values.append(path)
        return dict(sorted(apps.items()))

    def bases(self, environment: str, apps: Mapping[Identity, Application]) -> dict[Identity, list[str]]:
        """The bases of each application, lowest precedence first: the highest folder's, then by path.

        They are the values.yaml beside each of its files and in the folders above it, up to the application's.
        """
        claims = self.files[environment]
        found: dict[Identity, list[str]] = {}
        for identity, app in apps.items():
            top = claims[app.values[0]].folder
            folders = {folder for path in app.values for folder in _folders_up_to(path, top)}
            bases = [base for folder in folders for base in self._bases.get(folder, ())]
            found[identity] = sorted(bases, key=lambda base: (base.count("/"), base))
        return found

    def may_read(self, environment: str, files: Iterable[str]) -> bool:
        """Whether one of ``files`` is called like a base, and a file of the environment is beside or below it."""
        folders = tuple(file[: file.rfind("/") + 1] for file in files if file.rpartition("/")[2] in CHART_VALUES)
        return any(path.startswith(folders) for path in self.files[environment])


def read_conventions(
    paths: Sequence[str], repository_name: str, rules: Mapping[str, EnvironmentConfig]
) -> Conventions:  # fmt: skip
    """The environments that the usual layouts show in ``paths``; ``rules`` are what bumper.yaml says of them."""
    charts = chart_folders(paths)
    claims: defaultdict[str, dict[str, _Claim]] = defaultdict(dict)
    bases: defaultdict[str, list[str]] = defaultdict(list)
    doubtful: list[tuple[str, str, str]] = []
    for path in paths:
        folder, _, file = path.rpartition("/")
        if file in CHART_VALUES:
            bases[folder].append(path)
        found = _find_names(path, charts) if _position(file) is not None else []
        certain = [name for name, doubtful_at in found if not doubtful_at]
        for name in certain:
            claims[name][path] = _claim(path, name, repository_name)
        if not certain:
            doubtful += [(path, *named) for named in found]
    application_folders = {claim.folder for of_name in claims.values() for claim in of_name.values()}
    for path, name, doubtful_at in doubtful:
        claim = _claim(path, name, repository_name)
        # apps/test-runner is an application that is called like an environment, apps/prod-eu is none
        among_applications = claim.folder.rpartition("/")[2] in _FOR_APPLICATIONS and not is_usual_with_place(name)
        if doubtful_at not in application_folders and not among_applications:
            claims[name][path] = claim
    return Conventions(dict(sorted(claims.items())), bases, rules)


def _find_names(path: str, charts: Collection[str]) -> list[tuple[str, str]]:
    """The names of environments in ``path``, each with its folder where that may mean an application instead, else "".

    ``dev-portal`` and ``test-runner`` are named like an environment with a suffix.
    """
    *folders, file = path.split("/")
    found = []
    parent = ""
    for number, name in enumerate(folders):
        if name in _UNUSED or (name in _OF_CHARTS and "/".join(folders[:number]) in charts):
            return []
        if name.startswith(USUAL_NAMES) and file.startswith("values") and _FOLDER.fullmatch(name):
            is_certain = name in USUAL_NAMES or parent in CERTAIN_PARENTS
            found.append((name, "" if is_certain else "/".join(folders[: number + 1])))
        parent = name
    if _position(file) == _NAMED:
        if named := _NAMED_FILE.fullmatch(file):
            found.append((named["after"] or named["before"], ""))
        elif parent in _PARENTS:
            found.append((file.rpartition(".")[0], ""))
    return found


def _claim(path: str, environment: str, repository_name: str) -> _Claim:
    folder = _application_folder(path, environment)
    position = _position(path.rpartition("/")[2])
    return _Claim(folder.rpartition("/")[2] or repository_name, folder, position or 0)


@lru_cache(maxsize=4096)  # the same few names end tens of thousands of paths
def _position(file: str) -> int | None:
    """The place in Helm's order by a file's name, None if it is none of values.

    That is values.yaml, then values-*.yaml, then what is named after the environment.
    """
    if _NAMED_FILE.fullmatch(file) or _BARE_FILE.fullmatch(file):
        return _NAMED
    if file in CHART_VALUES:
        return 0
    return 1 if file.startswith("values") and file.endswith((".yaml", ".yml")) else None


def _application_folder(path: str, environment: str) -> str:
    """The folder whose name is the application's, "" where none is left.

    The file name, the environment's folders and an ``envs``, ``environments`` or ``values`` right before one of
    them are taken away.
    """
    folder, _, following = path.rpartition("/")
    before_environment = True  # or before the file name
    while folder:
        above, _, part = folder.rpartition("/")
        if part != environment and not (part in _PARENTS and (before_environment or following == environment)):
            return folder
        folder, following, before_environment = above, part, False
    return ""


def _folders_up_to(path: str, last: str) -> Iterator[str]:
    """The folders above a file, up to the ``last``, which is one of them."""
    folder = path
    while folder != last:
        folder = folder.rpartition("/")[0]
        yield folder


@lru_cache(maxsize=1024)  # thousands of applications are in the same few folders
def _folders_before(parent: str, environment: str) -> tuple[str, ...]:
    """The folders above an application's, down to its ``parent``, without those that tell of the environment."""
    parts = parent.split("/") if parent else []
    return tuple(
        part
        for part, following in pairwise((*parts, ""))
        if part != environment and not (part in _PARENTS and following == environment)
    )
