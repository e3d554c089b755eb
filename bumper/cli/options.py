"""The options that several commands share, as the contract names them."""

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from bumper.cli.completion import complete_applications, complete_environments
from bumper.cli.help import MERGE_REQUEST, OUTPUT, REGISTRIES, REPOSITORY, WAITING
from bumper.cli.run import Output, keep_output, run_of
from bumper.clock import parse_duration

_MAX_DIGITS = 10  # of a number: GitLab counts no further


class Delivery(StrEnum):
    """How changes get to the target branch."""

    MERGE_REQUEST = "merge-request"
    COMMIT = "commit"


def _duration(text: str | float) -> float:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def _reason(text: str) -> str:
    if not text.strip():
        raise typer.BadParameter("a reason is needed, which is recorded")
    return " ".join(text.split())


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


def environment_argument(help_text: str, name: str = "ENVIRONMENT") -> Any:  # noqa: ANN401 - as Typer's own
    """An argument that takes an environment's name, which shells complete."""
    return typer.Argument(help=help_text, metavar=name, autocompletion=complete_environments)


Repo = Annotated[
    str | None,
    typer.Option(
        "--repo",
        envvar="BUMPER_REPO",
        help="HTTPS or SSH URL of the GitOps repository; by default the origin of the checkout that you are in, if it "
        "tracks a bumper.yaml.",
        metavar="URL",
        rich_help_panel=REPOSITORY,
    ),
]
Branch = Annotated[
    str | None,
    typer.Option(
        "--branch",
        envvar="BUMPER_BRANCH",
        help="Target branch; by default the remote's default branch.",
        metavar="NAME",
        rich_help_panel=REPOSITORY,
    ),
]
GitLabUrl = Annotated[
    str | None,
    typer.Option(
        "--gitlab-url",
        envvar="BUMPER_GITLAB_URL",
        help="GitLab's address, where it is under a sub-path.",
        metavar="URL",
        rich_help_panel=REPOSITORY,
    ),
]
OutputOption = Annotated[
    Output,
    typer.Option(
        "--output",
        envvar="BUMPER_OUTPUT",
        callback=keep_output,
        is_eager=True,
        help="Print text or one JSON object.",
        rich_help_panel=OUTPUT,
    ),
]
Apps = Annotated[
    list[str] | None,
    typer.Option(
        "--app",
        help="Only applications that match this glob (repeatable).",
        metavar="GLOB",
        autocompletion=complete_applications,
    ),
]
RequiredApps = Annotated[
    list[str],
    typer.Option(
        "--app",
        help="The applications that match this glob (repeatable).",
        metavar="GLOB",
        autocompletion=complete_applications,
    ),
]
Images = Annotated[
    list[str] | None, typer.Option("--image", help="Only images that match this glob (repeatable).", metavar="GLOB")
]
Urgent = Annotated[
    str | None,
    typer.Option(
        "--urgent",
        help="Pass soak and freeze for this reason, which is recorded in commit and merge request.",
        metavar="REASON",
        parser=_reason,
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the diff and the merge request, change nothing.")]
DeliveryOption = Annotated[
    Delivery | None,
    typer.Option("--delivery", help="By merge request, or straight to the branch.", rich_help_panel=MERGE_REQUEST),
]
Labels = Annotated[
    list[str] | None,
    typer.Option(
        "--label", help="A label of the merge request (repeatable).", metavar="NAME", rich_help_panel=MERGE_REQUEST
    ),
]
Reviewers = Annotated[
    list[str] | None,
    typer.Option(
        "--reviewer", help="A reviewer's user name (repeatable).", metavar="USER", rich_help_panel=MERGE_REQUEST
    ),
]
Assignees = Annotated[
    list[str] | None,
    typer.Option(
        "--assignee", help="An assignee's user name (repeatable).", metavar="USER", rich_help_panel=MERGE_REQUEST
    ),
]
Title = Annotated[
    str | None,
    typer.Option("--title", help="The merge request's title.", metavar="TEXT", rich_help_panel=MERGE_REQUEST),
]
AutoMerge = Annotated[
    bool | None,
    typer.Option(
        "--auto-merge/--no-auto-merge",
        help="Have GitLab merge it as soon as all checks pass.",
        rich_help_panel=WAITING,
    ),
]
Wait = Annotated[
    float | None,
    typer.Option(
        "--wait",
        help="Wait up to this long for the merge (also 90s, 10m, 2h, 1d).",
        metavar="SECONDS",
        parser=_duration,
        rich_help_panel=WAITING,
    ),
]
WaitDeployed = Annotated[
    float | None,
    typer.Option(
        "--wait-deployed",
        help="Wait up to this long until Argo CD reports it running and healthy (implies --wait).",
        metavar="SECONDS",
        parser=_duration,
        rich_help_panel=WAITING,
    ),
]
Steady = Annotated[
    float | None,
    typer.Option(
        "--steady",
        help="With --wait-deployed: and stays healthy for this long (also 15m).",
        metavar="SECONDS",
        parser=_duration,
        rich_help_panel=WAITING,
    ),
]
RollbackOnFailure = Annotated[
    bool,
    typer.Option(
        "--rollback-on-failure",
        help="With --wait-deployed: if Argo CD reports it Degraded or its sync failed, roll it back, with a hold.",
        rich_help_panel=WAITING,
    ),
]
Reopen = Annotated[
    bool, typer.Option("--reopen", help="Propose it again after somebody closed it.", rich_help_panel=MERGE_REQUEST)
]
Yes = Annotated[
    bool, typer.Option("--yes", "-y", help="Do not ask for confirmation (without a terminal, nothing is asked).")
]


def _show_details(context: typer.Context, value: bool) -> None:
    if value:
        run_of(context).progress.show_details()


Verbose = Annotated[
    bool,
    typer.Option(
        "--verbose",
        "-v",
        callback=_show_details,
        help="Log every step on stderr, never a secret.",
        rich_help_panel=OUTPUT,
    ),
]
Verify = Annotated[
    bool,
    typer.Option("--verify/--no-verify", help="Ask the registry whether the image exists.", rich_help_panel=REGISTRIES),
]
AllowMissing = Annotated[
    bool, typer.Option("--allow-missing", help="Do not fail if nothing in the environment uses an image.")
]
Dotenv = Annotated[
    Path | None,
    typer.Option(
        "--dotenv", help="Write the result as GitLab dotenv variables.", metavar="FILE", rich_help_panel=OUTPUT
    ),
]
