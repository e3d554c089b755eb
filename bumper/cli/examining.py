"""Commands that examine: whether bumper has what it needs, and whether a change keeps the rules."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from bumper.cli import options as opt
from bumper.cli.help import OUTPUT, REGISTRIES
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
    text = report.doctor_text(checks, sys.stdout.encoding, run_of(context).screen)
    show(run_of(context), report.doctor_data(checks, error), text, ())
    if error is not None:
        run_of(context).progress.print(str(error), label="error")
        raise typer.Exit(error.exit_code)


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
    from bumper.settings import environment

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
