"""A registry on the loopback interface that behaves like the one of a table's row: its login, headers and quirks."""

import base64
import contextlib
import hashlib
import json
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from tests.support.serving import ServingThread

TOKEN = "a-bearer-token"
PASSWORD = "hunter2-s3cret"
IDENTITY_TOKEN = "an-identity-token"
INDEX = json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json"}).encode()
DIGEST = f"sha256:{hashlib.sha256(INDEX).hexdigest()}"
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"


@dataclass(frozen=True, slots=True)
class Behaviour:
    """A row of the table; ``realm`` is a path here, or a whole URL for a token server elsewhere."""

    name: str
    repository: str = "backend/app"
    scheme: str = "Bearer"  # of the challenge; "" where nobody has to log in
    realm: str = "/token"
    service: str = "registry"
    user: str = "ci"
    token_key: str = "token"
    anonymous_token: bool = False
    answers_head: bool = True
    digest_on_head: bool = True
    digest_on_get: bool = True
    other_headers: Mapping[str, str] = field(default_factory=dict)


BEHAVIOURS = (
    Behaviour("Docker Distribution", scheme="Basic", realm="Registry Realm"),
    Behaviour("GitLab", realm="/jwt/auth", service="container_registry", user="gitlab-ci-token"),
    Behaviour("Docker Hub", repository="library/redis", service="registry.docker.io", anonymous_token=True),
    Behaviour("ghcr.io", service="ghcr.io", user="octobank"),
    Behaviour("AWS ECR", scheme="Basic", realm="https://ecr.example/", user="AWS", digest_on_get=False),
    Behaviour("Artifact Registry", realm="/v2/token?client=gcr", service="gcr.io", user="oauth2accesstoken"),
    Behaviour("cr.yandex", service="cr.yandex", user="iam", token_key="access_token"),
    Behaviour("Harbor", realm="/service/token", service="harbor-registry", user="robot$ci"),
    Behaviour("Nexus", scheme="Basic", realm="Sonatype Nexus Repository Manager", answers_head=False),
    Behaviour(
        "Artifactory", repository="docker-local/backend/app", realm="/artifactory/api/docker/docker-local/v2/token",
        digest_on_head=False, digest_on_get=False, other_headers={"X-Checksum-Sha256": DIGEST.partition(":")[2]},
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Seen:
    """A request as it arrived."""

    method: str
    path: str
    authorization: str | None
    form: Mapping[str, list[str]]


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer given once, before the behaviour's own."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class _Server(ThreadingHTTPServer):
    """Ends what clients keep open, which urllib3 does after a failure only once Python collects its garbage."""

    daemon_threads = False

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self._connections: list[socket.socket] = []

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        self._connections.append(connection)
        return connection, address

    def server_close(self) -> None:
        for connection in self._connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        super().server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up in the middle is what some tests are about."""


class FakeRegistry:
    """Serves ``behaviour``; ``replies`` go first, one a manifest request, and None among them drops the connection."""

    def __init__(self, behaviour: Behaviour, tls: ssl.SSLContext | None = None, name: str = "127.0.0.1") -> None:
        self.behaviour = behaviour
        self.manifest = INDEX
        self.digest_header = DIGEST
        self.replies: list[Reply | None] = []
        self.seen: list[Seen] = []
        self._server = _Server(self._handler())
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.host = f"{name}:{self._server.server_port}"
        self.url = f"{'https' if tls is not None else 'http'}://{self.host}"
        self._serving = ServingThread(self._server)

    def __enter__(self) -> Self:
        self._serving.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._serving.stop()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        registry = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # an answer in one piece, else the kernel waits before it sends the second
            timeout = 10

            def do_GET(self) -> None:
                self._answer(b"")

            do_HEAD = do_GET  # noqa: N815 - as http.server calls it

            def do_POST(self) -> None:
                self._answer(self.rfile.read(int(self.headers["Content-Length"])))

            def _answer(self, body: bytes) -> None:
                form = parse_qs(body.decode())
                seen = Seen(self.command, self.path, self.headers.get("Authorization"), form)
                registry.seen.append(seen)
                reply = registry.answer(seen)
                if reply is None:
                    self.close_connection = True
                    return
                self.send_response(reply.status)
                for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(reply.body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as http.server declares it
                pass

        return Handler

    def answer(self, seen: Seen) -> Reply | None:
        path = urlsplit(seen.path).path
        if path == "/v2/":
            return Reply(200)
        if not path.startswith(f"/v2/{self.behaviour.repository}/manifests/"):
            return self._token(seen)
        if self.replies:
            return self.replies.pop(0)
        return self._challenge(seen) or self._manifest(seen, path.rpartition("/")[2])

    def _challenge(self, seen: Seen) -> Reply | None:
        row = self.behaviour
        wanted = {"Bearer": f"Bearer {TOKEN}", "Basic": basic(row.user, PASSWORD), "": None}[row.scheme]
        if not row.scheme or seen.authorization == wanted:
            return None
        if row.scheme == "Basic":
            challenge = f'Basic realm="{row.realm}"'
        else:
            realm = row.realm if "://" in row.realm else f"{self.url}{row.realm}"
            scope = f"repository:{row.repository}:pull"
            challenge = f'Bearer realm="{realm}",service="{row.service}",scope="{scope}"'
        return Reply(401, {"WWW-Authenticate": challenge}, b'{"errors":[{"code":"UNAUTHORIZED"}]}')

    def _manifest(self, seen: Seen, reference: str) -> Reply:
        row = self.behaviour
        if reference not in {"1.0.0", DIGEST} or (seen.method == "HEAD" and not row.answers_head):
            return Reply(404, {}, b'{"errors":[{"code":"MANIFEST_UNKNOWN"}]}')
        headers = {"Content-Type": INDEX_TYPE, **row.other_headers}
        if row.digest_on_head if seen.method == "HEAD" else row.digest_on_get:
            headers["Docker-Content-Digest"] = self.digest_header
        return Reply(200, headers, self.manifest)

    def _token(self, seen: Seen) -> Reply:
        row, address = self.behaviour, urlsplit(seen.path)
        query = parse_qs(address.query)
        if address.path != urlsplit(row.realm).path:
            return Reply(404)
        given = seen.form.get("refresh_token") == [IDENTITY_TOKEN] and seen.form.get("grant_type") == ["refresh_token"]
        named = {**query, **seen.form}
        if named.get("service") != [row.service] or named.get("scope") != [f"repository:{row.repository}:pull"]:
            return Reply(400)
        anonymous = row.anonymous_token and seen.authorization is None
        if not (given or anonymous or seen.authorization == basic(row.user, PASSWORD)):
            return Reply(401)
        return Reply(200, {"Content-Type": "application/json"}, json.dumps({row.token_key: TOKEN}).encode())


def basic(user: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"
