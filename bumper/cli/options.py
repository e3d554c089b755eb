"""The options that several commands share, as the contract names them, and what shells complete for them."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from bumper.cli.help import MERGE_REQUEST, OUTPUT, REGISTRIES, REPOSITORY, WAITING
from bumper.cli.run import Output, keep_output, show_details
from bumper.clock import parse_duration
from bumper.errors import BumperError

if TYPE_CHECKING:  # imported for completion alone
    from bumper.environments.layout import Layout

_MAX_DIGITS = 10  # of a number: GitLab counts no further


def option(names: str, meaning: str, metavar: str | None = None, group: str | None = None, **more: Any) -> Any:  # noqa: ANN401 - as Typer's own
    """An option of Typer's with ``names`` (separated by blanks), in a ``group`` of the help."""
    return typer.Option(*names.split(), help=meaning, metavar=metavar, rich_help_panel=group, **more)


def environment_argument(meaning: str, name: str = "ENVIRONMENT") -> Any:  # noqa: ANN401 - as Typer's own
    """An argument that takes an environment's name, which shells complete."""
    return typer.Argument(help=meaning, metavar=name, autocompletion=_complete_environments)


def whole_number(least: int, most: int | None = None) -> Callable[[str], int]:
    """The parser of an option that takes a whole number from ``least`` to ``most``."""
    limits = f"of at least {least}" if most is None else f"from {least} to {most}"

    def parse(text: str | int) -> int:
        digits = str(text)
        number = int(digits) if digits.isascii() and digits.isdecimal() and len(digits) <= _MAX_DIGITS else -1
        if number < least or (most is not None and number > most):
            raise typer.BadParameter(f"{digits!r} is not a whole number {limits}")
        return number

    return parse


def _duration(text: str | float) -> float:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


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


def _of_repository(name: str, meaning: str, metavar: str) -> Any:  # noqa: ANN401 - as Typer's own
    variable = f"BUMPER_{name.removeprefix('--').replace('-', '_').upper()}"
    return option(name, meaning, metavar, REPOSITORY, envvar=variable)


_of_output = partial(option, group=OUTPUT)
_of_merge_request = partial(option, group=MERGE_REQUEST)
_of_waiting = partial(option, group=WAITING)
_seconds = partial(_of_waiting, metavar="SECONDS", parser=_duration)
_app = partial(option, "--app", metavar="GLOB", autocompletion=_complete_applications)

Repo = Annotated[
    str | None,
    _of_repository(
        "--repo",
        "HTTPS or SSH URL of the GitOps repository; by default the origin of the checkout that you are in, if it "
        "tracks a bumper.yaml.",
        "URL",
    ),
]
Branch = Annotated[
    str | None, _of_repository("--branch", "Target branch; by default the remote's default branch.", "NAME")
]
GitLabUrl = Annotated[
    str | None, _of_repository("--gitlab-url", "GitLab's address, where it is under a sub-path.", "URL")
]
OutputOption = Annotated[
    Output,
    _of_output(
        "--output", "Print text or one JSON object.", envvar="BUMPER_OUTPUT", callback=keep_output, is_eager=True
    ),
]
Verbose = Annotated[
    bool, _of_output("--verbose -v", "Log every step on stderr, never a secret.", callback=show_details)
]
Dotenv = Annotated[Path | None, _of_output("--dotenv", "Write the result as GitLab dotenv variables.", "FILE")]

Apps = Annotated[list[str] | None, _app("Only applications that match this glob (repeatable).")]
RequiredApps = Annotated[list[str], _app("The applications that match this glob (repeatable).")]
Images = Annotated[list[str] | None, option("--image", "Only images that match this glob (repeatable).", "GLOB")]
Urgent = Annotated[
    str | None,
    option(
        "--urgent",
        "Pass soak and freeze for this reason, which is recorded in commit and merge request.",
        "REASON",
        parser=_reason,
    ),
]
DryRun = Annotated[bool, option("--dry-run", "Show the diff and the merge request, change nothing.")]
Yes = Annotated[bool, option("--yes -y", "Do not ask for confirmation (without a terminal, nothing is asked).")]
AllowMissing = Annotated[bool, option("--allow-missing", "Do not fail if nothing in the environment uses an image.")]
Verify = Annotated[bool, option("--verify/--no-verify", "Ask the registry whether the image exists.", group=REGISTRIES)]

DeliveryOption = Annotated[
    Literal["merge-request", "commit"] | None,
    _of_merge_request("--delivery", "By merge request, or straight to the branch."),
]
Labels = Annotated[list[str] | None, _of_merge_request("--label", "A label of the merge request (repeatable).", "NAME")]
Reviewers = Annotated[list[str] | None, _of_merge_request("--reviewer", "A reviewer's user name (repeatable).", "USER")]
Assignees = Annotated[
    list[str] | None, _of_merge_request("--assignee", "An assignee's user name (repeatable).", "USER")
]
Title = Annotated[str | None, _of_merge_request("--title", "The merge request's title.", "TEXT")]
Reopen = Annotated[bool, _of_merge_request("--reopen", "Propose it again after somebody closed it.")]

AutoMerge = Annotated[
    bool | None, _of_waiting("--auto-merge/--no-auto-merge", "Have GitLab merge it as soon as all checks pass.")
]
Wait = Annotated[float | None, _seconds("--wait", "Wait up to this long for the merge (also 90s, 10m, 2h, 1d).")]
WaitDeployed = Annotated[
    float | None,
    _seconds("--wait-deployed", "Wait up to this long until Argo CD reports it running and healthy (implies --wait)."),
]
Steady = Annotated[
    float | None, _seconds("--steady", "With --wait-deployed: and stays healthy for this long (also 15m).")
]
RollbackOnFailure = Annotated[
    bool,
    _of_waiting(
        "--rollback-on-failure",
        "With --wait-deployed: if Argo CD reports it Degraded or its sync failed, roll it back, with a hold.",
    ),
]
