"""What bumper finds with a bumper.yaml that is about to be written: it is tried before anybody sees it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from bumper.environments.config import parse_config
from bumper.environments.config_models import Config
from bumper.environments.discovery.git_generator import Tree
from bumper.environments.discovery.init_text import write_config
from bumper.environments.discovery.patterns import in_environment
from bumper.environments.discovery.survey import Doubtful, Survey
from bumper.environments.gather import Gathered, gather
from bumper.environments.layout import read_layout
from bumper.errors import Refused


@dataclass(frozen=True, slots=True)
class Tried:
    """A bumper.yaml as ``text`` and as settings, and the pins of each environment that bumper finds with it."""

    text: str
    config: Config
    survey: Survey
    gathered: Mapping[str, Gathered]


def try_out(found: Survey, tree: Tree, repository_name: str) -> Tried:
    """Read the repository by the bumper.yaml for what was ``found``.

    An environment that bumper refuses to open with it becomes a comment that gives the reason.
    """
    while True:
        text = write_config(found)
        config = parse_config(text.encode())
        layout = read_layout(config, tree.paths, repository_name)
        gathered: dict[str, Gathered] = {}
        refused: dict[str, str] = {}
        for name in layout.environments:
            try:
                gathered[name] = gather(layout.environment(name), config, tree.sources)
            except Refused as error:
                refused[name] = str(error)
        if not refused or len(refused) == len(found.environments):
            return Tried(text, config, found, gathered)
        found = _without(found, refused)


def _without(found: Survey, refused: Mapping[str, str]) -> Survey:
    """The survey with the environments that were ``refused`` among those that are only suggested."""
    doubtful = [
        Doubtful(one.name, in_environment(one.values[0], one.name), refused[one.name])
        for one in found.environments
        if one.name in refused
    ]
    kept = tuple(one for one in found.environments if one.name not in refused)
    return replace(found, environments=kept, doubtful=(*found.doubtful, *doubtful))
