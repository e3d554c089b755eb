"""The options of every command that proposes changes, written once, and what they mean for the way of a proposal."""

import functools
import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, get_type_hints

import typer

from bumper.cli import options as opt
from bumper.cli.run import Output, Run, confirm, run_of, show
from bumper.cli.screen import screen_of
from bumper.cli.session import Whereabouts, find_repository, open_session
from bumper.errors import NotDeployed, WrongUsage

if TYPE_CHECKING:  # imported where they are used, so that --version and completion start fast
    from bumper.delivery.attempt import DeliveryOptions, Session
    from bumper.delivery.result import Result


@dataclass(frozen=True, slots=True)
class Common:
    """The options that every command takes which opens a merge request, and Typer's context."""

    context: typer.Context

    repo: opt.Repo = None
    branch: opt.Branch = None
    gitlab_url: opt.GitLabUrl = None
    dry_run: opt.DryRun = False
    delivery: opt.DeliveryOption = None
    label: opt.Labels = None
    reviewer: opt.Reviewers = None
    assignee: opt.Assignees = None
    title: opt.Title = None
    reopen: opt.Reopen = False
    auto_merge: opt.AutoMerge = None
    wait: opt.Wait = None
    wait_deployed: opt.WaitDeployed = None
    steady: opt.Steady = None
    yes: opt.Yes = False
    dotenv: opt.Dotenv = None
    verbose: opt.Verbose = False
    output: opt.OutputOption = Output.TEXT

    @property
    def run(self) -> Run:
        """The run of the command line."""
        return run_of(self.context)

    @contextmanager
    def session(self, *, asks_later: bool = False) -> "Iterator[Session]":
        """The session of the command, whose clone goes on while the command is imported.

        ``asks_later``: the command shows its changes and asks, so that nobody has to be asked about the repository.
        Where a request fails after a part of it was done, its warnings are shown, and later jobs get what was done.
        """
        where = Whereabouts(self.repo, self.branch, self.gitlab_url)
        settings = find_repository(self.run, where, changes=not self.dry_run, yes=self.yes or asks_later)
        with open_session(self.run, settings, changes=True) as session:
            try:
                yield session
            except NotDeployed as error:
                from bumper.cli.report_result import write_dotenv
                from bumper.delivery.result import NotDone

                if isinstance(error, NotDone):
                    for warning in error.result.warnings:
                        self.run.progress.print(warning, label="warning")
                    if self.dotenv is not None:
                        write_dotenv(self.dotenv, error.result)
                raise

    def delivery_options(self, *, allow_older: bool = False, rollback_on_failure: bool = False) -> "DeliveryOptions":
        """The way of a proposal."""
        from bumper.delivery.attempt import DeliveryOptions
        from bumper.gitlab.merge_requests import People

        for option, is_given in (("--steady", self.steady is not None), ("--rollback-on-failure", rollback_on_failure)):
            if is_given and self.wait_deployed is None:
                raise WrongUsage(f"{option} is about what Argo CD reports", "add --wait-deployed, such as 20m")
        return DeliveryOptions(
            delivery=self.delivery.value if self.delivery is not None else None,
            people=People(tuple(self.reviewer or ()), tuple(self.assignee or ())),
            labels=tuple(self.label or ()),
            title=self.title,
            reopen=self.reopen,
            allow_older=allow_older,
            auto_merge=self.auto_merge,
            wait=self.wait,
            wait_deployed=self.wait_deployed,
            steady=self.steady,
            rollback_on_failure=rollback_on_failure,
        )

    @property
    def confirm(self) -> "Callable[[Result], None]":
        """Shows what would be proposed and asks whether it shall be: on a terminal, unless ``--yes`` was given."""
        return (lambda _: None) if self.yes or not sys.stdin.isatty() else self._ask

    def _ask(self, result: "Result") -> None:
        from bumper.cli.report_result import question_text

        self.run.progress.print(question_text(result, screen_of(sys.stderr, verbose=self.verbose)))
        self.run.has_shown = sys.stdout.isatty()
        confirm("Propose these changes?")

    def finish(self, result: "Result") -> None:
        """Print the result."""
        from bumper.cli.report_result import result_data, result_text, write_dotenv

        if self.dotenv is not None:  # before stdout has the result: a failure prints one JSON object of its own
            write_dotenv(self.dotenv, result)
        show(
            self.run,
            result_data(result),
            result_text(result, self.run.screen, with_rows=not self.run.has_shown),
            result.warnings,
            diff=result.diff.rstrip("\n"),
        )


def with_common_options(command: Callable[..., None]) -> Callable[..., None]:
    """``command``, whose parameter ``common`` becomes one option for each field: Typer reads options off signatures."""
    hints = get_type_hints(Common, include_extras=True)
    own = inspect.signature(command)
    names = [each.name for each in fields(Common)]
    options = fields(Common)[1:]  # the first is Typer's context
    added = [
        inspect.Parameter(names[0], inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context),
        *(
            inspect.Parameter(
                each.name, inspect.Parameter.KEYWORD_ONLY, default=each.default, annotation=hints[each.name]
            )
            for each in options
        ),
    ]

    @functools.wraps(command)
    def run(**given: Any) -> None:  # noqa: ANN401 - as Typer hands them over
        common = Common(**{name: given.pop(name) for name in names})
        command(**given, common=common)

    kept = [each for each in own.parameters.values() if each.name != "common"]
    run.__signature__ = own.replace(parameters=[*kept, *added])  # type: ignore[attr-defined] # inspect reads it
    run.__annotations__ = {each.name: each.annotation for each in (*kept, *added)}
    return run
