"""How options are declared, completed by shells and shown in the help, and the options that several commands share.

The help shows groups of options, each with its environment variables, as wide as the terminal and without boxes:
Typer's own panels cut names off (``BUMPER_GITLAB_U…``) at 80 columns.
"""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup

from bumper.cli.run import keep_output, show_details
from bumper.clock import parse_duration
from bumper.errors import BumperError

if TYPE_CHECKING:  # imported for completion alone
    from bumper.environments.layout import Layout

_MAX_DIGITS = 10  # of a number: GitLab counts no further
REPOSITORY = "Repository"
REGISTRIES = "Registries"
MERGE_REQUEST = "Merge request"
WAITING = "Merge, rollout, health"
OUTPUT = "Output"
_ARGUMENTS, _OPTIONS = "Arguments", "Options"
_ORDER = (_ARGUMENTS, _OPTIONS, REPOSITORY, REGISTRIES, MERGE_REQUEST, WAITING, OUTPUT)
_VARIABLES = {
    REPOSITORY: (
        ("BUMPER_TOKEN", "GitLab's token; else GITLAB_TOKEN, else CI_JOB_TOKEN."),
        ("CI_SERVER_TLS_CA_FILE", "File of CA certificates; else REQUESTS_CA_BUNDLE, else SSL_CERT_FILE."),
        ("BUMPER_CACHE", "Folder that keeps contents of values files between runs."),
    ),
    REGISTRIES: (
        ("DOCKER_AUTH_CONFIG", "Logins, as in Docker's config.json; or DOCKER_CONFIG, its folder."),
        ("CI_REGISTRY", "With CI_REGISTRY_USER and CI_REGISTRY_PASSWORD: the login that GitLab CI gives."),
        ("BUMPER_INSECURE_REGISTRIES", "Registries that get their login over plain HTTP, too."),
    ),
    MERGE_REQUEST: (("GITLAB_USER_LOGIN", "Who asks; with CI_PIPELINE_URL and others of GitLab CI it is recorded."),),
    WAITING: (
        ("ARGOCD_AUTH_TOKEN", "Argo CD's token."),
        ("ARGOCD_SERVER", "The only Argo CD that gets it."),
    ),
    OUTPUT: (("NO_COLOR", "No colours, if it is set."),),
}


class GroupedCommand(TyperCommand):
    """A command whose options are grouped by their ``rich_help_panel``."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """The usage line; Typer puts needed arguments in braces, which no shell command has."""
        return [piece.strip("{}") for piece in super().collect_usage_pieces(ctx)]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the groups in their order."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None and isinstance(parameter, TyperArgument):  # without the type behind its name
                groups.setdefault(_ARGUMENTS, []).append((record[0].partition(" <")[0], str(parameter.help)))
            elif record is not None:
                group = OUTPUT if parameter.name == "help" else getattr(parameter, "rich_help_panel", None) or _OPTIONS
                groups.setdefault(group, []).append(record)
        for name in sorted(groups, key=_ORDER.index):
            with formatter.section(name):
                formatter.write_dl([*groups[name], *_VARIABLES.get(name, ())])


class GroupedProgram(TyperGroup):
    """The program, whose commands are grouped by their ``rich_help_panel``."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the groups in the order of their first commands."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for name in self.list_commands(ctx):
            command = self.commands[name]
            groups.setdefault(str(getattr(command, "rich_help_panel", "Commands")), []).append(
                (name, command.get_short_help_str(100))
            )
        for name, commands in groups.items():
            with formatter.section(name):
                formatter.write_dl(commands)


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
