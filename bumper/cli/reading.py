"""Commands that only read the GitOps repository."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from bumper.cli import options as opt
from bumper.cli.printing import show
from bumper.cli.run import Output, run_of
from bumper.cli.session import open_session
from bumper.cli.usage import whole_number
from bumper.cli.whereabouts import Whereabouts, find_repository
from bumper.errors import WrongUsage

Environments = Annotated[list[str] | None, opt.environment_argument("Only these environments; by default all.")]


_DEPLOYMENTS = 100  # that history lists where nobody says how many


def status(
    context: typer.Context,
    environments: Environments = None,
    repo: opt.Repo = None,
    branch: opt.Branch = None,
    gitlab_url: opt.GitLabUrl = None,
    app: opt.Apps = None,
    every_row: Annotated[bool, typer.Option("--all", help="Show every row, not only what differs.")] = False,
    html: Annotated[
        Path | None, typer.Option("--html", help="Also write it as one self-contained HTML page.", metavar="FILE")
    ] = None,
    verbose: opt.Verbose = False,
    output: opt.OutputOption = Output.TEXT,
) -> None:
    """Applications x environments: tags, what differs, holds, open merge requests.

    Example: bumper status staging prod --all
    """
    settings = find_repository(run_of(context), Whereabouts(repo, branch, gitlab_url), changes=False)
    with open_session(run_of(context), settings) as session:
        from bumper.cli import report_status as report
        from bumper.cli.status_page import status_page
        from bumper.commands.status.status import status as run
        from bumper.files import write_text

        found = run(environments or (), session, app or (), with_ages=html is not None)
    if html is not None:
        write_text(html, status_page(found, datetime.now(UTC)), "--html")
        run_of(context).progress.print(f"wrote {html}")
    as_text = output is Output.TEXT  # of thousands of rows the other one is not made
    text = report.status_text(found, run_of(context).screen, every_row=every_row or bool(app)) if as_text else ""
    show(run_of(context), {} if as_text else report.status_data(found), text, found.overview.warnings)


def history(
    context: typer.Context,
    environment: Annotated[str, opt.environment_argument("The environment.")],
    repo: opt.Repo = None,
    branch: opt.Branch = None,
    gitlab_url: opt.GitLabUrl = None,
    app: opt.Apps = None,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit", help="At most this many deployments (by default 100).", metavar="N", parser=whole_number(1)
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            "--since",
            help="All deployments since this date or time: 2026-01-31 or '2026-01-31 12:00+03:00'.",
            metavar="DATE",
        ),
    ] = None,
    verbose: opt.Verbose = False,
    output: opt.OutputOption = Output.TEXT,
) -> None:
    """List the deployments of ENVIRONMENT, newest first: when, application, from, to, who, merge request.

    Example: bumper history prod --app backend
    """
    if limit is not None and since is not None:
        raise WrongUsage("--limit and --since cannot be combined", "give one of the two")
    earliest = _moment(since) if since is not None else None
    settings = find_repository(run_of(context), Whereabouts(repo, branch, gitlab_url), changes=False)
    with open_session(run_of(context), settings) as session:
        from bumper.cli import report_status as report
        from bumper.commands.history import HowFar
        from bumper.commands.history import history as run

        how_far = HowFar(limit or (None if earliest else _DEPLOYMENTS), earliest)
        found = run(environment, tuple(app or ()), how_far, session)
    show(run_of(context), report.history_data(found), report.history_text(found, run_of(context).screen), ())


def images(
    context: typer.Context,
    environments: Environments = None,
    repo: opt.Repo = None,
    branch: opt.Branch = None,
    gitlab_url: opt.GitLabUrl = None,
    keep: Annotated[
        int | None,
        typer.Option(
            "--keep",
            help="What the last N deployments of each application replaced (by default 3).",
            metavar="N",
            parser=whole_number(0),
        ),
    ] = None,
    days: Annotated[
        int | None,
        typer.Option(
            "--days",
            help="What the deployments of this many days replaced.",
            metavar="D",
            parser=whole_number(1, 36500),
        ),
    ] = None,
    verbose: opt.Verbose = False,
    output: opt.OutputOption = Output.TEXT,
) -> None:
    """List every image that an environment runs or could be rolled back to: what a registry's clean-up must keep.

    Example: bumper images --keep 5
    """
    if keep is not None and days is not None:
        raise WrongUsage("--keep and --days cannot be combined", "give one of the two")
    settings = find_repository(run_of(context), Whereabouts(repo, branch, gitlab_url), changes=False)
    with open_session(run_of(context), settings) as session:
        from bumper.cli import report_images as report
        from bumper.commands.images import images as run
        from bumper.records.rollback_targets import Depth

        since = session.clock.now() - timedelta(days=days) if days is not None else None
        found = run(environments or (), Depth(3 if keep is None else keep, since), session)
    show(run_of(context), report.images_data(found), report.images_text(found), found.warnings)


def _moment(text: str) -> datetime:
    """A date, or a date and a time; without a zone they are local, as the times that history prints."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise WrongUsage(f"--since {text!r} is not a date", "write 2026-01-31 or 2026-01-31T12:00Z") from None
    return moment.astimezone()
