"""Commands that only read the GitOps repository, or a change of it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from bumper.cli import options as opt
from bumper.cli.help import OUTPUT
from bumper.cli.run import Output, run_of, show
from bumper.cli.session import Whereabouts, reading_session
from bumper.errors import WrongUsage
from bumper.settings import environment

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
    with reading_session(run_of(context), Whereabouts(repo, branch, gitlab_url)) as session:
        from bumper.cli import report_reading as report
        from bumper.cli.status_page import status_page
        from bumper.commands.status import status as run
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
            "--limit", help="At most this many deployments (by default 100).", metavar="N", parser=opt.whole_number(1)
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
    with reading_session(run_of(context), Whereabouts(repo, branch, gitlab_url)) as session:
        from bumper.cli import report_reading as report
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
            parser=opt.whole_number(0),
        ),
    ] = None,
    days: Annotated[
        int | None,
        typer.Option(
            "--days",
            help="What the deployments of this many days replaced.",
            metavar="D",
            parser=opt.whole_number(1, 36500),
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
    with reading_session(run_of(context), Whereabouts(repo, branch, gitlab_url)) as session:
        from bumper.cli import report_reading as report
        from bumper.commands.images import images as run
        from bumper.records.rollback_targets import Depth

        since = session.clock.now() - timedelta(days=days) if days is not None else None
        found = run(environments or (), Depth(3 if keep is None else keep, since), session)
    show(run_of(context), report.images_data(found), report.images_text(found), found.warnings)


def check(
    context: typer.Context,
    base: Annotated[
        str | None,
        typer.Option(
            "--base",
            help="The branch that the change is for; by default the merge request's target, else the default branch.",
            metavar="REF",
        ),
    ] = None,
    head: Annotated[
        str | None, typer.Option("--head", help="The change's newest commit; by default HEAD.", metavar="REF")
    ] = None,
    note: Annotated[
        bool,
        typer.Option(
            "--note",
            help="Keep a note on the merge request up to date (needs BUMPER_TOKEN).",
        ),
    ] = False,
    warn_only: Annotated[bool, typer.Option("--warn-only", help="Exit 0 whatever it finds.")] = False,
    code_quality: Annotated[
        Path | None,
        typer.Option(
            "--codequality", help="Write GitLab's Code Quality report, too.", metavar="FILE", rich_help_panel=OUTPUT
        ),
    ] = None,
    verify: opt.Verify = True,
    verbose: opt.Verbose = False,
    output: opt.OutputOption = Output.TEXT,
) -> None:
    """Check a change of the GitOps repository: which images it changes where, and whether bumper.yaml allows it.

    It reads the git checkout that you are in: in a merge request's pipeline, or anywhere else. The rules are those of
    bumper.yaml on the target branch. It exits 1 if the change breaks one. In a merge request's pipeline GitLab's
    variables CI_MERGE_REQUEST_* say what the change is for. No token is needed; without BUMPER_TOKEN, whether GitLab's
    deploy freezes are on is known from CI_DEPLOY_FREEZE.

    Example: bumper check --base origin/main --no-verify
    """
    from bumper.cli import report_check as report
    from bumper.commands.check import CheckRequest
    from bumper.commands.check import check as run

    this_run = run_of(context)
    verdict = run(CheckRequest(base, head, verify, note), Path.cwd(), environment(), this_run.clock)
    if code_quality is not None:
        report.write_code_quality(code_quality, verdict.findings)
    error = report.check_error(verdict) if not warn_only else None
    show(
        this_run,
        report.check_data(verdict, error),
        report.check_text(verdict, this_run.screen),
        (*verdict.odd, *verdict.warnings),
    )
    if error is not None:
        this_run.progress.print(str(error), label="error")
        raise typer.Exit(error.exit_code)


def _moment(text: str) -> datetime:
    """A date, or a date and a time; without a zone they are local, as the times that history prints."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise WrongUsage(f"--since {text!r} is not a date", "write 2026-01-31 or 2026-01-31T12:00Z") from None
    return moment.astimezone()
