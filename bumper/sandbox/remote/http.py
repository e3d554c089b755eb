"""Git over HTTP: git's own programs, request and response streamed.

As ``git http-backend`` does it, whose two processes more for every request are half of a request's time.
"""

import contextlib
import os
import signal
import subprocess
import threading
import zlib
from itertools import chain
from typing import IO

from werkzeug import Request, Response
from werkzeug.exceptions import ClientDisconnected

from bumper.sandbox.git.repository import git_environment
from bumper.sandbox.state.identity import Identity
from bumper.sandbox.state.records import Project
from bumper.sandbox.state.world import World

_PROGRAMS = frozenset({"git-upload-pack", "git-receive-pack"})
_BLOCK = 65536
_GZIP = zlib.MAX_WBITS | 16  # with gzip's header
_LONGEST = 1  # second for the answers under way to find that their git has been ended


class GitBackend:
    """Runs git for its clients, and knows the processes that are under way."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._running: set[subprocess.Popen[bytes]] = set()
        self._finished = threading.Condition()

    def answer(self, request: Request, project: Project, identity: Identity, path: str, service: str) -> Response:
        """Hand the request to git; ``path`` is what the client calls the project, ``service`` is as ``info/refs``."""
        asks_for_refs = service == "info/refs"
        program = request.args.get("service", "") if asks_for_refs else service
        if program not in _PROGRAMS:
            return Response("This server speaks git's smart protocol only.\n", 403, content_type="text/plain")
        options = ["--stateless-rpc", *(["--advertise-refs"] if asks_for_refs else [])]
        process = subprocess.Popen(
            ["git", program.removeprefix("git-"), *options, str(self._world.repository(project).path)],
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
        head = [_announcement(program)] if asks_for_refs and "version=2" not in _protocol(request).split(":") else []
        kind = f"application/x-{program}-{'advertisement' if asks_for_refs else 'result'}"
        response = Response(chain(head, blocks), headers={"Cache-Control": "no-cache"}, content_type=kind)
        response.call_on_close(lambda: self._finish(process, output, feeder))
        return response

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
        "GIT_PROTOCOL": _protocol(request),
        "GL_USERNAME": identity.user.username,
        "BUMPER_SANDBOX_TOKEN": str(identity.token.id) if identity.token else "",
        "BUMPER_SANDBOX_PATH": path,
    }


def _protocol(request: Request) -> str:
    return request.headers.get("Git-Protocol", "")


def _announcement(program: str) -> bytes:
    """What stands before the refs in the protocol's versions 0 and 1."""
    line = f"# service={program}\n"
    return f"{len(line) + 4:04x}{line}0000".encode()


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
