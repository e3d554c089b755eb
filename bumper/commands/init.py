"""``bumper init``: look through a GitOps repository and write its bumper.yaml."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from bumper.environments.config import SCHEMA_FILE, parse_config, schema_text
from bumper.environments.config_models import CONFIG_FILE, Config
from bumper.environments.conventions import read_conventions
from bumper.environments.discovery.init_text import printable, some, write_config
from bumper.environments.discovery.manifests import may_hold_manifests, read_manifests
from bumper.environments.gather import gather, pin_paths
from bumper.environments.layout import read_layout
from bumper.environments.overrides import find_overrides
from bumper.environments.survey import FoundEnvironment, Survey, survey
from bumper.errors import Refused
from bumper.files import write_text
from bumper.git.checkout import read_files
from bumper.git.clone import clone
from bumper.git.local_tree import create_file, read_bytes, read_tree
from bumper.settings import Settings
from bumper.values.pin_path import PinPath


@dataclass(frozen=True, slots=True)
class InitRequest:
    """What is asked for: the folder ``place``, unless settings name a repository."""

    place: Path
    dry_run: bool


@dataclass(frozen=True, slots=True)
class Initialized:
    """The configuration as text and as data, and what it was made from; ``written`` is None for a dry run."""

    text: str
    config: Mapping[str, Any]
    environments: tuple[FoundEnvironment, ...]
    warnings: tuple[str, ...]
    written: Path | None = None


@dataclass(frozen=True, slots=True)
class _Tree:
    """A repository, on this machine or cloned."""

    name: str
    place: str
    paths: Sequence[str]
    read: Callable[[Iterable[str]], Mapping[str, bytes]]


def init(request: InitRequest, settings: Settings | None, environ: Mapping[str, str]) -> Initialized:
    """Look through the repository and write bumper.yaml: at its root, for a clone in the working directory.

    Raises:
        Refused: there is a bumper.yaml, or nothing that looks like an environment.
        Unavailable: the repository could not be cloned.

    """
    if settings is not None:
        target = _free(Path(CONFIG_FILE))
        made = _look_through_clone(settings, environ)
    else:
        local = read_tree(request.place, environ)
        target = _free(local.root / CONFIG_FILE)
        tree = _Tree(local.name, str(local.root), local.files, partial(read_bytes, local))
        made = _look_through(tree)
    if request.dry_run:
        return made
    create_file(target, made.text.encode())
    write_text(target.with_name(SCHEMA_FILE), schema_text(), "")
    return replace(made, written=target)


def _free(target: Path) -> Path:
    if target.is_symlink() or target.exists():
        raise _exists(str(target))
    return target


def _exists(name: str) -> Refused:
    return Refused(f"{name} is there already and is never overwritten; edit it, or move it away first.")


def _look_through_clone(settings: Settings, environ: Mapping[str, str]) -> Initialized:
    url = settings.address.url
    with clone(settings, environ) as checkout:
        if CONFIG_FILE in checkout.entries:
            raise _exists(f"{url}/{CONFIG_FILE}")
        tree = _Tree(settings.address.name, url, checkout.files, partial(read_files, checkout))
        return _look_through(tree)


def _look_through(tree: _Tree) -> Initialized:
    sources = tree.read([path for path in tree.paths if may_hold_manifests(path)])
    manifests = read_manifests(sources)
    found = survey(tree.paths, manifests, tree.name)
    if not found.environments:
        raise Refused(_nothing_found(tree, found))
    text = write_config(found)
    config = parse_config(text.encode())
    overriding = [one for one in manifests if any(source.overrides for source in one.sources)]
    pins = _pins(config, tree, sources) if overriding else {}
    warnings = (*map(printable, found.warnings), *map(str, find_overrides(overriding, pins)))
    return Initialized(text, config.model_dump(mode="json", exclude_unset=True), found.environments, warnings)


def _nothing_found(tree: _Tree, found: Survey) -> str:
    layouts = ", ".join(read_conventions((), tree.name).config("<env>").values)
    named = [f"{path} is named by {file}, but for no one environment." for path, file in found.unplaced.items()]
    told = "".join(f" {sentence}" for sentence in some([*named, *found.warnings]))
    return (
        f"{tree.place} holds nothing that looks like an environment; looked among {len(tree.paths)} files for "
        f"{layouts} (<env> is dev, test, qa, uat, staging, preprod, prod or the like, also with a suffix) and for "
        f"values files that Argo CD's Applications and ApplicationSets name; write {CONFIG_FILE} by hand.{told}"
    )


def _pins(config: Config, tree: _Tree, sources: Mapping[str, bytes]) -> Mapping[str, set[PinPath]]:
    """The paths of the pins by file, bases included."""
    layout = read_layout(config, tree.paths, tree.name)
    return pin_paths(gather(layout.environment(name), config, sources) for name in layout.environments)
