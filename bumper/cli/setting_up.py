"""Commands that set bumper up for a GitOps repository: write bumper.yaml, and check what bumper needs."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from bumper.cli import options as opt
from bumper.cli.help import REGISTRIES, REPOSITORY
from bumper.cli.run import Output, run_of, show
from bumper.cli.session import Whereabouts, find_repository
from bumper.errors import WrongUsage
from bumper.settings import environment


def init(
    context: typer.Context,
    place: Annotated[
        str | None,
        typer.Argument(help="A folder in the checkout of the GitOps repository, or a URL.", metavar="DIR"),
    ] = None,
    repo: Annotated[
        str | None,
        typer.Option(
            "--repo",
            help="The repository's URL; outside a checkout BUMPER_REPO counts, too.",
            metavar="URL",
            rich_help_panel=REPOSITORY,
        ),
    ] = None,
    branch: opt.Branch = None,
    gitlab_url: opt.GitLabUrl = None,
    environments: Annotated[
        list[str] | None,
        typer.Option(
            "--environment",
            help="An environment and the pattern of its values files (repeatable).",
            metavar="NAME=PATTERN",
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print bumper.yaml, write nothing.")] = False,
    verbose: opt.Verbose = False,
    output: opt.OutputOption = Output.TEXT,
) -> None:
    """Look through a GitOps repository and write bumper.yaml: environments, applications, bases.

    In a git checkout that checkout is meant, and bumper.yaml is written at its root; for a URL it is written here. An
    existing one is never overwritten. Example: bumper init --environment 'prod=apps/{app}/prod/values.yaml' --dry-run
    """
    from bumper.cli import report_setup as report
    from bumper.commands.init import InitRequest, read_environments
    from bumper.commands.init import init as run
    from bumper.environments.discovery.init_text import printable
    from bumper.git.local_tree import checkout_root, find_root
    from bumper.settings import read_settings

    if place is not None and repo is not None:
        raise WrongUsage(f"both {place} and --repo name a repository", "give one of them")
    environ = environment()
    url = repo or (place if place is not None and _is_url(place) else None)
    if url is None and place is None and find_root(Path()) is None:
        url = environ.get("BUMPER_REPO")
    settings = read_settings(environ, repo=url, branch=branch, gitlab_url=gitlab_url) if url else None
    where = settings.address.url if settings is not None else checkout_root(Path(place or "."))
    print(
        f"Looking through {printable(str(where))}",
        file=sys.stderr if run_of(context).output is Output.JSON else sys.stdout,
        flush=True,
    )
    request = InitRequest(Path(place or "."), dry_run, read_environments(environments or ()))
    done = run(request, settings, environ)
    if done.nothing is None:
        show(run_of(context), done.config, report.init_text(done, run_of(context).screen), done.warnings)
        return
    if run_of(context).output is Output.TEXT:
        show(run_of(context), {}, done.text, done.warnings)
    raise done.nothing


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
    from bumper.cli import report_setup as report
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


def schema(
    files: Annotated[
        list[str] | None, typer.Argument(help="Check these files instead; - for stdin.", metavar="FILE")
    ] = None,
) -> None:
    """Print the JSON Schema of bumper.yaml, with which editors complete and check it.

    Example: bumper schema > bumper.schema.json
    """
    from bumper.environments.config import parse_config, schema_text
    from bumper.environments.config_models import CONFIG_FILE
    from bumper.files import read_body

    for file in files or []:
        parse_config(read_body(file), file if file != "-" else CONFIG_FILE)
    if not files:
        print(schema_text(), end="")


def _is_url(place: str) -> bool:
    """Whether ``place`` is not a folder but an address, with a scheme or as ``git@host:group/project``."""
    host, colon, _ = place.partition(":")
    return "://" in place or (bool(colon) and "@" in host and not Path(place).exists())
