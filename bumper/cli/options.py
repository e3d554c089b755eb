"""The options that several commands share, as the contract names them, and what shells complete for them."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from bumper.cli.help import OUTPUT, REGISTRIES, REPOSITORY, WAITING
from bumper.cli.run import keep_output, show_details
from bumper.clock import parse_duration
from bumper.errors import BumperError

if TYPE_CHECKING:  # imported for completion alone
    from bumper.environments.layout import Layout

_MAX_DIGITS = 10  # of a number: GitLab counts no further


def option(
    names: str, meaning: str, metavar: str | None = None, group: str | None = None, default: object = None, **more: Any
) -> Any:
    """An option with ``names`` (separated by blanks), in a ``group`` of the help."""
    return typer.Option(default, *names.split(), help=meaning, metavar=metavar, rich_help_panel=group, **more)


def flag(names: str, meaning: str, group: str | None = None, default: bool | None = False, **more: Any) -> Any:
    """An option without a value."""
    return option(names, meaning, None, group, default, **more)


def argument(meaning: str, metavar: str, default: object = ...) -> Any:
    """An argument, which has to be given where there is no ``default``."""
    return typer.Argument(default, help=meaning, metavar=metavar)


def environment_argument(meaning: str, metavar: str = "ENVIRONMENT", default: object = ...) -> Any:
    """An argument that takes an environment's name, which shells complete."""
    return typer.Argument(default, help=meaning, metavar=metavar, autocompletion=_complete_environments)


def number(
    name: str, meaning: str, metavar: str, least: int, most: int | None = None, default: int | None = None
) -> Any:
    """An option that takes a whole number from ``least`` to ``most``."""
    limits = f"of at least {least}" if most is None else f"from {least} to {most}"

    def parse(text: str | int) -> int:
        digits = str(text)
        value = int(digits) if digits.isascii() and digits.isdecimal() and len(digits) <= _MAX_DIGITS else -1
        if value < least or (most is not None and value > most):
            raise typer.BadParameter(f"{digits!r} is not a whole number {limits}")
        return value

    return option(name, meaning, metavar, default=default, parser=parse)


def seconds(name: str, meaning: str) -> Any:
    """An option that takes a duration."""

    def parse(text: str | float) -> float:
        try:
            return parse_duration(text)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error

    return option(name, meaning, "SECONDS", WAITING, parser=parse)


def _reason(text: str) -> str:
    if not text.strip():
        raise typer.BadParameter("a reason is needed, which is recorded")
    return " ".join(text.split())


def _complete_environments(incomplete: str) -> list[str]:
    """The environments that begin so; none outside a checkout, or while its bumper.yaml has a mistake."""
    try:
        return [name for name in _layout_around().environments if name.startswith(incomplete)]
    except BumperError:
        return []


def _complete_applications(context: typer.Context, incomplete: str) -> list[str]:
    """The applications that begin so, of the environment that the command line names already, or else of all."""
    named = {*context.args, *(value for value in context.params.values() if isinstance(value, str))}
    try:
        layout = _layout_around()
        names = [name for name in layout.environments if name in named] or layout.environments
        apps = {app.app for name in names for app in layout.environment(name).apps}
    except BumperError:
        return []
    return sorted(app for app in apps if app.startswith(incomplete))


def _layout_around() -> "Layout":
    """The layout of the checkout that somebody is in."""
    from bumper.environments.config import parse_config
    from bumper.environments.config_models import CONFIG_FILE
    from bumper.environments.layout import read_layout
    from bumper.git.local_tree import read_bytes, read_tree
    from bumper.settings import environment

    tree = read_tree(Path(), environment())
    source = read_bytes(tree, [CONFIG_FILE]).get(CONFIG_FILE)
    return read_layout(parse_config(source) if source is not None else None, tree.files, tree.name)


def _named_also_by_variable(name: str, meaning: str, metavar: str) -> Any:
    variable = f"BUMPER_{name.removeprefix('--').replace('-', '_').upper()}"
    return option(name, meaning, metavar, REPOSITORY, envvar=variable)


_ORIGIN = "by default the origin of the checkout that you are in, if it tracks a bumper.yaml."
REPO = _named_also_by_variable("--repo", f"HTTPS or SSH URL of the GitOps repository; {_ORIGIN}", "URL")
BRANCH = _named_also_by_variable("--branch", "Target branch; by default the remote's default branch.", "NAME")
GITLAB_URL = _named_also_by_variable("--gitlab-url", "GitLab's address, where it is under a sub-path.", "URL")

VERIFY = flag("--verify/--no-verify", "Ask the registry whether the image exists.", REGISTRIES, default=True)

_app = partial(option, "--app", metavar="GLOB", autocompletion=_complete_applications)
APPS = _app("Only applications that match this glob (repeatable).")
REQUIRED_APPS = _app("The applications that match this glob (repeatable).", default=...)
IMAGES = option("--image", "Only images that match this glob (repeatable).", "GLOB")
_PAST = "Pass soak and freeze for this reason, which is recorded in commit and merge request."
URGENT = option("--urgent", _PAST, "REASON", parser=_reason)

_BACK = "With --wait-deployed: if Argo CD reports it Degraded or its sync failed, roll it back, with a hold."
ROLLBACK_ON_FAILURE = flag("--rollback-on-failure", _BACK, WAITING)

VERBOSE = flag("--verbose -v", "Log every step on stderr, never a secret.", OUTPUT, callback=show_details)
_FORM = "Print text or one JSON object."
OUTPUT_FORM = option(
    "--output", _FORM, None, OUTPUT, "text", envvar="BUMPER_OUTPUT", callback=keep_output, is_eager=True
)
