"""Argo CD on the loopback interface: its API for one application, as unpleasant as the real one (3.6).

An application that is missing answers 403, unless the request names the project. A request with ``refresh`` is not
answered before the controller has reconciled the application, which is never, as long as a test runs.
"""

import contextlib
import json
import ssl
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self, TypeAlias
from urllib.parse import parse_qs, unquote, urlsplit

from tests.support.serving import ServingThread

TOKEN = "argocd-s3cr3t-token"
Answer: TypeAlias = Mapping[str, Any]
Told: TypeAlias = Answer | Callable[[], "Answer | int"] | int


def application(
    *images: str, revision: str | list[str] = "0" * 40, sync: str = "Synced", health: str = "Healthy",
    phase: str = "Succeeded", operation: str | None = None, said: str = "", finished: str = "", dry_run: bool = False,
    **more: object,
) -> Answer:  # fmt: skip
    """An application's status; ``operation`` is the last sync's revision, ``said`` its message."""
    revisions = {"revisions": revision} if isinstance(revision, list) else {"revision": revision}
    operated = {"revision": operation} if operation is not None else revisions
    state = {"phase": phase, "message": said, "syncResult": operated, "operation": {"sync": {"dryRun": dry_run}}}
    return {
        "metadata": {"name": "app", "namespace": "argocd"},
        "status": {
            "sync": {"status": sync, **revisions},
            "health": {"status": health},
            "operationState": {**state, "finishedAt": finished or None},
            "summary": {"images": list(images)} if images else {},
            **more,
        },
    }


class ArgoCd:
    """Tells of each application what ``tell`` was given, one after the other, the last for ever.

    ``requests`` are those that read an application, ``refreshed`` the names of those that were refreshed.
    """

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self._told: dict[str, list[Told]] = {}
        self._reconciled = threading.Event()
        self.project = "default"  # of all applications
        self.refreshed: list[str] = []
        self.requests: list[tuple[str, dict[str, list[str]]]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        if context is not None:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        scheme = "https" if context is not None else "http"
        self.url = f"{scheme}://127.0.0.1:{self._server.server_address[1]}"
        self._serving = ServingThread(self._server)

    def __enter__(self) -> Self:
        self._serving.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._reconciled.set()
        self._serving.stop()

    def tell(self, name: str, *answers: Told) -> None:
        """An answer is a status, a function that makes one, or an HTTP status."""
        self._told[name] = list(answers)

    def answer(self, path: str, token: str | None) -> tuple[int, Answer]:
        parts = urlsplit(path)
        query = parse_qs(parts.query)
        name = unquote(parts.path).removeprefix("/api/v1/applications/")
        if "refresh" in query:
            self.refreshed.append(name)
            self._reconciled.wait()
            return 500, _failure(2, "application refresh deadline exceeded")
        self.requests.append((parts.path, query))
        if token != f"Bearer {TOKEN}":
            return 401, _failure(16, "invalid session: token signature is invalid")
        answers = self._told.get(name)
        if not answers and "project" not in query:
            return 403, _failure(7, "permission denied")
        if not answers or query.get("project", [self.project]) != [self.project]:
            return 404, _failure(5, f'applications.argoproj.io "{name}" not found')
        told = answers.pop(0) if len(answers) > 1 else answers[0]
        now = told() if callable(told) else told
        if isinstance(now, int):
            return now, _failure(7, "permission denied: applications, get, default/app, sub: ci")
        return 200, now

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        argocd = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, told = argocd.answer(self.path, self.headers.get("Authorization"))
                body = json.dumps(told).encode()
                with contextlib.suppress(ConnectionError):  # nobody waits for the answer to a refresh
                    self.send_response(status)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
                """Not on the test's stderr."""

        return Handler


def _failure(code: int, message: str) -> Answer:
    return {"error": message, "code": code, "message": message}
