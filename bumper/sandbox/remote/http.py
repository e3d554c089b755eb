"""Git over HTTP: git's own programs, request and response streamed.

As ``git http-backend`` does it, whose two processes more for every request are half of a request's time.
"""

import contextlib
import os
import signal
import subprocess
import threading
import zlib
from typing import IO

from werkzeug import Request, Response
from werkzeug.exceptions import ClientDisconnected

from bumper.sandbox.git.repository import Repository, git_environment
from bumper.sandbox.state.identity import Identity
from bumper.sandbox.state.records import Project
from bumper.sandbox.state.world import World

_UNCACHED = {"Cache-Control": "no-cache"}
_BLOCK = 65536
_GZIP = zlib.MAX_WBITS | 16  # with gzip's header
_LONGEST = 1  # second for the answers under way to find that their git has been ended


class GitBackend:
    """Runs git for its clients, and knows the processes that are under way."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._capabilities = b""
        self._running: set[subprocess.Popen[bytes]] = set()
        self._finished = threading.Condition()

    def answer(self, request: Request, project: Project, identity: Identity, path: str, service: str) -> Response:
        """Hand the request to git; ``path`` is what the client calls the project, ``service`` is as ``info/refs``."""
        repository = self._world.repository(project)
        if service == "info/refs":
            return self._announce(repository, request.args.get("service", ""), request.headers.get("Git-Protocol", ""))
        process = subprocess.Popen(
            ["git", service.removeprefix("git-"), "--stateless-rpc", str(repository.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**git_environment(), **_environment(request, identity, path)},
            start_new_session=True,
        )
        self._running.add(process)
        feeder = threading.Thread(target=_feed, args=(request, _pipe(process.stdin)), daemon=True)
        feeder.start()
        output = _pipe(process.stdout)
        blocks = iter(lambda: os.read(output.fileno(), _BLOCK), b"")
        response = Response(blocks, headers=_UNCACHED, content_type=f"application/x-{service}-result")
        response.call_on_close(lambda: self._finish(process, output, feeder))
        return response

    def _announce(self, repository: Repository, program: str, protocol: str) -> Response:
        """The refs; by the protocol's version 2 upload-pack names only what it can do, in every repository the same."""
        if program not in {"git-upload-pack", "git-receive-pack"}:
            return Response("This server speaks git's smart protocol only.\n", 403, content_type="text/plain")
        is_constant = (program, protocol) == ("git-upload-pack", "version=2")
        text = self._capabilities if is_constant else b""
        if not text:
            command = (program.removeprefix("git-"), "--stateless-rpc", "--advertise-refs", str(repository.path))
            text = repository.git_bytes(*command, environment={"GIT_PROTOCOL": protocol})
        if is_constant:
            self._capabilities = text
        if "version=2" not in protocol.split(":"):
            line = f"# service={program}\n"
            text = f"{len(line) + 4:04x}{line}0000".encode() + text
        return Response(text, headers=_UNCACHED, content_type=f"application/x-{program}-advertisement")

    def stop(self) -> None:
        """End the processes that are under way, with their children."""
        for process in list(self._running):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        with self._finished:
            self._finished.wait_for(lambda: not self._running, timeout=_LONGEST)

    def _finish(self, process: subprocess.Popen[bytes], output: IO[bytes], feeder: threading.Thread) -> None:
        """The response is through, or the client gone: then git still writes, and notices the closed pipe."""
        output.close()
        feeder.join()
        process.wait()
        with self._finished:
            self._running.discard(process)
            self._finished.notify_all()


def _environment(request: Request, identity: Identity, path: str) -> dict[str, str]:
    """``GL_USERNAME`` and what follows it go on to the hooks."""
    return {
        "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
        "GL_USERNAME": identity.user.username,
        "BUMPER_SANDBOX_TOKEN": str(identity.token.id) if identity.token else "",
        "BUMPER_SANDBOX_PATH": path,
    }


def _feed(request: Request, stdin: IO[bytes]) -> None:
    """Pass the request's body on, until the client hangs up; what git will not hear is read for the client's sake."""
    listening = True
    unzip = zlib.decompressobj(_GZIP).decompress if request.headers.get("Content-Encoding") == "gzip" else bytes
    with contextlib.suppress(ClientDisconnected, OSError, ValueError, zlib.error):
        while block := request.stream.read(_BLOCK):
            if listening:
                try:
                    stdin.write(unzip(block))
                    stdin.flush()
                except BrokenPipeError:
                    listening = False
    with contextlib.suppress(BrokenPipeError):
        stdin.close()


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:  # Popen was asked for pipes
        raise TypeError
    return pipe
