"""What can go wrong, by what the user can do about it; each carries its exit code (see the contract's exit codes)."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

INTERRUPTED = 130  # the exit code after ^C
_KINDS = {
    "bool": "true or false",
    "dict": "a mapping",
    "float": "a number",
    "int": "a whole number",
    "list": "a list",
    "model": "a mapping",
    "string": "text",
    "tuple": "a list",
}


class BumperError(Exception):
    """A failure in one sentence: ``what`` is wrong and where, then the ``next_step`` for whoever reads it.

    Both are written without the final period; ``next_step`` may end in lines of YAML to add, after a line break.
    """

    exit_code = 3

    def __init__(self, what: str, next_step: str = "") -> None:
        """Join both to the sentence that ``str`` gives."""
        self.what = what.removesuffix(".")
        self.next_step = next_step.removesuffix(".")
        sentence = f"{self.what}; {self.next_step}" if self.next_step else self.what
        super().__init__(sentence if "\n" in sentence or sentence.endswith("?") else f"{sentence}.")


class Refused(BumperError):
    """A mistake in the request, the configuration or the repository: trying again will not help."""

    exit_code = 1


class LookedFarEnough(Refused):
    """The answer is further back in the history than bumper is willing to look."""


class WrongUsage(BumperError):
    """The command line itself is wrong."""

    exit_code = 2


class Unavailable(BumperError):
    """Git, GitLab, Argo CD or a registry did not answer or refused the token: trying again may help."""

    exit_code = 4


class NotDeployed(BumperError):
    """What was waited for is not what runs in the end: not merged in time, closed, held or superseded."""

    exit_code = 5


def expected(error: "ErrorDetails") -> str:
    """What pydantic wants in the place of a wrong value: ``a whole number``, ``'merge' or 'ff'``, ``at least 0``."""
    context, kind = error.get("ctx", {}), error["type"]
    match kind:
        case "literal_error" | "enum":
            return str(context["expected"])
        case "greater_than_equal":
            return f"at least {context['ge']}"
        case "greater_than":
            return f"more than {context['gt']}"
        case "value_error":
            return str(context["error"])
        case _:
            return _KINDS.get(kind.partition("_")[0], "another value")
