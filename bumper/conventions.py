"""Environments by the usual layouts, for a repository without bumper.yaml (the contract's list of them)."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from bumper.config_models import EnvironmentConfig
from bumper.path_pattern import AppFolder, Claim

_NAMES = "dev|development|test|qa|uat|stage|staging|preprod|preview|prod|production"
_EXACT = re.compile(_NAMES)
# No dot in a suffix: values-prod.sops.yaml is no environment's values.
_NAME = rf"(?:{_NAMES})(?:[-_][A-Za-z0-9_-]+)?"
_FOLDER = re.compile(_NAME)
_NAMED_FILE = re.compile(rf"(?:values[-.](?P<after>{_NAME})|(?P<before>{_NAME})-values)\.ya?ml")
_BARE_FILE = re.compile(rf"(?P<name>{_NAME})\.ya?ml")
_ENVIRONMENT_PARENTS = frozenset({"envs", "environments"})
_PARENTS = _ENVIRONMENT_PARENTS | {"values"}
_BASE_NAMES = ("values.yaml", "values.yml")
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


@dataclass(frozen=True, slots=True)
class Conventions:
    """The environments that the usual layouts show in a repository's paths."""

    files: Mapping[str, frozenset[str]]  # of each environment
    _present: frozenset[str]
    _repository_name: str

    def config(self, environment: str) -> EnvironmentConfig:
        """The settings of an environment that nobody wrote down: merge requests only, as the contract has it."""
        values = tuple(pattern.format(environment) for pattern in _USUAL_PATTERNS)
        return EnvironmentConfig(values=values, delivery="merge-request")

    def claims(self, environment: str, among: Collection[str] | None = None) -> Mapping[str, Claim]:
        """The environment's files, all or those ``among`` some paths."""
        files = self.files[environment]
        return {
            path: self._claim(path, environment) for path in (files if among is None else files.intersection(among))
        }

    def _claim(self, path: str, environment: str) -> Claim:
        folder = _application_folder(path, environment)
        return Claim(folder.rpartition("/")[2] or self._repository_name, folder, _position(path))

    def bases(self, _environment: str, apps: Mapping[AppFolder, Sequence[str]]) -> dict[AppFolder, list[str]]:
        """The bases of each application, lowest precedence first: the highest folder's, then by path."""
        found = {key: {base for path in paths for base in self._bases_of(path, key[1])} for key, paths in apps.items()}
        return {key: sorted(bases, key=lambda base: (base.count("/"), base)) for key, bases in found.items()}

    def _bases_of(self, path: str, application_folder: str) -> Iterator[str]:
        """The values.yaml beside ``path`` and in the folders above it, up to the application's."""
        folder = path
        while folder != application_folder:
            folder = folder.rpartition("/")[0]
            for name in _BASE_NAMES:
                base = f"{folder}/{name}" if folder else name
                if base in self._present:
                    yield base


@dataclass(frozen=True, slots=True)
class _Clue:
    """Something in a path that speaks for an environment."""

    environment: str
    folder: str | None = None  # of a folder that is only named like an environment with a suffix: its path

    @property
    def is_weak(self) -> bool:
        """Whether an application may be meant: ``dev-portal``, ``test-runner``."""
        return self.folder is not None


def read_conventions(paths: Iterable[str], repository_name: str) -> Conventions:
    """The environments that the usual layouts show in ``paths``, in alphabetical order."""
    paths = tuple(paths)
    clues = _find_clues(paths)
    application_folders = _find_application_folders(clues)
    files: defaultdict[str, set[str]] = defaultdict(set)
    for path, found in clues.items():
        strong = [clue for clue in found if not clue.is_weak]
        for clue in strong or [clue for clue in found if clue.folder not in application_folders]:
            files[clue.environment].add(path)
    return Conventions({name: frozenset(files[name]) for name in sorted(files)}, frozenset(paths), repository_name)


def _find_application_folders(clues: Mapping[str, Sequence[_Clue]]) -> set[str]:
    """The application folders of all files whose environment is certain, where some file's is not."""
    if not any(clue.is_weak for found in clues.values() for clue in found):
        return set()
    certain = ((path, clue) for path, found in clues.items() for clue in found if not clue.is_weak)
    return {_application_folder(path, clue.environment) for path, clue in certain}


def _find_clues(paths: Iterable[str]) -> dict[str, Sequence[_Clue]]:
    """The clues of every path that has some; each folder is looked at once for all the files in it."""
    charts = {path.removesuffix("Chart.yaml") + "charts" for path in paths if path.endswith("Chart.yaml")}
    by_folder: dict[str, list[_Clue] | None] = {}
    clues: dict[str, Sequence[_Clue]] = {}
    for path in paths:
        folder, _, name = path.rpartition("/")
        if not name.endswith((".yaml", ".yml")):
            continue
        if folder not in by_folder:
            by_folder[folder] = _folder_clues(folder, charts)
        of_folder = by_folder[folder]
        if of_folder is not None:
            found = of_folder if name.startswith("values") else []
            if name not in _BASE_NAMES:
                found = [*found, *_name_clues(folder, name)]
            if found:
                clues[path] = found
    return clues


def _folder_clues(folder: str, charts: set[str]) -> list[_Clue] | None:
    """What the folders of a path say; None below templates/ and below a chart's own charts/."""
    clues: list[_Clue] = []
    parts = folder.split("/")
    for index, part in enumerate(parts):
        if part == "templates" or (part == "charts" and "/".join(parts[: index + 1]) in charts):
            return None
        if _is_environment(part):
            anchored = index > 0 and parts[index - 1] in _ENVIRONMENT_PARENTS
            certain = anchored or _EXACT.fullmatch(part)
            clues.append(_Clue(part, None if certain else "/".join(parts[: index + 1])))
    return clues


@lru_cache(maxsize=4096)  # the same few names stand in tens of thousands of paths
def _is_environment(name: str) -> bool:
    return _FOLDER.fullmatch(name) is not None


def _name_clues(folder: str, name: str) -> Iterator[_Clue]:
    if named := _NAMED_FILE.fullmatch(name):
        yield _Clue(named["after"] or named["before"])
    elif (bare := _BARE_FILE.fullmatch(name)) and folder.rpartition("/")[2] in _PARENTS:
        yield _Clue(bare["name"])


def _application_folder(path: str, environment: str) -> str:
    """The folder whose name is the application's, "" where none is left.

    The file name, the environment's folders and an ``envs``, ``environments`` or ``values`` right before one of
    them are taken away.
    """
    parts = path.split("/")
    last = len(parts) - 1
    for index in range(last - 1, -1, -1):
        part = parts[index]
        following = parts[index + 1]
        before_environment = following == environment or index + 1 == last
        if part != environment and not (part in _PARENTS and before_environment):
            return "/".join(parts[: index + 1])
    return ""


def _position(path: str) -> int:
    """Helm's order in an application: values.yaml, then values-*.yaml, then what is named after the environment."""
    name = path.rpartition("/")[2]
    if name in _BASE_NAMES:
        return 0
    return 2 if _NAMED_FILE.fullmatch(name) or _BARE_FILE.fullmatch(name) else 1
