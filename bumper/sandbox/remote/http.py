"""Git over HTTP: git's own ``http-backend`` run as a CGI program, request and response streamed."""

import contextlib
import os
import signal
import subprocess
import threading
from typing import IO

from werkzeug import Request, Response
from werkzeug.exceptions import ClientDisconnected

from bumper.sandbox.git.repository import git_environment
from bumper.sandbox.state.identity import Identity
from bumper.sandbox.state.records import Project
from bumper.sandbox.state.world import World

_BLOCK = 65536
_LONGEST = 1  # second for the answers under way to find that their git has been ended


class GitBackend:
    """Runs ``git http-backend`` and knows the processes that are under way."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._running: set[subprocess.Popen[bytes]] = set()
        self._finished = threading.Condition()

    def answer(self, request: Request, project: Project, identity: Identity, path: str, service: str) -> Response:
        """Hand the request to git; ``path`` is what the client calls the project, ``service`` is as ``info/refs``."""
        process = subprocess.Popen(
            ["git", "http-backend"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**git_environment(), **self._cgi(request, project, identity, path, service)},
            start_new_session=True,
        )
        self._running.add(process)
        feeder = threading.Thread(target=_feed, args=(request, _pipe(process.stdin)), daemon=True)
        feeder.start()
        output = _pipe(process.stdout)
        status, headers = _read_head(output)
        response = Response(iter(lambda: os.read(output.fileno(), _BLOCK), b""), status=status, headers=headers)
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

    def _cgi(self, request: Request, project: Project, identity: Identity, path: str, service: str) -> dict[str, str]:
        """The CGI variables; ``GL_USERNAME`` and the token's number go on to the hooks."""
        headers = request.headers
        token = str(identity.token.id) if identity.token else ""
        return {
            "GIT_PROJECT_ROOT": str(self._world.directory / "repositories"),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": f"/{project.path}.git/{service}",
            "REQUEST_METHOD": request.method,
            "QUERY_STRING": request.query_string.decode("latin-1"),
            "CONTENT_TYPE": headers.get("Content-Type", ""),
            "CONTENT_LENGTH": headers.get("Content-Length", ""),
            "HTTP_CONTENT_ENCODING": headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": headers.get("Git-Protocol", ""),
            "REMOTE_USER": identity.user.username,
            "REMOTE_ADDR": request.remote_addr or "",
            "GL_USERNAME": identity.user.username,
            "BUMPER_SANDBOX_TOKEN": token,
            "BUMPER_SANDBOX_PATH": path,
        }


def _feed(request: Request, stdin: IO[bytes]) -> None:
    """Pass the request's body on, until the client hangs up; what git will not hear is read for the client's sake."""
    listening = True
    with contextlib.suppress(ClientDisconnected, OSError, ValueError):
        while block := request.stream.read(_BLOCK):
            if listening:
                try:
                    stdin.write(block)
                    stdin.flush()
                except BrokenPipeError:
                    listening = False
    with contextlib.suppress(BrokenPipeError):
        stdin.close()


def _read_head(output: IO[bytes]) -> tuple[int, list[tuple[str, str]]]:
    """The CGI header block: the status and the headers. Read bytewise, as what follows is read from the descriptor."""
    status, line = 200, bytearray()
    headers: list[tuple[str, str]] = []
    while byte := os.read(output.fileno(), 1):
        line += byte
        if byte != b"\n":
            continue
        text = line.decode("latin-1").strip()
        line.clear()
        if not text:
            return status, headers
        name, _, value = text.partition(":")
        if name == "Status":
            status = int(value.split()[0])
        else:
            headers.append((name, value.strip()))
    return 500, []


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:  # Popen was asked for pipes
        raise TypeError
    return pipe
