"""What bumper doctor finds: checks, reported under a common heading, and what they come to."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bumper.environments.config_models import Config
from bumper.environments.repository import RepositoryConfig
from bumper.errors import BumperError, Refused, Unavailable

_AGAIN = "fix that and run bumper doctor again"
_FIRST = "fix those first, then run bumper doctor again"
_MAX_CHECKS = 10  # of one kind


@dataclass(frozen=True, slots=True)
class Check:
    """One check: what was found, and the next step where there is something to do.

    ``exit_code`` is 0 unless the finding keeps bump from working; a finding that only deserves attention has a next
    step and no exit code.
    """

    name: str
    found: str
    next_step: str | None = None
    exit_code: int = 0
    group: str = ""  # what it is about, for people

    @property
    def ok(self) -> bool:
        """Whether all that bump needs is there."""
        return self.exit_code == 0


@dataclass(frozen=True, slots=True)
class Report:
    """The checks of one group, in the order in which they were made."""

    group: str
    checks: list[Check] = field(default_factory=list)

    def add(self, name: str, found: str, next_step: str | None = None) -> None:
        """Report what bump can work with; a ``next_step`` makes it a piece of advice."""
        self.checks.append(Check(name, found, next_step, group=self.group))

    def fail(self, name: str, error: BumperError) -> None:
        """Report an error that keeps bump from working."""
        self.checks.append(Check(name, *in_one_line(error), error.exit_code, self.group))

    @contextlib.contextmanager
    def check(self, name: str) -> Iterator[None]:
        """Look at something; an error ends that, and is reported as a failed check of this name."""
        try:
            yield
        except BumperError as error:
            self.fail(name, error)

    def add_first(self, name: str, found: Sequence[tuple[str, str]], more: str, next_step: str = _FIRST) -> None:
        """Report the first ten of what was ``found``, each with its next step; of ``more`` of them only how many."""
        for text, fix in found[:_MAX_CHECKS]:
            self.add(name, text, fix)
        if len(found) > _MAX_CHECKS:
            self.add(name, f"{len(found) - _MAX_CHECKS} {more}", next_step)


@dataclass(frozen=True, slots=True)
class ProjectUse:
    """How bumper uses the project, as far as the checks before have shown.

    ``branch`` is None for the project's default branch. ``setup`` and ``files`` are None where the repository could
    not be read, ``may_push`` where no push was tried with the token.
    """

    branch: str | None
    has_branch: bool
    setup: RepositoryConfig | None
    files: frozenset[str] | None = None
    may_push: bool | None = None

    @property
    def config(self) -> Config:
        """bumper.yaml, or the defaults."""
        return self.setup.config if self.setup is not None else Config()

    @property
    def by_commit(self) -> list[str]:
        """The environments that are pushed straight to the branch."""
        return [name for name, config in self.config.environments.items() if config.delivery == "commit"]

    @property
    def by_request(self) -> list[str]:
        """The environments that take merge requests."""
        known = self.setup.layout.environments if self.setup is not None else ()
        return [name for name in known if name not in self.by_commit]


def in_one_line(error: BumperError) -> tuple[str, str]:
    """What is wrong and the next step, where an error that lists several mistakes has a line for each."""
    return " ".join(error.what.split()), " ".join(error.next_step.split()) or _AGAIN


def failure(checks: Sequence[Check]) -> BumperError | None:
    """The error that the checks come to, None where bump has all that it needs.

    A mistake weighs more than a server that does not answer: trying again does not help against it.
    """
    bad = [check for check in checks if not check.ok]
    if not bad:
        return None
    kind = Refused if any(check.exit_code == Refused.exit_code for check in bad) else Unavailable
    names = ", ".join(dict.fromkeys(check.name for check in bad))
    return kind(
        f"{len(bad)} of {len(checks)} checks failed ({names})",
        "fix what they report and run `bumper doctor` again",
    )
