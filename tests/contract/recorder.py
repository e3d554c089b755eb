"""The embedded server behind a second address, at which every API request is written down with its answer."""

import io
import json
from collections.abc import Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import requests
from werkzeug import Request, Response
from werkzeug.serving import make_server

from bumper.sandbox import Sandbox
from tests.support.serving import ServingThread

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_BASE = "/api/v4"


@dataclass(frozen=True)
class Exchange:
    """A request of the API, by the names of its parameters, and its answer (None where it has no JSON)."""

    method: str
    path: str  # below /api/v4, as the client sent it
    query: frozenset[str]
    body: frozenset[str]
    status: int
    answer: Any


class Recorder:
    """What is asked at ``url`` is answered by the server itself; a context manager."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.exchanges: list[Exchange] = []
        self._application = sandbox._application
        self._server = make_server("127.0.0.1", 0, self._record, threaded=True)
        self._serving = ServingThread(self._server)

    def __enter__(self) -> Self:
        self._serving.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._serving.stop()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.port}"

    def get(self, path: str, token: str) -> None:
        """Ask the API by hand."""
        requests.get(f"{self.url}{_BASE}{path}", headers={"PRIVATE-TOKEN": token}, timeout=30)

    def _record(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        path = str(environ["RAW_URI"]).partition("?")[0]
        if not path.startswith(f"{_BASE}/"):
            return self._application(environ, start_response)
        request = Request(environ)
        body = request.get_data()
        environ["wsgi.input"] = io.BytesIO(body)
        response = Response.from_app(self._application, environ, buffered=True)
        given = frozenset(json.loads(body)) if body else frozenset()
        answer = response.get_json(silent=True)
        query = frozenset(request.args)
        self.exchanges.append(
            Exchange(request.method, path.removeprefix(_BASE), query, given, response.status_code, answer)
        )
        return response(environ, start_response)
