"""Commands that change an environment, by merge request or straight on the branch."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bumper.cli import options as opt
from bumper.cli.printing import show

if TYPE_CHECKING:  # imported where they are used, so that --version and completion start fast
    from bumper.delivery_options import DeliveryOptions
    from bumper.result import Result
    from bumper.settings import Settings


def bump(
    environment: Annotated[str, typer.Argument(help="The environment to change.", metavar="ENVIRONMENT")],
    images: Annotated[
        list[str] | None, typer.Argument(help="registry/repository:tag[@digest]", metavar="IMAGE")
    ] = None,
    event: Annotated[
        str | None,
        typer.Option(
            "--event", help="Take the images from a registry's push notification; - for stdin.", metavar="FILE"
        ),
    ] = None,
    repo: opt.Repo = None,
    branch: opt.Branch = None,
    gitlab_url: opt.GitLabUrl = None,
    app: opt.Apps = None,
    dry_run: opt.DryRun = False,
    delivery: opt.DeliveryOption = None,
    label: opt.Labels = None,
    reviewer: opt.Reviewers = None,
    assignee: opt.Assignees = None,
    title: opt.Title = None,
    reopen: opt.Reopen = False,
    auto_merge: opt.AutoMerge = None,
    wait: opt.Wait = None,
    yes: opt.Yes = False,
    verbose: opt.Verbose = False,
    verify: opt.Verify = True,
    allow_missing: opt.AllowMissing = False,
    allow_older: Annotated[
        bool, typer.Option("--allow-older", help="Although a newer pipeline has been here.")
    ] = False,
    dotenv: opt.Dotenv = None,
    output: opt.OutputOption = opt.Output.TEXT,
) -> None:
    """Set images' tags in ENVIRONMENT after an image push, by merge request.

    Example: bumper bump staging registry.example.com/backend/app:1.0.3
    """
    from bumper.commands.bump import BumpRequest
    from bumper.commands.bump import bump as run
    from bumper.errors import WrongUsage
    from bumper.image import parse_image
    from bumper.local_file import read_body
    from bumper.settings import environment as process_environment
    from bumper.settings import read_settings

    environ = process_environment()
    parsed = tuple(parse_image(image) for image in images or ())
    if bool(parsed) == (event is not None):
        raise WrongUsage("name the images, or give --event FILE; one of the two.")
    settings = read_settings(environ, repo=repo, branch=branch, gitlab_url=gitlab_url)
    body = read_body(event) if event is not None else None
    request = BumpRequest(environment, parsed, body, tuple(app or ()), allow_missing, dry_run, verify)
    options = _options(
        delivery, label, reviewer, assignee, title, auto_merge, wait, reopen=reopen, allow_older=allow_older
    )
    _finish(run(request, options, settings, environ), settings, wait, output, dotenv)


def promote(
    source: Annotated[str, typer.Argument(help="The environment whose tags are taken.", metavar="SOURCE")],
    target: Annotated[str, typer.Argument(help="The environment to change.", metavar="TARGET")],
    repo: opt.Repo = None,
    branch: opt.Branch = None,
    gitlab_url: opt.GitLabUrl = None,
    app: opt.Apps = None,
    image: opt.Images = None,
    dry_run: opt.DryRun = False,
    delivery: opt.DeliveryOption = None,
    label: opt.Labels = None,
    reviewer: opt.Reviewers = None,
    assignee: opt.Assignees = None,
    title: opt.Title = None,
    reopen: opt.Reopen = False,
    auto_merge: opt.AutoMerge = None,
    wait: opt.Wait = None,
    yes: opt.Yes = False,
    verbose: opt.Verbose = False,
    verify: opt.Verify = True,
    allow_moved: Annotated[
        bool,
        typer.Option("--allow-moved", help="Although a tag now means another digest than the one SOURCE was given."),
    ] = False,
    dotenv: opt.Dotenv = None,
    output: opt.OutputOption = opt.Output.TEXT,
) -> None:
    """Set TARGET's tags and digests to the ones SOURCE runs, in one merge request.

    Example: bumper promote staging prod --app backend
    """
    from bumper.commands.promote import PromoteRequest
    from bumper.commands.promote import promote as run
    from bumper.settings import environment as process_environment
    from bumper.settings import read_settings

    environ = process_environment()
    settings = read_settings(environ, repo=repo, branch=branch, gitlab_url=gitlab_url)
    request = PromoteRequest(source, target, tuple(app or ()), tuple(image or ()), dry_run, verify, allow_moved)
    options = _options(delivery, label, reviewer, assignee, title, auto_merge, wait, reopen=reopen)
    confirm = _never_ask if yes or not sys.stdin.isatty() else _ask
    _finish(run(request, options, settings, environ, confirm), settings, wait, output, dotenv)


def rollback(
    environment: Annotated[str, typer.Argument(help="The environment to roll back.", metavar="ENVIRONMENT")],
    repo: opt.Repo = None,
    branch: opt.Branch = None,
    gitlab_url: opt.GitLabUrl = None,
    app: opt.Apps = None,
    all_apps: Annotated[bool, typer.Option("--all-apps", help="Undo the environment's last deployment.")] = False,
    to: Annotated[str | None, typer.Option("--to", help="To this tag.", metavar="TAG")] = None,
    steps: Annotated[int | None, typer.Option("--steps", help="So many deployments back.", min=1)] = None,
    mr: Annotated[int | None, typer.Option("--mr", help="Undo what this merge request changed.", metavar="IID")] = None,
    force: Annotated[bool, typer.Option("--force", help="Also pins that moved on since.")] = False,
    hold: Annotated[
        str | None, typer.Option("--hold", help="Put a hold on the pins, in the same merge request.", metavar="REASON")
    ] = None,
    dry_run: opt.DryRun = False,
    delivery: opt.DeliveryOption = None,
    label: opt.Labels = None,
    reviewer: opt.Reviewers = None,
    assignee: opt.Assignees = None,
    title: opt.Title = None,
    reopen: opt.Reopen = False,
    auto_merge: opt.AutoMerge = None,
    wait: opt.Wait = None,
    yes: opt.Yes = False,
    verbose: opt.Verbose = False,
    verify: opt.Verify = True,
    dotenv: opt.Dotenv = None,
    output: opt.OutputOption = opt.Output.TEXT,
) -> None:
    """Undo the last deployment of ENVIRONMENT, by merge request.

    Example: bumper rollback prod --app backend --hold "payment errors"
    """
    from bumper.commands.rollback import RollbackRequest
    from bumper.commands.rollback import rollback as run
    from bumper.settings import environment as process_environment
    from bumper.settings import read_settings

    environ = process_environment()
    settings = read_settings(environ, repo=repo, branch=branch, gitlab_url=gitlab_url)
    request = RollbackRequest(
        environment, tuple(app or ()), all_apps, to, steps, mr,
        force=force, hold=hold, dry_run=dry_run, verify=verify,
    )  # fmt: skip
    options = _options(delivery, label, reviewer, assignee, title, auto_merge, wait, reopen=reopen)
    _finish(run(request, options, settings, environ), settings, wait, output, dotenv)


def hold(
    environment: Annotated[str, typer.Argument(help="The environment.", metavar="ENVIRONMENT")],
    app: opt.RequiredApps,
    reason: Annotated[str, typer.Option("--reason", help="Why; it stands in the comment.", metavar="TEXT")] = "",
    repo: opt.Repo = None,
    branch: opt.Branch = None,
    gitlab_url: opt.GitLabUrl = None,
    image: opt.Images = None,
    dry_run: opt.DryRun = False,
    delivery: opt.DeliveryOption = None,
    label: opt.Labels = None,
    reviewer: opt.Reviewers = None,
    assignee: opt.Assignees = None,
    title: opt.Title = None,
    reopen: opt.Reopen = False,
    auto_merge: opt.AutoMerge = None,
    wait: opt.Wait = None,
    yes: opt.Yes = False,
    verbose: opt.Verbose = False,
    dotenv: opt.Dotenv = None,
    output: opt.OutputOption = opt.Output.TEXT,
) -> None:
    """Stop bump and promote from touching an application's pins.

    Example: bumper hold prod --app backend --reason "until the fix of OPS-7"
    """
    options = _options(delivery, label, reviewer, assignee, title, auto_merge, wait, reopen=reopen)
    _hold(
        "hold",
        environment,
        app,
        image,
        reason,
        repo,
        branch,
        gitlab_url,
        options,
        wait,
        dotenv,
        output,
        dry_run=dry_run,
    )


def unhold(
    environment: Annotated[str, typer.Argument(help="The environment.", metavar="ENVIRONMENT")],
    app: opt.RequiredApps,
    repo: opt.Repo = None,
    branch: opt.Branch = None,
    gitlab_url: opt.GitLabUrl = None,
    image: opt.Images = None,
    dry_run: opt.DryRun = False,
    delivery: opt.DeliveryOption = None,
    label: opt.Labels = None,
    reviewer: opt.Reviewers = None,
    assignee: opt.Assignees = None,
    title: opt.Title = None,
    reopen: opt.Reopen = False,
    auto_merge: opt.AutoMerge = None,
    wait: opt.Wait = None,
    yes: opt.Yes = False,
    verbose: opt.Verbose = False,
    dotenv: opt.Dotenv = None,
    output: opt.OutputOption = opt.Output.TEXT,
) -> None:
    """Let bump and promote touch an application's pins again.

    Example: bumper unhold prod --app backend
    """
    options = _options(delivery, label, reviewer, assignee, title, auto_merge, wait, reopen=reopen)
    _hold(
        "unhold", environment, app, image, "", repo, branch, gitlab_url, options, wait, dotenv, output, dry_run=dry_run
    )


def _hold(
    command: str, environment: str, app: list[str], image: list[str] | None, reason: str, repo: str | None,
    branch: str | None, gitlab_url: str | None, options: "DeliveryOptions", wait: float | None, dotenv: Path | None,
    output: opt.Output,
    *, dry_run: bool,
) -> None:  # fmt: skip
    from bumper.commands.hold import HoldRequest
    from bumper.commands.hold import hold as run
    from bumper.settings import environment as process_environment
    from bumper.settings import read_settings

    environ = process_environment()
    settings = read_settings(environ, repo=repo, branch=branch, gitlab_url=gitlab_url)
    request = HoldRequest(command, environment, tuple(app), tuple(image or ()), reason, dry_run)
    _finish(run(request, options, settings, environ), settings, wait, output, dotenv)


def _options(
    delivery: opt.Delivery | None, labels: list[str] | None, reviewers: list[str] | None, assignees: list[str] | None,
    title: str | None, auto_merge: bool | None, wait: float | None, *, reopen: bool, allow_older: bool = False,
) -> "DeliveryOptions":  # fmt: skip
    from bumper.delivery_options import DeliveryOptions
    from bumper.merge_requests import People
    from bumper.publish import Wishes

    wishes = Wishes(People(tuple(reviewers or ()), tuple(assignees or ())), reopen, allow_older)
    return DeliveryOptions(
        delivery.value if delivery is not None else None, wishes, tuple(labels or ()), title, auto_merge,
        waits=wait is not None,
    )  # fmt: skip


def _finish(
    result: "Result", settings: "Settings", wait: float | None, output: opt.Output, dotenv: Path | None
) -> None:  # fmt: skip
    from bumper import report
    from bumper.merging import wait_until_merged

    result = wait_until_merged(result, settings, wait, lambda line: print(line, file=sys.stderr))
    if dotenv is not None:  # before stdout has the result: a failure prints one JSON object of its own
        report.write_dotenv(dotenv, result)
    show(output, report.result_data(result), report.result_text(result), result.warnings)


def _never_ask(_: "Result") -> bool:
    return True


def _ask(result: "Result") -> bool:
    from bumper import report

    print(report.result_text(result), file=sys.stderr)
    # typer.confirm would write a space to stdout, where one JSON object may be awaited.
    print("Propose these changes? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in {"y", "yes"}
