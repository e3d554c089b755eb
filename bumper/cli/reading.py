"""Commands that only read the GitOps repository."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from bumper.cli import options as opt
from bumper.cli.printing import show
from bumper.cli.run import Output, run_of
from bumper.cli.session import open_session

Environments = Annotated[
    list[str] | None, typer.Argument(help="Only these environments; by default all.", metavar="ENVIRONMENT")
]


def status(
    context: typer.Context,
    environments: Environments = None,
    repo: opt.Repo = None,
    branch: opt.Branch = None,
    gitlab_url: opt.GitLabUrl = None,
    every_row: Annotated[bool, typer.Option("--all", help="Every row, not only what differs.")] = False,
    html: Annotated[
        Path | None, typer.Option("--html", help="Write it as one self-contained page, too.", metavar="FILE")
    ] = None,
    verbose: opt.Verbose = False,
    output: opt.OutputOption = Output.TEXT,
) -> None:
    """Applications x environments: tags, what differs, holds, open merge requests.

    Example: bumper status staging prod --all
    """
    with open_session(run_of(context), repo=repo, branch=branch, gitlab_url=gitlab_url) as session:
        from bumper.cli import report_status as report
        from bumper.cli.status_page import status_page
        from bumper.commands.status.status import status as run
        from bumper.files import write_text

        found = run(environments or (), session, with_ages=html is not None)
    if html is not None:
        write_text(html, status_page(found, datetime.now(UTC)), "--html")
    as_text = output is Output.TEXT  # of thousands of rows the other one is not made
    text = report.status_text(found, every_row=every_row) if as_text else ""
    show(run_of(context), {} if as_text else report.status_data(found), text, found.overview.warnings)


def history(
    context: typer.Context,
    environment: Annotated[str, typer.Argument(help="The environment.", metavar="ENVIRONMENT")],
    repo: opt.Repo = None,
    branch: opt.Branch = None,
    gitlab_url: opt.GitLabUrl = None,
    app: opt.Apps = None,
    verbose: opt.Verbose = False,
    output: opt.OutputOption = Output.TEXT,
) -> None:
    """List the deployments of ENVIRONMENT, newest first: when, application, from, to, who, merge request.

    Example: bumper history prod --app backend
    """
    with open_session(run_of(context), repo=repo, branch=branch, gitlab_url=gitlab_url) as session:
        from bumper.cli import report_status as report
        from bumper.commands.history import history as run

        found = run(environment, tuple(app or ()), session)
    show(run_of(context), report.history_data(found), report.history_text(found), ())
