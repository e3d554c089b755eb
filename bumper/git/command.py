"""Runs git through GitPython's command object: the only place that starts it.

GitPython knows how git is found and started on each system; the environment, time limits, process group and errors are
bumper's. Of GitPython's own errors nothing is shown: they quote the command line and hide less in it than they seem to.
"""

import contextlib
import logging
import os
import random
import re
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bumper.clock import SYSTEM_CLOCK, Clock
from bumper.errors import Unavailable
from bumper.settings import Settings

if TYPE_CHECKING:  # imported where git is started: GitPython runs git as soon as it is imported
    from git import Git

# What git, curl and ssh write about a fault that may pass.
_PASSING = re.compile(
    r"returned error: (429|502|503|504)|early EOF|unexpected disconnect|the remote end hung up|RPC failed"
    r"|Connection reset|Connection timed out|Connection closed by|Empty reply from server|Recv failure|Send failure"
    r"|Failed to connect|Could not resolve host|Broken pipe|transfer closed|invalid index-pack output",
    re.IGNORECASE,
)
_PAUSES = (0.3, 1.0, 3.0)  # seconds
_NOT_FOUND = Unavailable("git was not found", "install git 2.31 or newer")
_log = logging.getLogger(__name__)
NETWORK_TIMEOUT = 600  # seconds for the whole of one clone, fetch or push
_LOCAL_TIMEOUT = 120  # seconds
FETCH = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head")  # nothing but what is named is fetched

# What a git hook leaves in the environment (git rev-parse --local-env-vars): with these, git would work on another
# repository than ours. GIT_CONFIG_*, GIT_SSH* and GIT_SSL* stay: by them people set up SSH, CAs and proxies.
_INHERITED = re.compile(
    "GIT_(ALTERNATE_OBJECT_DIRECTORIES|COMMON_DIR|DIR|GRAFT_FILE|IMPLICIT_WORK_TREE|INDEX_FILE|INTERNAL_SUPER_PREFIX"
    "|NAMESPACE|NO_REPLACE_OBJECTS|OBJECT_DIRECTORY|PREFIX|REPLACE_REF_BASE|SHALLOW_FILE|WORK_TREE)"
)
_CONFIG = {
    "core.hooksPath": os.devnull,  # nobody's hooks run on bumper's commits and pushes
    "fetch.writeCommitGraph": "false",
    "gc.auto": "0",
    "http.followRedirects": "false",  # the token's header would go with a redirect to another host
    "http.lowSpeedLimit": "1",
    "http.lowSpeedTime": "20",  # seconds without a byte: a server that accepts and never answers
    "maintenance.auto": "false",
    "protocol.allow": "never",
    "protocol.http.allow": "always",
    "protocol.https.allow": "always",
    "protocol.ssh.allow": "always",
    "push.followTags": "false",
    "push.gpgSign": "false",
}


class GitFailed(Exception):
    """Git ended with an error; ``stderr`` and ``stdout`` are what it wrote until then (a push writes its report there).

    ``repeated``: it was not the first try, and the server may have done what an earlier one asked for, its answer lost.
    """

    def __init__(self, stderr: str, stdout: str = "") -> None:
        """Both as text, undecodable bytes replaced."""
        super().__init__(stderr)
        self.stderr = stderr
        self.stdout = stdout
        self.repeated = False


@dataclass(frozen=True, slots=True)
class GitCommand:
    """Git in one repository, with the credentials of one remote; it runs in the folder that holds ``directory``.

    ``environment`` is what git sees beside the process's own; a variable that is None there it does not see.
    """

    directory: Path
    environment: Mapping[str, str | None] = field(default_factory=dict, repr=False)  # credentials among it
    clock: Clock = SYSTEM_CLOCK  # by which it waits before it tries again

    def with_environment(self, added: Mapping[str, str]) -> "GitCommand":
        """Git that sees these variables, too."""
        return replace(self, environment={**self.environment, **added})

    def run(self, *arguments: str, stdin: bytes = b"", timeout: int = _LOCAL_TIMEOUT) -> bytes:
        """What ``git arguments`` prints, given ``stdin``.

        GitFailed where git ended with an error; Unavailable where it took longer than ``timeout`` seconds, or there is
        no git.
        """
        return self.start(*arguments).wait(stdin, timeout)[0]

    def text(self, *arguments: str, stdin: bytes = b"", timeout: int = _LOCAL_TIMEOUT) -> str:
        """What ``git arguments`` prints as text, without the last line end; raises what ``run`` raises."""
        return self.run(*arguments, stdin=stdin, timeout=timeout).decode(errors="replace").removesuffix("\n")

    def query(self, *arguments: str) -> str:
        """What ``git arguments`` prints as text, empty where it ends with an error: so git says no."""
        try:
            return self.text(*arguments)
        except GitFailed:
            return ""

    def over_network(self, *arguments: str, stdin: bytes = b"") -> str:
        """What ``git arguments`` and the server write to stderr: GitLab's ``remote:`` lines among it.

        What fails for a moment (a gateway's error, a cut connection) is tried again. Raises what ``run`` raises.
        """
        return self.finish(self.start(*arguments), stdin)

    def finish(self, running: "RunningGit", stdin: bytes = b"") -> str:
        """Wait for what ``start`` began, as the first try of ``over_network``."""
        pauses, repeated = iter(_PAUSES), False
        while True:
            try:
                return running.wait(stdin, NETWORK_TIMEOUT)[1]
            except GitFailed as failure:
                pause = next(pauses, None)
                if pause is None or _PASSING.search(failure.stderr) is None:
                    failure.repeated = repeated
                    raise
            self.clock.sleep(random.uniform(pause / 2, pause))  # noqa: S311 - jitter, no secret
            running, repeated = self.start(*running.arguments), True

    def start(self, *arguments: str) -> "RunningGit":
        """``git arguments``, which goes on by itself until somebody waits for its end.

        Unavailable where there is no git, or the machine cannot start it.
        """
        _log.debug("git %s", " ".join(arguments))  # credentials are in the environment, never here
        try:
            from git import Git, GitCommandNotFound
        except ImportError as error:  # its import runs ``git version``
            raise _NOT_FOUND from error
        added = {name: value for name, value in self.environment.items() if value is not None}
        # GitPython adds to the process's environment and takes nothing out; env(1) does.
        removed = [part for name, value in self.environment.items() if value is None for part in ("-u", name)]
        # And it would expand variables in the name of a folder that it is given.
        place = ["-C", str(self.directory.parent), f"--git-dir={self.directory}"]
        command = [*(["env", *removed] if removed else []), Git.GIT_PYTHON_GIT_EXECUTABLE or "git", *place, *arguments]
        try:
            process = Git().execute(
                command, istream=subprocess.PIPE, as_process=True, env=added, start_new_session=True
            )
        except GitCommandNotFound as error:
            raise _NOT_FOUND from error
        except OSError as error:
            raise Unavailable(f"git {arguments[0]} could not be started ({error.strerror})", "run it again") from error
        return RunningGit(process, arguments)


@dataclass(frozen=True, slots=True)
class RunningGit:
    """A git that is running; GitPython stops it when nobody holds it any more."""

    _process: "Git.AutoInterrupt"
    arguments: tuple[str, ...]

    def wait(self, stdin: bytes, timeout: int) -> tuple[bytes, str]:
        """Wait for its end; what it prints, and what it writes to stderr.

        GitFailed where it ended with an error; Unavailable where it took longer than ``timeout`` seconds.
        """
        try:
            out, err = self._process.communicate(stdin, timeout=timeout)
        except subprocess.TimeoutExpired as error:
            self.stop()
            raise Unavailable(f"git {self.arguments[0]} did not end within {timeout} s", "run it again") from error
        except BaseException:  # ^C included: no git goes on writing into a folder that is about to be removed
            self.stop()
            raise
        if self._process.returncode != 0:
            raise GitFailed(err.decode(errors="replace"), out.decode(errors="replace"))
        return out, err.decode(errors="replace")

    def stop(self) -> None:
        """Stop it, if it has not ended, with the programs that it has started; stopping it twice does no harm."""
        process = self._process.proc
        assert process is not None  # noqa: S101 - GitPython takes it away when this object goes
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                stream.close()
        process.wait()


def local_environment(inherited: Mapping[str, str]) -> dict[str, str | None]:
    """Git in a repository of this machine: without what a git hook around bumper left in the environment."""
    return {"GIT_OPTIONAL_LOCKS": "0"} | {name: None for name in inherited if _INHERITED.fullmatch(name)}


def git_environment(
    settings: Settings, inherited: Mapping[str, str], own: Sequence[tuple[str, str]] = ()
) -> dict[str, str | None]:
    """Git in the clone of the GitOps repository; ``own`` are further settings.

    Credentials come to git this way alone, never by an argument, a URL or a file, so that no process list and no
    .git/config ever shows one.
    """
    added: dict[str, str | None] = {name: None for name in inherited if _INHERITED.fullmatch(name)}
    added |= {"GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "true"}
    config = [*own, *_CONFIG.items()]
    address = settings.address
    if not address.over_ssh:
        if settings.token is not None:
            config.append((f"http.{address.url}.extraHeader", f"Authorization: Basic {settings.token.basic}"))
            config.append(("credential.helper", ""))  # a refused token is not to be asked of a helper again
        if settings.ca_file is not None:
            key = "http.sslCAPath" if settings.ca_file.is_dir() else "http.sslCAInfo"
            config.append((key, str(settings.ca_file)))
    elif "GIT_SSH_COMMAND" not in inherited and "GIT_SSH" not in inherited:
        added["GIT_SSH_COMMAND"] = "ssh -o BatchMode=yes -o ConnectTimeout=30 -o ServerAliveInterval=15"
    count = inherited.get("GIT_CONFIG_COUNT", "")
    first = int(count) if count.isdecimal() else 0  # after those that somebody set already
    added["GIT_CONFIG_COUNT"] = str(first + len(config))
    for number, (key, value) in enumerate(config, first):
        added |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return added
