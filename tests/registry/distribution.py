"""Docker Distribution itself (Debian's ``docker-registry``): with a login, and with notifications of its pushes."""

import hashlib
import json
import queue
import re
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Self

import requests

from tests.support.serving import ServingThread

USER, PASSWORD = "ci", "correct horse $1"
_HTPASSWD = "ci:$2y$05$4v5zQ5mnrEwM34dgPK6DH.I.BnL0hvecV6OkfFi/TbQYhnVrxSOKq\n"  # htpasswd -Bbn USER PASSWORD
_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
_CONFIG = "application/vnd.docker.container.image.v1+json"


class Distribution:
    """A running registry; ``notifications`` are the bodies that it posts."""

    def __init__(self, folder: Path) -> None:
        self.notifications: queue.Queue[bytes] = queue.Queue()
        self._listener = ThreadingHTTPServer(("127.0.0.1", 0), _listener(self.notifications))
        self._listening = ServingThread(self._listener)
        self.host = ""  # once it listens
        (folder / "htpasswd").write_text(_HTPASSWD)
        self._configuration = folder / "config.json"
        self._configuration.write_text(json.dumps(self._settings(folder)))  # JSON is YAML

    def _settings(self, folder: Path) -> dict[str, object]:
        endpoint = {
            "name": "bumper", "url": f"http://127.0.0.1:{self._listener.server_port}/", "timeout": "2s",
            "threshold": 1, "backoff": "1s",
        }  # fmt: skip
        return {
            "version": 0.1,
            "log": {"level": "info"},
            "storage": {"filesystem": {"rootdirectory": str(folder / "storage")}},
            "http": {"addr": "127.0.0.1:0", "secret": "only for tests"},
            "auth": {"htpasswd": {"realm": "Registry", "path": str(folder / "htpasswd")}},
            "notifications": {"endpoints": [endpoint]},
        }

    def __enter__(self) -> Self:
        self._listening.start()
        self._process = subprocess.Popen(
            ["docker-registry", "serve", str(self._configuration)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        assert self._process.stderr is not None
        lines = []
        for line in self._process.stderr:
            lines.append(line)
            if found := re.search(r"listening on (127\.0\.0\.1:\d+)", line):
                self.host = found[1]
                break
        else:
            raise AssertionError(f"docker-registry did not start:\n{''.join(lines)}")
        self._log = threading.Thread(target=self._process.stderr.read)
        self._log.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait()
        self._log.join()
        assert self._process.stderr is not None
        self._process.stderr.close()
        self._listening.stop()

    def push(self, repository: str, tag: str, content: str = "{}") -> str:
        """Push an image whose configuration is ``content``; its digest."""
        with requests.Session() as session:
            session.auth = (USER, PASSWORD)
            config = self._push_blob(session, repository, content.encode())
            manifest = json.dumps(
                {
                    "schemaVersion": 2,
                    "mediaType": _MANIFEST,
                    "config": {"mediaType": _CONFIG, "size": len(content), "digest": config},
                    "layers": [],
                }
            ).encode()
            url = f"http://{self.host}/v2/{repository}/manifests/{tag}"
            answer = session.put(url, data=manifest, headers={"Content-Type": _MANIFEST}, timeout=10)
            assert answer.status_code == 201, answer.text
        return _digest(manifest)

    def _push_blob(self, session: requests.Session, repository: str, content: bytes) -> str:
        started = session.post(f"http://{self.host}/v2/{repository}/blobs/uploads/", timeout=10)
        assert started.status_code == 202, started.text
        location, digest = started.headers["Location"], _digest(content)
        done = session.put(location, params={"digest": digest}, data=content, timeout=10)
        assert done.status_code == 201, done.text
        return digest


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _listener(notifications: queue.Queue[bytes]) -> type[BaseHTTPRequestHandler]:
    class Listener(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            notifications.put(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as http.server declares it
            pass

    return Listener
