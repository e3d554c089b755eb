"""The command that looks whether bumper has what it needs."""

import sys
from typing import Annotated

import typer

from bumper.cli import options as opt
from bumper.cli.help import REGISTRIES
from bumper.cli.printing import show
from bumper.cli.run import Output, run_of
from bumper.cli.whereabouts import Whereabouts, find_repository
from bumper.settings import environment


def doctor(
    context: typer.Context,
    repo: opt.Repo = None,
    branch: opt.Branch = None,
    gitlab_url: opt.GitLabUrl = None,
    verify: Annotated[
        bool,
        typer.Option(
            "--verify/--no-verify",
            help="Ask the registries about images that the values name.",
            rich_help_panel=REGISTRIES,
        ),
    ] = True,
    verbose: opt.Verbose = False,
    output: opt.OutputOption = Output.TEXT,
) -> None:
    """Check repository, token, GitLab, protected branch, registries and bumper.yaml; say how to fix each.

    Nothing is changed. It exits 0 if bump has all that it needs. Argo CD gets ARGOCD_AUTH_TOKEN (see ARGOCD_SERVER).

    Example: bumper doctor --no-verify
    """
    from bumper.cli import report_doctor as report
    from bumper.commands.doctor.check import failure
    from bumper.commands.doctor.doctor import doctor as run

    settings = find_repository(run_of(context), Whereabouts(repo, branch, gitlab_url), changes=False)
    checks = run(settings, environment(), verify=verify)
    error = failure(checks)
    show(run_of(context), report.doctor_data(checks, error), report.doctor_text(checks, sys.stdout.encoding), ())
    if error is not None:
        run_of(context).progress.print(str(error), label="error")
        raise typer.Exit(error.exit_code)
