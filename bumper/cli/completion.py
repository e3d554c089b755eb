"""What shells complete beside commands and options: environments and applications of the checkout around them."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from bumper.errors import BumperError

if TYPE_CHECKING:  # imported for completion alone
    from bumper.environments.layout import Layout


def complete_environments(incomplete: str) -> list[str]:
    """The environments that begin so; none outside a checkout, or while its bumper.yaml has a mistake."""
    try:
        return [name for name in _layout().environments if name.startswith(incomplete)]
    except BumperError:
        return []


def complete_applications(context: typer.Context, incomplete: str) -> list[str]:
    """The applications that begin so, of the environment that the command line names already, or else of all."""
    named = {*context.args, *(value for value in context.params.values() if isinstance(value, str))}
    try:
        layout = _layout()
        names = [name for name in layout.environments if name in named] or layout.environments
        apps = {app.app for name in names for app in layout.environment(name).apps}
    except BumperError:
        return []
    return sorted(app for app in apps if app.startswith(incomplete))


def _layout() -> "Layout":
    from bumper.environments.config import parse_config
    from bumper.environments.config_models import CONFIG_FILE
    from bumper.environments.layout import read_layout
    from bumper.git.local_tree import read_bytes, read_tree
    from bumper.settings import environment

    tree = read_tree(Path(), environment())
    source = read_bytes(tree, [CONFIG_FILE]).get(CONFIG_FILE)
    return read_layout(parse_config(source) if source is not None else None, tree.files, tree.name)
