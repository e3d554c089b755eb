"""Commands that only read the GitOps repository, or a change of it."""

from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import typer

from bumper.cli import options as opt
from bumper.cli.common import Reading, with_options
from bumper.cli.options import OUTPUT, environment_argument, flag, number, option
from bumper.cli.run import Output, run_of
from bumper.cli.screen import count
from bumper.errors import Refused, WrongUsage
from bumper.settings import environment as process_environment

_ENVIRONMENTS = environment_argument("Only these environments; by default all.", default=None)
_DEPLOYMENTS = 100  # that history lists where nobody says how many


@with_options
def status(
    environments: list[str] | None = _ENVIRONMENTS,
    app: list[str] | None = opt.APPS,
    every_row: bool = flag("--all", "Show every row, not only what differs."),
    html: Path | None = option("--html", "Also write it as one self-contained HTML page.", "FILE"),
    *,
    common: Reading,
) -> None:
    """Applications x environments: tags, what differs, holds, open merge requests.

    Example: bumper status staging prod --all
    """
    with common.session() as session:
        from bumper.cli import data, text
        from bumper.cli.status_page import status_page
        from bumper.commands.status import status as run
        from bumper.files import write_text

        found = run(environments or (), session, app or (), with_ages=html is not None)
    if html is not None:
        write_text(html, status_page(found, datetime.now(UTC)), "--html")
        common.run.print(f"wrote {html}")
    as_text = partial(text.status_text, every_row=every_row or bool(app))
    common.run.show(found, data.status_data, as_text, found.overview.warnings)


@with_options
def history(
    environment: str = environment_argument("The environment."),
    app: list[str] | None = opt.APPS,
    limit: int | None = number("--limit", "At most this many deployments (by default 100).", "N", 1),
    since: str | None = option(
        "--since", "All deployments since this date or time: 2026-01-31 or '2026-01-31 12:00+03:00'.", "DATE"
    ),
    *,
    common: Reading,
) -> None:
    """List the deployments of ENVIRONMENT, newest first: when, application, from, to, who, merge request.

    Example: bumper history prod --app backend
    """
    if limit is not None and since is not None:
        raise WrongUsage("--limit and --since cannot be combined", "give one of the two")
    earliest = None
    if since is not None:
        try:  # without a zone it is local, as the times that history prints
            earliest = datetime.fromisoformat(since).astimezone()
        except ValueError:
            raise WrongUsage(f"--since {since!r} is not a date", "write 2026-01-31 or 2026-01-31T12:00Z") from None
    with common.session() as session:
        from bumper.cli import data, text
        from bumper.commands.history import HowFar
        from bumper.commands.history import history as run

        how_far = HowFar(limit or (None if earliest else _DEPLOYMENTS), earliest)
        found = run(environment, tuple(app or ()), how_far, session)
    common.run.show(found, data.history_data, text.history_text)


@with_options
def images(
    environments: list[str] | None = _ENVIRONMENTS,
    keep: int | None = number(
        "--keep", "What the last N deployments of each application replaced (by default 3).", "N", 0
    ),
    days: int | None = number("--days", "What the deployments of this many days replaced.", "D", 1, 36500),
    *,
    common: Reading,
) -> None:
    """List every image that an environment runs or could be rolled back to: what a registry's clean-up must keep.

    Example: bumper images --keep 5
    """
    if keep is not None and days is not None:
        raise WrongUsage("--keep and --days cannot be combined", "give one of the two")
    with common.session() as session:
        from bumper.cli import data, text
        from bumper.commands.images import images as run
        from bumper.records.history import Depth

        since = session.clock.now() - timedelta(days=days) if days is not None else None
        found = run(environments or (), Depth(3 if keep is None else keep, since), session)
    common.run.show(found, data.images_data, text.images_text, found.warnings)


def check(
    context: typer.Context,
    base: str | None = option(
        "--base",
        "The branch that the change is for; by default the merge request's target, else the default branch.",
        "REF",
    ),
    head: str | None = option("--head", "The change's newest commit; by default HEAD.", "REF"),
    note: bool = flag("--note", "Keep a note on the merge request up to date (needs BUMPER_TOKEN)."),
    warn_only: bool = flag("--warn-only", "Exit 0 whatever it finds."),
    code_quality: Path | None = option("--codequality", "Write GitLab's Code Quality report, too.", "FILE", OUTPUT),
    verify: bool = opt.VERIFY,
    verbose: bool = opt.VERBOSE,
    output: Output = opt.OUTPUT_FORM,
) -> None:
    """Check a change of the GitOps repository: which images it changes where, and whether bumper.yaml allows it.

    It reads the git checkout that you are in: in a merge request's pipeline, or anywhere else. The rules are those of
    bumper.yaml on the target branch. It exits 1 if the change breaks one. In a merge request's pipeline GitLab's
    variables CI_MERGE_REQUEST_* say what the change is for. No token is needed; without BUMPER_TOKEN, whether GitLab's
    deploy freezes are on is known from CI_DEPLOY_FREEZE.

    Example: bumper check --base origin/main --no-verify
    """
    from bumper.cli import data, text
    from bumper.commands.check import CheckRequest
    from bumper.commands.check import check as run

    this_run = run_of(context)
    verdict = run(CheckRequest(base, head, verify, note), Path.cwd(), process_environment(), this_run.clock)
    if code_quality is not None:
        data.write_code_quality(code_quality, verdict.findings)
    error = None
    if verdict.findings and not warn_only:
        what = f"bumper.yaml does not allow this change ({count(len(verdict.findings), 'finding')})"
        error = Refused(what, "do what each of them says")
    this_run.show(verdict, data.check_data, text.check_text, (*verdict.odd, *verdict.warnings), error=error)
