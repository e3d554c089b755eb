"""What bumper doctor finds: checks, and what they come to. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from bumper.errors import BumperError, Refused, Unavailable

_AGAIN = "mend that and run bumper doctor again"


@dataclass(frozen=True, slots=True)
class Check:
    """One check: what was found, and how to mend it.

    ``exit_code`` is 0 unless it found what keeps bump from working; what only deserves attention has a ``mend`` alone.
    """

    name: str
    found: str
    mend: str | None = None
    exit_code: int = 0

    @property
    def ok(self) -> bool:
        """Whether all that bump needs is there."""
        return self.exit_code == 0


def failed(name: str, error: BumperError) -> Check:
    """The check that ended with ``error``: its sentence is what was found, after the last semicolon how to mend it."""
    found, mend = _halves(str(error))
    return Check(name, found, mend, error.exit_code)


def warned(name: str, sentence: str) -> Check:
    """The same for a sentence about what bump does not need."""
    found, mend = _halves(sentence)
    return Check(name, found, mend)


def _halves(sentence: str) -> tuple[str, str]:
    """What and next step, in one line each; messages that list several mistakes have a line for each."""
    line = " ".join(sentence.split()).rstrip(".")
    found, semicolon, mend = line.rpartition("; ")
    return (found, mend) if semicolon else (line, _AGAIN)


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
        f"{len(bad)} of {len(checks)} checks found what keeps bump from working ({names}); mend it as told there and "
        "run bumper doctor again."
    )
