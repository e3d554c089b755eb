"""What bumper doctor finds: checks, and what they come to. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from bumper.errors import BumperError, Refused, Unavailable

_AGAIN = "fix that and run bumper doctor again"
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


def failed(name: str, error: BumperError) -> Check:
    """The check that ended with ``error``."""
    return Check(name, _in_one_line(error.what), _in_one_line(error.next_step) or _AGAIN, error.exit_code)


def warned(name: str, error: BumperError) -> Check:
    """A check that ended with an error about something that bump does not need."""
    return replace(failed(name, error), exit_code=0)


def first_of(
    checks: Sequence[Check], more: str, next_step: str = "fix those first, then run bumper doctor again"
) -> Iterator[Check]:
    """The first ten of ``checks`` with one name; where there are ``more`` of them, how many."""
    yield from checks[:_MAX_CHECKS]
    if len(checks) > _MAX_CHECKS:
        yield Check(checks[0].name, f"{len(checks) - _MAX_CHECKS} {more}", next_step)


def grouped(group: str, checks: Iterable[Check]) -> list[Check]:
    """The checks under a common heading."""
    return [replace(check, group=group) for check in checks]


def _in_one_line(text: str) -> str:
    """Messages that list several mistakes have a line for each."""
    return " ".join(text.split())


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
