"""Runs git: the only place that starts it.

By the standard library, as the clone is not to wait for GitPython's import, which takes as long as a small clone and
runs git once more. Credentials reach git by its environment (GIT_CONFIG_*), never by an argument, a URL or a file, so
that no process list and no .git/config ever shows them.
"""

import contextlib
import logging
import os
import random
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bumper.errors import Unavailable

# What git, curl and ssh say of a fault that may pass.
_PASSING = re.compile(
    r"returned error: (429|502|503|504)|early EOF|unexpected disconnect|the remote end hung up|RPC failed"
    r"|Connection reset|Connection timed out|Connection closed by|Empty reply from server|Recv failure|Send failure"
    r"|Failed to connect|Could not resolve host|Broken pipe|transfer closed|invalid index-pack output",
    re.IGNORECASE,
)
_PAUSES = (0.3, 1.0, 3.0)  # seconds
_WORDS = {"LANGUAGE": "C", "LC_ALL": "C"}  # what git says is read here, so it is not to be translated
_log = logging.getLogger(__name__)
NETWORK_SECONDS = 600  # the whole of one clone, fetch or push
LOCAL_SECONDS = 120


class GitFailed(Exception):
    """Git ended with an error; ``stderr`` is what it said, ``stdout`` what it printed before (a push's report).

    ``again``: it was tried before, and the server may have done what was asked then, its answer lost on the way.
    """

    def __init__(self, stderr: str, stdout: str = "") -> None:
        """Both as text, undecodable bytes replaced."""
        super().__init__(stderr)
        self.stderr = stderr
        self.stdout = stdout
        self.again = False


@dataclass(frozen=True, slots=True)
class GitCommand:
    """Git in one bare repository, with the credentials of one remote."""

    directory: Path
    environ: Mapping[str, str] = field(repr=False)

    def run(self, *arguments: str, stdin: bytes = b"", seconds: int = LOCAL_SECONDS) -> bytes:
        """What ``git arguments`` prints, given ``stdin``.

        Raises:
            GitFailed: git ended with an error.
            Unavailable: it took longer than ``seconds``, or there is no git.

        """
        return self._run(arguments, stdin, seconds)[0]

    def _run(self, arguments: Sequence[str], stdin: bytes, seconds: int) -> tuple[bytes, str]:
        """What it prints and what it says on the side (stderr)."""
        return self.start(*arguments).end(stdin, seconds)

    def start(self, *arguments: str) -> "RunningGit":
        """``git arguments``, which goes on by itself until somebody waits for its end.

        Raises:
            Unavailable: there is no git.

        """
        _log.debug("git %s", " ".join(arguments))  # credentials are in the environment, never here
        try:
            process = subprocess.Popen(
                ["git", f"--git-dir={self.directory}", *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=self.directory.parent,
                env={**os.environ, **_WORDS, **self.environ},
                start_new_session=True,
            )
        except FileNotFoundError as error:
            raise Unavailable("git was not found; install git 2.31 or newer.") from error
        except OSError as error:
            raise Unavailable(f"git {arguments[0]} could not be started: {error.__class__.__name__}.") from error
        return RunningGit(process, arguments[0])

    def over_network(self, *arguments: str, stdin: bytes = b"", started: "RunningGit | None" = None) -> str:
        """The same with the remote: what fails for a moment (a gateway's error, a cut connection) is tried again.

        ``started`` is the first try, where it is under way already. Returns what git and the server said on the side:
        GitLab's ``remote:`` lines among it.
        """
        pauses, again = iter(_PAUSES), False
        while True:
            try:
                return (started or self.start(*arguments)).end(stdin, NETWORK_SECONDS)[1]
            except GitFailed as failure:
                pause = next(pauses, None)
                if pause is None or _PASSING.search(failure.stderr) is None:
                    failure.again = again
                    raise
            again, started = True, None
            time.sleep(random.uniform(pause / 2, pause))  # noqa: S311 - jitter, no secret

    def text(self, *arguments: str, stdin: bytes = b"", seconds: int = LOCAL_SECONDS) -> str:
        """The same as text without the last line end."""
        return self.run(*arguments, stdin=stdin, seconds=seconds).decode(errors="replace").removesuffix("\n")


@dataclass(frozen=True, slots=True)
class RunningGit:
    """A git that is running."""

    _process: "subprocess.Popen[bytes]"
    _verb: str

    def end(self, stdin: bytes, seconds: int) -> tuple[bytes, str]:
        """What it prints and what it says on the side (stderr).

        Raises:
            GitFailed: it ended with an error. Unavailable: it took longer than ``seconds``.

        """
        with _ended(self._process):
            try:
                out, err = self._process.communicate(stdin, timeout=seconds)
            except subprocess.TimeoutExpired as error:
                raise Unavailable(f"git {self._verb} had no end after {seconds} s; try again.") from error
        if self._process.returncode != 0:
            raise GitFailed(err.decode(errors="replace"), out.decode(errors="replace"))
        return bytes(out), err.decode(errors="replace")

    def drop(self) -> None:
        """Nobody is interested in its end any more; it is stopped, if it has not ended already."""
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()
        self._process.wait()


@contextlib.contextmanager
def _ended(process: "subprocess.Popen[bytes]") -> Iterator[None]:
    """Whatever happens, ^C included, no git goes on writing into a folder that is about to be removed."""
    try:
        yield
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
