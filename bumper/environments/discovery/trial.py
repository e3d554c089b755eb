"""What bumper finds with a bumper.yaml that is about to be written: it is tried before anybody sees it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from bumper.environments.config import parse_config
from bumper.environments.config_models import Config
from bumper.environments.discovery.found import Doubtful, Survey
from bumper.environments.discovery.generators import Tree
from bumper.environments.discovery.init_text import write_config
from bumper.environments.discovery.patterns import in_environment
from bumper.environments.gather import Gathered, gather
from bumper.environments.layout import read_layout
from bumper.errors import Refused


@dataclass(frozen=True, slots=True)
class Tried:
    """A bumper.yaml as ``text`` and as settings, and what bumper finds of each environment with it."""

    text: str
    config: Config
    survey: Survey
    gathered: Mapping[str, Gathered]
    files: Mapping[str, set[str]]  # of values


def try_out(found: Survey, tree: Tree, repository_name: str) -> Tried:
    """Read the repository by the bumper.yaml for what was ``found``.

    An environment that bumper refuses to open with it becomes a comment that gives the reason. Patterns are written
    once for all environments only where bumper finds these and no others, and the same files, with it.
    """
    shared = _read(found, write_config(found), tree, repository_name)
    files = {one.name: one.files for one in found.environments}
    same = shared.tried.files.keys() == files.keys()
    if not shared.refused and same and all(shared.tried.files[name].issuperset(files[name]) for name in files):
        return shared.tried
    written_out = _read(found, write_config(found, share=False), tree, repository_name)
    if not written_out.refused:
        return written_out.tried
    left = _without(found, written_out.refused)
    return try_out(left, tree, repository_name) if left.environments else replace(written_out.tried, survey=left)


@dataclass(frozen=True, slots=True)
class _Read:
    """A bumper.yaml that was tried, and the environments that bumper refused to open with it."""

    tried: Tried
    refused: Mapping[str, str]


def _read(found: Survey, text: str, tree: Tree, repository_name: str) -> _Read:
    config = parse_config(text.encode())
    try:
        layout = read_layout(config, tree.paths, repository_name)
    except Refused as error:
        return _Read(Tried(text, config, found, {}, {}), {one.name: str(error) for one in found.environments})
    gathered: dict[str, Gathered] = {}
    files: dict[str, set[str]] = {}
    refused: dict[str, str] = {}
    for name in layout.environments:
        try:
            environment = layout.environment(name)
            gathered[name] = gather(environment, config, tree.sources)
            files[name] = {path for app in environment.apps for path in app.values}
        except Refused as error:
            refused[name] = str(error)
    return _Read(Tried(text, config, found, gathered, files), refused)


def _without(found: Survey, refused: Mapping[str, str]) -> Survey:
    """The survey with the environments that were ``refused`` among those that are only suggested."""
    doubtful = [
        Doubtful(one.name, in_environment(one.values[0], one.name), refused[one.name])
        for one in found.environments
        if one.name in refused
    ]
    kept = tuple(one for one in found.environments if one.name not in refused)
    return replace(found, environments=kept, doubtful=(*found.doubtful, *doubtful))
