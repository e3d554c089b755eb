"""How many requests a bump in a GitLab CI job makes: each is 30 to 80 ms, and GitLab limits their rate."""

import contextlib
import http.client
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

from tests.support.command_line import CommandLine
from tests.support.gitops import Gitops
from tests.support.pipelines import pipeline
from tests.support.serving import ServingThread

IMAGE = "registry.tbank.local/backend/app"
SOURCE = {
    "CI": "true", "CI_PROJECT_PATH": "backend/app", "CI_COMMIT_SHA": "a" * 40, "CI_COMMIT_REF_NAME": "main",
    "CI_COMMIT_AUTHOR": "Dora <dora@example.org>",
}  # fmt: skip


class _Handler(BaseHTTPRequestHandler):
    """One for each connection, which it keeps, as GitLab's server does and the embedded one does not."""

    protocol_version = "HTTP/1.1"
    server: "_Server"
    serves_api = False

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Stay silent."""

    def _pass_on(self) -> None:
        if self.path.startswith("/api/") and not self.serves_api:
            self.serves_api = True
            self.server.api += 1
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        upstream = http.client.HTTPConnection(str(self.server.upstream.hostname), self.server.upstream.port)
        with contextlib.closing(upstream):
            upstream.request(self.command, self.path, body, dict(self.headers.items()))
            answer = upstream.getresponse()
            content = answer.read()
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in {"connection", "content-length", "transfer-encoding"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def __getattr__(self, name: str) -> Callable[[], None]:
        """Every ``do_METHOD`` is the same."""
        if name.startswith("do_"):
            return self._pass_on
        raise AttributeError(name)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, upstream: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream = urlsplit(upstream)
        self.api = 0  # connections with requests of the API

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


@pytest.fixture
def counter(gitops: Gitops, monkeypatch: pytest.MonkeyPatch) -> Iterator[_Server]:
    counter = _Server(gitops.sandbox.url)
    serving = ServingThread(counter)
    serving.start()
    monkeypatch.setenv("BUMPER_REPO", f"{counter.url}/{gitops.project}.git")
    for name, value in (SOURCE | {"CI_PROJECT_URL": f"{counter.url}/backend/app"}).items():
        monkeypatch.setenv(name, value)
    yield counter
    serving.stop()


def requests(gitops: Gitops) -> list[tuple[str, str]]:
    """All that reached the server but its own hooks."""
    return [one for one in gitops.sandbox.requests if "/-/hooks/" not in one[1] and not one[1].endswith("-receive")]


def test_a_new_merge_request_takes_fourteen_an_update_nineteen_and_the_api_one_connection(
    gitops: Gitops, bumper: CommandLine, counter: _Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = []
    for number, tag in enumerate(("1.0.5", "1.0.6"), 100):
        for name, value in pipeline(number).items():
            monkeypatch.setenv(name, value)
        before, connections = len(requests(gitops)), counter.api
        bumper.bump("staging", f"{IMAGE}:{tag}")
        counts.append((len(requests(gitops)) - before, counter.api - connections))

    (new, once), (update, again) = counts
    assert new <= 14, requests(gitops)
    assert update <= 19, requests(gitops)[new:]
    assert (once, again) == (1, 1)
