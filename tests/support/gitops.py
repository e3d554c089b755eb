"""A GitOps repository on the embedded server, as the people around bumper see and change it."""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from bumper.sandbox import Sandbox
from tests.sandbox.client import Api, Clone, run_git, with_token

APP = "registry.example.com/team/app"
STAGING_FILE = "apps/app/envs/staging/values.yaml"

# No test waits for GitLab's background jobs, except those that say so.
AT_ONCE: dict[str, object] = dict.fromkeys(
    ("mergeability_delay", "head_delay", "pipeline_delay", "pipeline_duration", "rebase_delay"), 0
)
# What somebody allows on a GitOps project before bumper works there: its token is a Developer's, or a job's.
SET_UP: dict[str, object] = {
    "ci_push_repository_for_job_token_allowed": True,
    "merge_access": "developers",
    "push_access": "developers",
}


@dataclass(frozen=True)
class Gitops:
    """A project, by default the sample."""

    sandbox: Sandbox
    folder: Path
    project: str = "platform/gitops"

    @property
    def url(self) -> str:
        return f"{self.sandbox.url}/{self.project}.git"

    @property
    def api(self) -> Api:
        """The project as its maintainer Alice sees it."""
        token = self.sandbox.create_token("alice", role="maintainer", kind="personal")
        return Api(self.sandbox, token, project=quote(self.project, safe=""))

    def git(self, *arguments: str) -> str:
        """Git in the server's bare repository."""
        done = run_git("-C", self._repository, *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def read(self, path: str, ref: str = "main") -> str:
        return self.git("cat-file", "blob", f"{ref}:{path}")

    def read_bytes(self, path: str, ref: str = "main") -> bytes:
        command = ["git", "-C", self._repository, "cat-file", "blob", f"{ref}:{path}"]
        return subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout

    def tip(self, branch: str = "main") -> str:
        return self.git("rev-parse", f"refs/heads/{branch}").strip()

    def branches(self) -> list[str]:
        """All but main."""
        names = self.git("for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads/").split()
        return [name for name in names if name != "main"]

    def merge_requests(self, state: str = "opened") -> Any:  # noqa: ANN401 - JSON
        return self.api.get("/merge_requests", state=state)

    def comments(self, iid: int) -> list[str]:
        return [note["body"] for note in self.api.get(f"/merge_requests/{iid}/notes") if not note["system"]]

    def merge(self, iid: int) -> None:
        """As a person does on the page, which ticks the box for squashing where the project wants it."""
        self.api.mergeable(iid)
        squash = {"squash": True} if self.api.get()["squash_option"] == "always" else {}
        self.api.put(f"/merge_requests/{iid}/merge", **squash)

    def close(self, iid: int) -> None:
        self.api.put(f"/merge_requests/{iid}", state_event="close")

    def person(self, branch: str = "main") -> Clone:
        """A new work tree of Dora's, who pushes with Alice's token."""
        folder = self.folder / f"dora-{len(list(self.folder.iterdir()))}"
        url = with_token(self.url, self.api.token)
        done = run_git("clone", "--quiet", "--branch", branch, url, str(folder))
        assert done.returncode == 0, done.stderr
        return Clone(folder)

    def commit(self, files: Mapping[str, str | None]) -> str:
        """A person's commit straight on main (None takes a file away), made where the server keeps it; its id."""
        self._commit("refs/heads/main", "main", files)
        return self.tip()

    def push(self, text: str, path: str, branch: str = "main") -> str:
        """Dora writes a file and pushes it to a branch with Alice's key; the commit."""
        made = f"refs/dora/{branch}"  # not a branch: nobody sees it before it is pushed
        self._commit(made, branch, {path: text})
        push = ("push", "--quiet", ".", f"{made}:refs/heads/{branch}")
        done = run_git("-C", self._repository, *push, environment={"GL_USERNAME": "alice"})
        assert done.returncode == 0, done.stderr
        self.git("update-ref", "-d", made)
        return self.tip(branch)

    def _commit(self, ref: str, branch: str, files: Mapping[str, str | None]) -> None:
        stream = [f"commit {ref}\ncommitter Dora <dora@example.org> now\ndata 7\nBy hand\nfrom refs/heads/{branch}^0\n"]
        for path, text in files.items():
            stream.append(
                f"D {path}\n" if text is None else f"M 100644 inline {path}\ndata {len(text.encode())}\n{text}\n"
            )
        command = ["git", "-C", self._repository, "fast-import", "--quiet", "--date-format=now"]
        subprocess.run(command, input="".join(stream).encode(), check=True)

    @property
    def _repository(self) -> str:
        return str(self.sandbox.repository_path(self.project))


@dataclass(frozen=True)
class GitopsMaker:
    """Makes repositories of the test's own, and names them to bumper by the environment."""

    sandbox: Sandbox
    folder: Path
    monkeypatch: pytest.MonkeyPatch

    def __call__(self, files: Mapping[str, str | bytes], project: str = "team/gitops") -> Gitops:
        contents = {path: text.encode() if isinstance(text, str) else text for path, text in files.items()}
        url = self.sandbox.create_project(project, contents)
        self.monkeypatch.setenv("BUMPER_REPO", url)
        self.monkeypatch.setenv("BUMPER_TOKEN", self.sandbox.create_token("bumper", project=project))
        return Gitops(self.sandbox, self.folder, project)


def values(tag: str, image: str = APP) -> str:
    """A values file with one pin, ``image.tag`` in line 3."""
    return f"image:\n  repository: {image}\n  tag: {tag}\n"
