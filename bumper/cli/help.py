"""Help in groups of options, each with its environment variables, as wide as the terminal and without boxes.

Typer's own panels cut names off (``BUMPER_GITLAB_U…``) at 80 columns.
"""

from typing import Any

from typer.core import TyperArgument, TyperCommand, TyperGroup

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
