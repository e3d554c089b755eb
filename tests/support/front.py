"""What stands before GitLab: it keeps connections, as the embedded server does not, ends TLS, and may be far away."""

import contextlib
import http.client
import ssl
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

_BLOCK = 1 << 16
_OF_THE_CONNECTION = {"connection", "content-length", "transfer-encoding", "keep-alive", "date", "server"}


class _Handler(BaseHTTPRequestHandler):
    """One for each connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "Front"
    asks = False  # the connection has brought a request
    serves_api = False

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Stay silent."""

    def _pass_on(self) -> None:
        front = self.server
        time.sleep(front.delay)
        is_api = self.path.startswith("/api/")
        with front.counting:
            front.requests += 1
            front.connections += not self.asks
            front.api_connections += is_api and not self.serves_api
        self.asks, self.serves_api = True, self.serves_api or is_api
        upstream = http.client.HTTPConnection(str(front.upstream.hostname), front.upstream.port)
        with contextlib.closing(upstream):
            upstream.request(self.command, self.path, self._body(), dict(self.headers.items()))
            self._answer(upstream.getresponse())

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        del self.headers["Transfer-Encoding"]
        body = bytearray()
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return bytes(body)

    def _answer(self, answer: http.client.HTTPResponse) -> None:
        """Pass it on as it comes: what waits for the whole of a clone would make everybody slower."""
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in _OF_THE_CONNECTION:
                self.send_header(name, value)
        empty = self.command == "HEAD" or answer.status in {204, 304}
        if not empty:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while not empty and (block := answer.read1(_BLOCK)):
            self._count(len(block))
            self.wfile.write(b"%x\r\n%s\r\n" % (len(block), block))
        if not empty:
            self.wfile.write(b"0\r\n\r\n")

    def _count(self, size: int) -> None:
        with self.server.counting:
            self.server.sent += size

    def __getattr__(self, name: str) -> Callable[[], None]:
        """Every ``do_METHOD`` is the same."""
        if name.startswith("do_"):
            return self._pass_on
        raise AttributeError(name)


class Front(ThreadingHTTPServer):
    """Passes on to ``upstream``, each request ``delay`` seconds late, and counts."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, upstream: str, tls: ssl.SSLContext | None = None, delay: float = 0.0) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream = urlsplit(upstream)
        self.delay = delay
        self.counting = threading.Lock()
        self.requests = self.connections = self.api_connections = self.sent = 0
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.server_address[1]}"
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def handle_error(self, request: object, client_address: object) -> None:
        """Whoever asks may hang up when it knows enough, as git does."""
