"""``bumper init``: look through a GitOps repository and write its bumper.yaml."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from bumper.environments.config import SCHEMA_FILE, schema_text
from bumper.environments.config_models import CONFIG_FILE
from bumper.environments.config_values import check_environment, check_path_pattern
from bumper.environments.discovery.init_text import Tried, printable, some, try_out, write_skeleton
from bumper.environments.discovery.manifests import read_manifests
from bumper.environments.discovery.patterns import in_environment
from bumper.environments.discovery.survey import Survey, survey
from bumper.environments.discovery.tree import Tree
from bumper.environments.effective import find_overrides
from bumper.environments.gather import pin_paths
from bumper.errors import Refused, WrongUsage
from bumper.files import write_text
from bumper.git.checkout import read_files
from bumper.git.clone import clone
from bumper.git.local_tree import create_file, read_bytes, read_tree
from bumper.settings import Settings

_MAX_FILES = 10  # with tags, in a sentence


@dataclass(frozen=True, slots=True)
class InitRequest:
    """What is asked for: the checkout that ``place`` is in, unless settings name a repository.

    ``environments`` are patterns by environment, from who knows the repository.
    """

    place: Path
    dry_run: bool
    environments: Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class InitializedEnvironment:
    """An environment as bumper finds it with the bumper.yaml that was written."""

    name: str
    applications: int
    files: int
    bases: int
    pins: int
    patterns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Initialized:
    """The configuration as text and as data, and what bumper finds with it; ``written`` is None for a dry run.

    Where no environment was found, ``text`` is a skeleton to fill in and ``nothing`` says so.
    """

    text: str
    config: Mapping[str, Any]
    environments: tuple[InitializedEnvironment, ...]
    warnings: tuple[str, ...]
    nothing: Refused | None = None
    written: Path | None = None


def read_environments(texts: Iterable[str]) -> dict[str, list[str]]:
    """The patterns by environment of texts like ``prod=apps/{app}/prod/values.yaml``.

    Raises:
        WrongUsage: one is of another form, or names what bumper.yaml would not take.

    """
    found: dict[str, list[str]] = {}
    for text in texts:
        name, _, pattern = text.partition("=")
        try:
            check_environment(name)
            check_path_pattern(pattern.replace("{env}", name))
        except ValueError as error:
            what = f"--environment: {error}" if pattern else f"--environment {text!r} has no pattern"
            raise WrongUsage(what, "write NAME=PATTERN, like 'prod=apps/{app}/prod/values.yaml'") from error
        found.setdefault(name, []).append(pattern)
    return found


def init(request: InitRequest, settings: Settings | None, environ: Mapping[str, str]) -> Initialized:
    """Look through the repository and write bumper.yaml: at its root, for a clone in the working directory.

    Raises:
        Refused: there is a bumper.yaml already, or a pattern that a person gave matches nothing.
        Unavailable: the repository could not be cloned.

    """
    if settings is None:
        local = read_tree(request.place, environ)
        target = local.root / CONFIG_FILE
        _refuse_existing(target)
        tree = Tree.read(local.files, partial(read_bytes, local))
        made = _look_through(request, tree, local.name, str(local.root))
    else:
        target = Path(CONFIG_FILE)
        _refuse_existing(target)
        with clone(settings, environ) as checkout:
            if CONFIG_FILE in checkout.entries:
                raise _exists(f"{settings.address.url}/{CONFIG_FILE}")
            tree = Tree.read(checkout.files, partial(read_files, checkout))
            made = _look_through(request, tree, settings.address.name, settings.address.url)
    if request.dry_run or made.nothing is not None:
        return made
    create_file(target, made.text.encode())
    write_text(target.with_name(SCHEMA_FILE), schema_text(), "")
    return replace(made, written=target)


def _refuse_existing(target: Path) -> None:
    if target.is_symlink() or target.exists():
        raise _exists(str(target))


def _exists(name: str) -> Refused:
    return Refused(f"{name} exists already and is never overwritten", "edit it, or move it away first")


def _look_through(request: InitRequest, tree: Tree, name: str, place: str) -> Initialized:
    """What the files of the repository ``name`` at ``place``, its folder or URL, show."""
    manifests = read_manifests(tree.sources)
    found = survey(tree, manifests, name, request.environments)
    _refuse_unmatched(request, found)
    tried = try_out(found, tree, name) if found.environments else None
    if tried is None or not tried.gathered:
        found = tried.survey if tried is not None else found
        return Initialized(write_skeleton(found), {}, (), _warnings(found), _nothing_found(tree, place, found))
    overrides = find_overrides(manifests, pin_paths(tried.gathered.values()))
    return Initialized(
        text=tried.text,
        config=tried.config.model_dump(mode="json", exclude_unset=True),
        environments=tuple(_environments(tried)),
        warnings=(*_warnings(tried.survey), *_without_tags(tried), *map(str, overrides)),
    )


def _refuse_unmatched(request: InitRequest, found: Survey) -> None:
    known = {one.name for one in found.environments}
    for name, patterns in request.environments.items():
        if name not in known:
            files = ", ".join(printable(path) for path in list(found.stray)[:_MAX_FILES])
            raise Refused(
                f"--environment {name}: no file matches {' or '.join(patterns)}",
                f"correct the pattern{f'; files that hold tags are {files}' if files else ''}",
            )


def _environments(tried: Tried) -> Iterable[InitializedEnvironment]:
    for one in tried.survey.environments:
        gathered, files = tried.gathered[one.name], tried.files(one.name)
        yield InitializedEnvironment(
            name=one.name,
            applications=len(gathered.apps),
            files=len(files),
            bases=len(gathered.values.keys() - files),
            pins=sum(found.pin.refusal is None and found.pin.repository is not None for found in gathered.pins),
            patterns=tuple(in_environment(pattern, one.name) for pattern in one.values),
        )


def _warnings(found: Survey) -> tuple[str, ...]:
    doubtful = (f"{one.name} may be an environment and is written as a comment: {one.reason}" for one in found.doubtful)
    return tuple(f"{text.rstrip('.')}." for text in some([*doubtful, *found.warnings]))


def _without_tags(tried: Tried) -> Iterable[str]:
    for name, gathered in tried.gathered.items():
        if not gathered.pins:
            base = "; those in its base files are never written" if gathered.shared else ""
            yield f"no file of {name} holds a tag{base}."


def _nothing_found(tree: Tree, place: str, found: Survey) -> Refused:
    if not tree.paths:
        return Refused(f"{place}: git tracks no file here", "git add the GitOps repository's files first")
    count = len(found.stray)
    files = "1 file holds" if count == 1 else f"{count or 'no'} files hold"
    return Refused(
        f"{place}: nothing here looks like an environment ({files} tags)",
        f"fill in the skeleton that bumper init prints and save it as {CONFIG_FILE}, or name the environments with "
        "--environment NAME=PATTERN",
    )
