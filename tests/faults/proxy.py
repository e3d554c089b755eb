"""A proxy on loopback, between bumper and its GitLab, that lets chosen requests fail as networks and gateways do."""

import contextlib
import http.client
import re
import socket
import struct
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from tests.support.serving import ServingThread

_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host", "expect"}


@dataclass(frozen=True, slots=True)
class Fault:
    """What becomes of a request. ``reached``: the server gets it all the same, and only its answer is lost."""

    status: int | None = None  # the gateway's own answer
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    cut_after: int | None = None  # so many bytes of the server's body, then the connection is reset
    silent: bool = False  # accepted, never answered
    reached: bool = False


BAD_GATEWAY = Fault(502, body=b"<html><h1>502 Bad Gateway</h1></html>")
UNAVAILABLE = Fault(503, body=b"no server is available")
TOO_MANY = Fault(429, {"Retry-After": "0"}, b"Retry later")
DROPPED = Fault(cut_after=0)
LOST_ANSWER = Fault(cut_after=0, reached=True)
CUT = Fault(cut_after=7, reached=True)
SILENT = Fault(silent=True)


@dataclass(slots=True)
class _Rule:
    fault: Fault | None  # None: it goes through
    method: str
    path: re.Pattern[str]
    passes: int  # so many requests that fit go through first
    times: int  # so many fail then
    first: Callable[[], None] | None = None  # what is done before


class Proxy:
    """Stands before ``upstream``; a context manager."""

    def __init__(self, upstream: str) -> None:
        self.upstream = urlsplit(upstream)
        self.requests: list[tuple[str, str]] = []
        self.headers: list[set[str]] = []  # of each request, the names in lower case
        self.injected = 0
        self.asked = threading.Event()  # a request that is never answered has come
        self.stopping = threading.Event()
        self._rules: list[_Rule] = []
        self._once: tuple[Fault, set[tuple[str, str]]] | None = None
        self._lock = threading.Lock()
        self._server = _Server(self)
        self._serving = ServingThread(self._server)

    def __enter__(self) -> Self:
        self._serving.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stopping.set()
        self._serving.stop()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def fail(self, fault: Fault, *, method: str = "", path: str = "", nth: int = 1, times: int = 1) -> None:
        """The ``nth`` request from now on whose method and path fit (all do by default) fails, ``times`` in a row."""
        with self._lock:
            self._rules.append(_Rule(fault, method, re.compile(path), nth - 1, times))

    def meanwhile(self, action: Callable[[], None], *, nth: int = 1, method: str = "", path: str = "") -> None:
        """Before the ``nth`` request from now on that fits goes through, somebody else does something."""
        with self._lock:
            self._rules.append(_Rule(None, method, re.compile(path), nth - 1, 1, action))

    def fail_each_once(self, fault: Fault) -> None:
        """Every request (by method and URL) fails the first time."""
        with self._lock:
            self._once = (fault, set())

    def heal(self) -> None:
        """Nothing fails any more."""
        with self._lock:
            self._rules.clear()
            self._once = None

    def take(self, method: str, target: str, headers: Iterable[str]) -> Fault | None:
        """The fault of this request, if it has one."""
        path = target.partition("?")[0]
        with self._lock:
            self.requests.append((method, target))
            self.headers.append({name.lower() for name in headers})
            fault, rule = self._first_time(method, target), self._ordered(method, path)
            fault = fault or (rule.fault if rule is not None else None)
            self.injected += fault is not None
        if rule is not None and rule.first is not None:
            rule.first()
        return fault

    def _first_time(self, method: str, target: str) -> Fault | None:
        if self._once is None or (method, target) in self._once[1]:
            return None
        self._once[1].add((method, target))
        return self._once[0]

    def _ordered(self, method: str, path: str) -> _Rule | None:
        for rule in self._rules:
            if rule.method in {"", method} and rule.path.search(path):
                if rule.passes:
                    rule.passes -= 1
                elif rule.times:
                    rule.times -= 1
                    return rule
        return None


class _Handler(BaseHTTPRequestHandler):
    """One connection for each request: what is reset concerns no other."""

    server: "_Server"

    def __getattr__(self, name: str) -> Callable[[], None]:
        """Every ``do_METHOD`` is the same."""
        if name.startswith("do_"):
            return self._answer
        raise AttributeError(name)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Stay silent."""

    def _answer(self) -> None:
        proxy, body = self.server.proxy, self._read_body()
        fault = proxy.take(self.command, self.path, self.headers.keys())
        if fault is None:
            self._send(*self._forward(body))
        elif fault.silent:
            if fault.reached:
                self._forward(body)
            proxy.asked.set()
            proxy.stopping.wait()
        elif fault.status is not None:
            self._send(fault.status, fault.headers, fault.body)
        else:
            self._cut(fault, body)

    def _read_body(self) -> bytes:
        """A small push and all other requests come with their length."""
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _forward(self, body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        upstream = self.server.proxy.upstream
        connection = http.client.HTTPConnection(str(upstream.hostname), upstream.port, timeout=60)
        kept = {name: value for name, value in self.headers.items() if name.lower() not in _HOP_BY_HOP}
        with contextlib.closing(connection):
            connection.request(self.command, self.path, body, kept)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()

    def _send(self, status: int, headers: Mapping[str, str], body: bytes, shown: int | None = None) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            if name.lower() not in _HOP_BY_HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body[:shown])

    def _cut(self, fault: Fault, body: bytes) -> None:
        """End the connection: with a reset at once, or after a part of the answer, which then arrives."""
        answer = self._forward(body) if fault.reached else None
        if answer is not None and fault.cut_after:
            self._send(*answer, fault.cut_after)
        else:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, proxy: Proxy) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.proxy = proxy
