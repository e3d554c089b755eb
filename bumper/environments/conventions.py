"""Environments by the usual layouts, for a repository without bumper.yaml (the contract's list of them)."""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from bumper.environments.applications import Application
from bumper.environments.config_models import EnvironmentConfig
from bumper.environments.path_pattern import Identity, PathPattern
from bumper.environments.usual_names import CERTAIN_PARENTS, CHART_VALUES, USUAL_NAME, USUAL_NAMES, is_usual_with_place

_EXACT = re.compile("|".join(USUAL_NAMES))
_FOLDER = re.compile(USUAL_NAME)
_NAMED_FILE = re.compile(rf"(?:values[-.](?P<after>{USUAL_NAME})|(?P<before>{USUAL_NAME})-values)\.ya?ml")
_BARE_FILE = re.compile(rf"(?P<name>{USUAL_NAME})\.ya?ml")
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

    files: Mapping[str, frozenset[str]]  # of each environment
    _bases: Mapping[str, Sequence[str]]  # of each folder
    _repository_name: str
    rules: Mapping[str, EnvironmentConfig] = field(default_factory=dict)
    _claims: dict[str, Mapping[str, _Claim]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def settings(self, environment: str) -> EnvironmentConfig:
        """The environment's rules; where nobody wrote any, it takes merge requests only, as the contract has it."""
        values = tuple(pattern.format(environment) for pattern in _USUAL_PATTERNS)
        rules = self.rules.get(environment) or EnvironmentConfig(delivery="merge-request")
        return rules.model_copy(update={"values": values})

    def claims(self, environment: str) -> Mapping[str, _Claim]:
        """The environment's files."""
        if environment not in self._claims:
            self._claims[environment] = {path: self._claim(path, environment) for path in self.files[environment]}
        return self._claims[environment]

    def _claim(self, path: str, environment: str) -> _Claim:
        folder = _application_folder(path, environment)
        return _Claim(folder.rpartition("/")[2] or self._repository_name, folder, _position(path))

    def idle_patterns(self, environment: str) -> list[str]:  # noqa: ARG002 - as bumper.yaml's layouts have it
        """No pattern was written by anybody."""
        return []

    def applications(self, environment: str) -> dict[Identity, Application]:
        """The files of each application, in Helm's order.

        Two folders that only the environment's name tells apart keep it in their identities.
        """
        claims = self.claims(environment)
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
        """The bases of each application, lowest precedence first: the highest folder's, then by path."""
        claims = self.claims(environment)
        return {identity: self.bases_of(app.values, claims[app.values[0]].folder) for identity, app in apps.items()}

    def may_be_bases(self, environment: str, files: Iterable[str]) -> bool:
        """Whether one of ``files`` is called like a base, and a file of the environment is beside or below it."""
        folders = tuple(file[: file.rfind("/") + 1] for file in files if file.rpartition("/")[2] in CHART_VALUES)
        return any(path.startswith(folders) for path in self.files[environment])

    def bases_of(self, paths: Iterable[str], application_folder: str) -> list[str]:
        """The bases of an application's files, lowest precedence first.

        They are the values.yaml beside each file and in the folders above it, up to the application's.
        """
        folders = {folder for path in paths for folder in _folders_up_to(path, application_folder)}
        bases = [base for folder in folders for base in self._bases.get(folder, ())]
        return sorted(bases, key=lambda base: (base.count("/"), base))


@dataclass(frozen=True, slots=True)
class _Clues:
    """What speaks for environments in a path: their names, and those of folders that may mean an application.

    ``dev-portal`` and ``test-runner`` are named like an environment with a suffix: such a name is kept with its folder.
    """

    certain: tuple[str, ...] = ()
    doubtful: tuple[tuple[str, str], ...] = ()


_NO_CLUES = _Clues()


def read_conventions(
    paths: Iterable[str], repository_name: str, rules: Mapping[str, EnvironmentConfig] | None = None
) -> Conventions:
    """The environments that the usual layouts show in ``paths``; ``rules`` are what bumper.yaml says of them."""
    paths = tuple(paths)
    clues = _find_clues(paths)
    application_folders = _find_application_folders(clues)
    files: defaultdict[str, set[str]] = defaultdict(set)
    for path, found in clues.items():
        for name in found.certain:
            files[name].add(path)
        for name, folder in () if found.certain else found.doubtful:
            if folder not in application_folders and not _is_application(name, path):
                files[name].add(path)
    by_name = {name: frozenset(files[name]) for name in sorted(files)}
    bases: defaultdict[str, list[str]] = defaultdict(list)
    for path in paths:
        folder, _, name = path.rpartition("/")
        if name in CHART_VALUES:
            bases[folder].append(path)
    return Conventions(by_name, bases, repository_name, rules or {})


def _find_application_folders(clues: Mapping[str, _Clues]) -> set[str]:
    """The application folders of all files whose environment is certain, where some file's is not."""
    if not any(found.doubtful for found in clues.values()):
        return set()
    return {_application_folder(path, name) for path, found in clues.items() for name in found.certain}


def _is_application(name: str, path: str) -> bool:
    """Whether a folder is called like an environment with a suffix, but is an application: ``apps/test-runner``.

    What is left for the application's folder is one that holds applications then; a place makes an environment of it.
    """
    left = _application_folder(path, name).rpartition("/")[2]
    return left in _FOR_APPLICATIONS and not is_usual_with_place(name)


def _find_clues(paths: Sequence[str]) -> dict[str, _Clues]:
    """The clues of every path that has some."""
    charts = {
        path.removesuffix("Chart.yaml") + name for path in paths if path.endswith("Chart.yaml") for name in _OF_CHARTS
    }
    folders = _Folders(charts)
    clues: dict[str, _Clues] = {}
    for path in paths:
        folder, _, name = path.rpartition("/")
        if _may_have_values(name):
            of_folder = folders[folder]
            if of_folder is not None:
                found = of_folder if name.startswith("values") else _NO_CLUES
                named = None if name in CHART_VALUES else _named_after(folder, name)
                if named is not None:
                    found = replace(found, certain=(*found.certain, named))
                if found is not _NO_CLUES:
                    clues[path] = found
    return clues


class _Folders(dict[str, _Clues | None]):
    """What the folders of a path say, each looked at once; None where nothing below is deployed."""

    def __init__(self, charts: Collection[str]) -> None:
        super().__init__({"": _NO_CLUES})
        self._charts = charts
        self._same: dict[tuple[object, ...], _Clues] = {}  # thousands of applications have the same environments

    def __missing__(self, folder: str) -> _Clues | None:
        unknown = []
        while folder not in self:
            unknown.append(folder)
            folder = folder.rpartition("/")[0]
        found = self[folder]
        for below in reversed(unknown):
            found = self[below] = None if found is None else self._look(found, below)
        return found

    def _look(self, above: _Clues, folder: str) -> _Clues | None:
        parent, _, name = folder.rpartition("/")
        if name in _UNUSED or (name in _OF_CHARTS and folder in self._charts):
            return None
        if _FOLDER.fullmatch(name) is None:
            return above
        if not _EXACT.fullmatch(name) and parent.rpartition("/")[2] not in CERTAIN_PARENTS:
            return replace(above, doubtful=(*above.doubtful, (name, folder)))
        certain = (*above.certain, name)
        found = self._same.get((certain, above.doubtful))
        if found is None:
            found = self._same[certain, above.doubtful] = replace(above, certain=certain)
        return found


@lru_cache(maxsize=4096)  # the same few names end tens of thousands of paths
def _may_have_values(name: str) -> bool:
    if not name.endswith((".yaml", ".yml")):
        return False
    return name.startswith("values") or bool(_NAMED_FILE.fullmatch(name) or _BARE_FILE.fullmatch(name))


def _named_after(folder: str, name: str) -> str | None:
    """The environment that a file is named after."""
    if named := _NAMED_FILE.fullmatch(name):
        return named["after"] or named["before"]
    bare = _BARE_FILE.fullmatch(name)
    return bare["name"] if bare is not None and folder.rpartition("/")[2] in _PARENTS else None


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


def _position(path: str) -> int:
    """Helm's order in an application: values.yaml, then values-*.yaml, then what is named after the environment."""
    name = path.rpartition("/")[2]
    if name in CHART_VALUES:
        return 0
    return 2 if _NAMED_FILE.fullmatch(name) or _BARE_FILE.fullmatch(name) else 1
