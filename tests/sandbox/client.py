"""What the tests see the server with: a real git and plain HTTP."""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from bumper.sandbox import Sandbox

STAGING = "apps/backend/envs/staging/values.yaml"


@dataclass(frozen=True)
class Api:
    """The REST API of one project, with one token."""

    sandbox: Sandbox
    token: str
    header: str = "PRIVATE-TOKEN"
    project: str = "platform%2Fgitops"

    def __call__(self, method: str, path: str, /, **parameters: object) -> requests.Response:
        address = f"{self.sandbox.url}/api/v4/projects/{self.project}{path}"
        sent: dict[str, Any] = {"params": parameters} if method == "GET" else {"json": parameters}
        return requests.request(method, address, headers={self.header: self.token}, timeout=30, **sent)

    def get(self, path: str = "", /, **parameters: object) -> Any:  # noqa: ANN401 - JSON
        answer = self("GET", path, **parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, /, **parameters: object) -> Any:  # noqa: ANN401 - JSON
        answer = self("POST", path, **parameters)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def put(self, path: str, /, **parameters: object) -> Any:  # noqa: ANN401 - JSON
        answer = self("PUT", path, **parameters)
        assert answer.status_code in {200, 202}, answer.text
        return answer.json()

    def open(self, branch: str, **parameters: object) -> Any:  # noqa: ANN401 - JSON
        """A merge request from this branch to main."""
        given = {"source_branch": branch, "target_branch": "main", "title": f"Bump {branch}", **parameters}
        return self.post("/merge_requests", **given)

    def mergeable(self, iid: int) -> Any:  # noqa: ANN401 - JSON
        """The merge request, once its check is over (the tests' servers need no time for it)."""
        return self.get(f"/merge_requests/{iid}")


@dataclass(frozen=True)
class Clone:
    """A work tree of the sample repository."""

    folder: Path

    def git(self, *arguments: str, environment: Mapping[str, str] | None = None) -> str:
        done = self.run(*arguments, environment=environment)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def run(self, *arguments: str, environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        return run_git("-C", str(self.folder), *arguments, environment=environment)

    def commit(self, text: str, path: str = STAGING, message: str = "Bump") -> str:
        """Commit this text as the file's new content."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        self.git("add", path)
        self.git("commit", "--quiet", "-m", message)
        return self.git("rev-parse", "HEAD")

    def push_branch(self, branch: str, text: str, *, path: str = STAGING, message: str = "Bump") -> str:
        """A branch from main's newest commit with one commit, pushed."""
        self.git("fetch", "--quiet", "origin")
        self.git("checkout", "--quiet", "-B", branch, "origin/main")
        commit = self.commit(text, path, message)
        self.git("push", "--quiet", "origin", branch)
        return commit


def run_git(*arguments: str, environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Git without the caller's repository, configuration and questions."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "CI_"))}
    ours = {
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_AUTHOR_NAME": "Dora",
        "GIT_AUTHOR_EMAIL": "dora@example.org",
        "GIT_COMMITTER_NAME": "Dora",
        "GIT_COMMITTER_EMAIL": "dora@example.org",
    }
    return subprocess.run(
        ["git", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**kept, **ours, **(environment or {})},
    )


def with_token(url: str, token: str, username: str = "oauth2") -> str:
    """The URL with the token as password."""
    return url.replace("http://", f"http://{username}:{token}@")


def add_branch(sandbox: Sandbox, branch: str, text: str = "changed: true\n", path: str = STAGING) -> str:
    """A branch from main with one commit, made in the bare repository without a push; returns the commit."""
    repository = str(sandbox.repository_path())
    stream = f"""commit refs/heads/{branch}
committer Dora <dora@example.org> 1780000000 +0200
data 26
Bump backend

Trailer: yes
from refs/heads/main^0
M 100644 inline {path}
data {len(text.encode())}
{text}
"""
    subprocess.run(["git", "-C", repository, "fast-import", "--quiet"], input=stream.encode(), check=True)
    return run_git("-C", repository, "rev-parse", branch).stdout.strip()
