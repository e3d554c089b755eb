"""What can go wrong, by what the user can do about it; each carries its exit code (see the contract's exit codes)."""

INTERRUPTED = 130  # the exit code after ^C


class BumperError(Exception):
    """A failure that is told in one sentence: what, where, and what to do next."""

    exit_code = 3


class Refused(BumperError):
    """A mistake in the request, the configuration or the repository: trying again will not help."""

    exit_code = 1


class WrongUsage(BumperError):
    """The command line itself is wrong."""

    exit_code = 2


class Unavailable(BumperError):
    """Git, GitLab, Argo CD or a registry did not answer or refused the token: trying again may help."""

    exit_code = 4


class NotDeployed(BumperError):
    """What was waited for is not what runs in the end: not merged in time, closed, held or superseded."""

    exit_code = 5
