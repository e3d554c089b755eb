"""What can go wrong, by what the user can do about it; each carries its exit code (see the contract's exit codes)."""

INTERRUPTED = 130  # the exit code after ^C


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
        super().__init__(sentence if "\n" in sentence else f"{sentence}.")


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
