"""Commands that set bumper up for a GitOps repository."""

from pathlib import Path
from typing import Annotated

import typer

from bumper.cli import options as opt
from bumper.cli.printing import show
from bumper.cli.run import Output, run_of


def init(
    context: typer.Context,
    place: Annotated[
        str | None,
        typer.Argument(
            help="The GitOps repository's folder or URL; by default --repo, else this folder.", metavar="PLACE"
        ),
    ] = None,
    repo: opt.Repo = None,
    branch: opt.Branch = None,
    gitlab_url: opt.GitLabUrl = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print bumper.yaml, write nothing.")] = False,
    verbose: opt.Verbose = False,
    output: opt.OutputOption = Output.TEXT,
) -> None:
    """Look through a GitOps repository and write bumper.yaml: environments, applications, bases.

    For a URL it is written into this folder, else at the root of the repository. One that is there is never
    overwritten. Example: bumper init . --dry-run
    """
    from bumper.cli import report_init as report
    from bumper.commands.init import InitRequest
    from bumper.commands.init import init as run
    from bumper.settings import environment, read_settings

    environ = environment()
    url = repo if place is None else place if _is_url(place) else None
    settings = read_settings(environ, repo=url, branch=branch, gitlab_url=gitlab_url) if url else None
    done = run(InitRequest(Path(place or "."), dry_run), settings, environ)
    show(run_of(context), done.config, report.init_text(done), done.warnings)


def _is_url(place: str) -> bool:
    """Whether ``place`` is no folder but an address, with a scheme or as ``git@host:group/project``."""
    host, colon, _ = place.partition(":")
    return "://" in place or (bool(colon) and "@" in host and not Path(place).exists())
