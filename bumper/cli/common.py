"""The options of every command that works on the GitOps repository, written once, and the session that they ask for."""

import functools
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import typer

from bumper.cli import options as opt
from bumper.cli.options import MERGE_REQUEST, OUTPUT, WAITING, flag, option, seconds
from bumper.cli.run import Output, Run, confirm, run_of
from bumper.cli.screen import Style, screen_of
from bumper.errors import NotDeployed, WrongUsage
from bumper.settings import Settings, environment, read_settings

if TYPE_CHECKING:  # imported where they are used, so that --version and completion start fast
    from bumper.delivery.attempt import DeliveryOptions, Session
    from bumper.delivery.result import Result

_CONFIG_FILE = "bumper.yaml"
_TOKENS = ("BUMPER_TOKEN", "GITLAB_TOKEN")
_WHO = "GITLAB_USER_LOGIN"


@dataclass(frozen=True, slots=True)
class Reading:
    """The options of a command that reads the GitOps repository, and Typer's context."""

    context: typer.Context
    repo: str | None = opt.REPO
    branch: str | None = opt.BRANCH
    gitlab_url: str | None = opt.GITLAB_URL
    verbose: bool = opt.VERBOSE
    output: Output = opt.OUTPUT_FORM

    @property
    def run(self) -> Run:
        """The run of the command line."""
        return run_of(self.context)

    @contextmanager
    def session(self) -> Iterator["Session"]:
        """The session of the command, whose clone goes on while the command is imported."""
        with _open_session(self.run, self.settings()) as session:
            yield session

    def settings(self, *, changes: bool = False, yes: bool = False) -> Settings:
        """The settings for the repository that is named; else, outside CI, for the origin of the checkout around.

        An inferred repository is named on stderr; a command that ``changes`` it asks, unless ``yes``. It is WrongUsage
        if there is nobody to ask, or if no repository is named and none can be inferred.
        """
        environ, branch, gitlab_url = environment(), self.branch, self.gitlab_url
        if self.repo or environ.get("CI"):
            return read_settings(environ, repo=self.repo, branch=branch, gitlab_url=gitlab_url)
        root, url = _origin_around(environ)
        settings = read_settings(environ, repo=url, branch=branch, gitlab_url=gitlab_url, inferred=True)
        shown = f"{settings.address.url} (origin of {root})"
        if changes and not sys.stdin.isatty():
            what = f"without a terminal to ask on, {shown} is not changed"
            raise WrongUsage(what, "name it: give --repo or BUMPER_REPO")
        self.run.print(f"GitOps repository: {shown}")
        unused = next((name for name in _TOKENS if environ.get(name)), None)
        if unused is not None and (settings.token is None or settings.token.source not in _TOKENS):
            what = f"{unused} is not used, because only the checkout names this server"
            self.run.print(f"{what}; set BUMPER_GITLAB_URL to its URL, or give --repo.", Style.WARNING)
        if changes and not yes:
            confirm("Change this repository?")
        return settings


@dataclass(frozen=True, slots=True)
class Changing(Reading):
    """The options of a command that opens a merge request."""

    dry_run: bool = flag("--dry-run", "Show the diff and the merge request, change nothing.")
    delivery: Literal["merge-request", "commit"] | None = option(
        "--delivery", "By merge request, or straight to the branch.", None, MERGE_REQUEST
    )
    label: list[str] | None = option("--label", "A label of the merge request (repeatable).", "NAME", MERGE_REQUEST)
    reviewer: list[str] | None = option("--reviewer", "A reviewer's user name (repeatable).", "USER", MERGE_REQUEST)
    assignee: list[str] | None = option("--assignee", "An assignee's user name (repeatable).", "USER", MERGE_REQUEST)
    title: str | None = option("--title", "The merge request's title.", "TEXT", MERGE_REQUEST)
    reopen: bool = flag("--reopen", "Propose it again after somebody closed it.", MERGE_REQUEST)
    auto_merge: bool | None = flag(
        "--auto-merge/--no-auto-merge", "Have GitLab merge it as soon as all checks pass.", WAITING, default=None
    )
    wait: float | None = seconds("--wait", "Wait up to this long for the merge (also 90s, 10m, 2h, 1d).")
    wait_deployed: float | None = seconds(
        "--wait-deployed", "Wait up to this long until Argo CD reports it running and healthy (implies --wait)."
    )
    steady: float | None = seconds("--steady", "With --wait-deployed: and stays healthy for this long (also 15m).")
    yes: bool = flag("--yes -y", "Do not ask for confirmation (without a terminal, nothing is asked).")
    dotenv: Path | None = option("--dotenv", "Write the result as GitLab dotenv variables.", "FILE", OUTPUT)

    @contextmanager
    def session(self, *, asks_later: bool = False) -> Iterator["Session"]:
        """The session of the command, whose clone goes on while the command is imported.

        ``asks_later``: the command shows its changes and asks, so that nobody has to be asked about the repository.
        Where a request fails after a part of it was done, its warnings are shown, and later jobs get what was done.
        """
        settings = self.settings(changes=not self.dry_run, yes=self.yes or asks_later)
        with _open_session(self.run, settings, changes=True) as session:
            try:
                yield session
            except NotDeployed as error:
                from bumper.cli.data import result_data
                from bumper.delivery.result import NotDone

                if isinstance(error, NotDone):
                    self.run.done = result_data(error.result)
                    for warning in error.result.warnings:
                        self.run.print(warning, Style.WARNING)
                    self._write_dotenv(error.result)
                raise

    def delivery_options(self, *, allow_older: bool = False, rollback_on_failure: bool = False) -> "DeliveryOptions":
        """The way of a proposal."""
        from bumper.delivery.attempt import DeliveryOptions
        from bumper.gitlab.merge_request_changes import People

        for name, is_given in (("--steady", self.steady is not None), ("--rollback-on-failure", rollback_on_failure)):
            if is_given and self.wait_deployed is None:
                raise WrongUsage(f"{name} is about what Argo CD reports", "add --wait-deployed, such as 20m")
        people = People(tuple(self.reviewer or ()), tuple(self.assignee or ()))
        return DeliveryOptions(
            self.delivery, people, tuple(self.label or ()), self.title, self.reopen, allow_older, self.auto_merge,
            self.wait, self.wait_deployed, self.steady, rollback_on_failure,
        )  # fmt: skip

    def confirm(self, result: "Result") -> None:
        """Show what would be proposed and ask whether it shall be: on a terminal, unless ``--yes`` was given."""
        from bumper.cli.text import question_text

        if not self.yes and sys.stdin.isatty():
            self.run.print(question_text(result, screen_of(sys.stderr, verbose=self.verbose)))
            self.run.has_shown = sys.stdout.isatty()
            confirm("Propose these changes?")

    def finish(self, result: "Result") -> None:
        """Print the result, for later jobs, too."""
        from bumper.cli import data, text

        self._write_dotenv(result)  # before stdout has the result: a failure prints one JSON object of its own
        as_text = functools.partial(text.result_text, with_rows=not self.run.has_shown)
        self.run.show(result, data.result_data, as_text, result.warnings, diff=result.diff.rstrip("\n"))

    def _write_dotenv(self, result: "Result") -> None:
        if self.dotenv is not None:
            from bumper.cli.data import write_dotenv

            write_dotenv(self.dotenv, result)


def with_options(command: Callable[..., None]) -> Callable[..., None]:
    """``command`` as Typer reads it: the fields of its parameter ``common`` become options, behind its own ones."""
    own = dict(inspect.signature(command).parameters)
    kind = own.pop("common").annotation
    shared = [
        inspect.Parameter(one.name, inspect.Parameter.KEYWORD_ONLY, default=one.default, annotation=one.type)
        for one in fields(kind)
    ]
    shared.sort(key=lambda one: one.name in {"verbose", "output"})  # which end every help

    @functools.wraps(command)
    def run(**given: Any) -> None:
        command(common=kind(**{one.name: given.pop(one.name) for one in shared}), **given)

    parameters = [*own.values(), *shared]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined] # inspect reads it
    run.__annotations__ = {one.name: one.annotation for one in parameters}
    return run


def _origin_around(environ: Mapping[str, str]) -> tuple[Path, str]:
    from bumper.git.local_tree import find_root, is_tracked, origin_of

    root, hint = find_root(Path()), "give --repo URL or set BUMPER_REPO"
    if root is None:
        raise WrongUsage("no GitOps repository is named", hint)
    tracked, url = is_tracked(root, _CONFIG_FILE, environ), origin_of(root, environ)
    if not tracked or url is None:
        missing = "has no remote origin" if tracked else f"tracks no {_CONFIG_FILE} at its root"
        raise WrongUsage(f"no GitOps repository is named, and the checkout {root} {missing}", hint)
    return root, url


@contextmanager
def _open_session(run: Run, settings: Settings, *, changes: bool = False) -> Iterator["Session"]:
    """The session, whose clone is removed at the end; one that ``changes`` something records who asks for it.

    Outside CI, where GitLab names nobody, that is whoever git takes for the person at this machine.
    """
    from bumper.git.clone import start_clone

    environ = environment()
    with start_clone(settings, environ, run.clock) as cloning:
        from bumper.delivery.attempt import make_session

        if changes and not environ.get("CI") and not environ.get(_WHO):
            from bumper.git.local_tree import person

            name = person(Path(), environ)
            environ = {**environ, _WHO: name} if name is not None else environ
        yield make_session(environ, cloning, run.print, run.clock)
