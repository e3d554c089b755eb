"""What other people do on the GitOps project, each with a token and a name of their own: push, amend, fork, comment."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from tests.sandbox.client import Api, Clone, run_git, with_token
from tests.support.gitops import Gitops


@dataclass(frozen=True)
class Person:
    """Somebody with a personal token; the role counts in every project."""

    gitops: Gitops
    username: str
    token: str

    @property
    def api(self) -> Api:
        return self.api_of(self.gitops.project)

    def api_of(self, project: str) -> Api:
        return Api(self.gitops.sandbox, self.token, project=quote(project, safe=""))

    def clone(self, branch: str = "main", project: str = "") -> Clone:
        """A new work tree, whose commits are this person's."""
        folder = self.gitops.folder / f"{self.username}-{len(list(self.gitops.folder.iterdir()))}"
        url = with_token(f"{self.gitops.sandbox.url}/{project or self.gitops.project}.git", self.token)
        done = run_git("clone", "--quiet", "--branch", branch, url, str(folder))
        assert done.returncode == 0, done.stderr
        clone = Clone(folder)
        clone.git("config", "user.name", self.username)
        clone.git("config", "user.email", f"{self.username}@example.org")
        return clone

    def push(self, text: str, path: str, branch: str, message: str = "By hand") -> str:
        """One more commit on a branch; its id."""
        clone = self.clone(branch)
        commit = clone.commit(text, path, message)
        clone.git("push", "--quiet", "origin", f"HEAD:{branch}")
        return commit

    def amend(self, text: str, path: str, branch: str, message: str | None = None) -> str:
        """The branch's newest commit with another content, its message (trailers included) and author as they were."""
        clone = self.clone(branch)
        (clone.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (clone.folder / path).write_text(text, encoding="utf-8")
        clone.git("add", path)
        clone.git(
            "commit",
            "--quiet",
            "--amend",
            "--allow-empty",
            *(["-m", message] if message is not None else ["--no-edit"]),
        )
        clone.git("push", "--quiet", "--force", "origin", f"HEAD:{branch}")
        return clone.git("rev-parse", "HEAD")

    def open(self, branch: str, title: str = "By hand", **parameters: object) -> int:
        """A merge request from a branch of the project; its number."""
        return int(self.api.open(branch, title=title, **parameters)["iid"])

    def open_from_fork(self, text: str, path: str, branch: str, message: str = "By hand", **parameters: object) -> int:
        """A merge request from a branch of this name in a fork of this person's own; its number."""
        fork = f"{self.username}/{self.gitops.project.rpartition('/')[2]}"
        self.gitops.sandbox.fork_project(self.gitops.project, fork)
        clone = self.clone(project=fork)
        clone.commit(text, path, message)
        clone.git("push", "--quiet", "--force", "origin", f"HEAD:refs/heads/{branch}")
        target = self.api.get()["id"]
        return int(self.api_of(fork).open(branch, target_project_id=target, **parameters)["iid"])

    def describe(self, iid: int, description: str) -> None:
        self.api.put(f"/merge_requests/{iid}", description=description)

    def comment(self, iid: int, text: str) -> Any:  # noqa: ANN401 - JSON
        return self.api.post(f"/merge_requests/{iid}/notes", body=text)

    def approve(self, iid: int) -> None:
        self.api.post(f"/merge_requests/{iid}/approve")


def person(gitops: Gitops, username: str, role: str = "developer") -> Person:
    """Somebody new, or one of the people whom every server knows."""
    return Person(gitops, username, gitops.sandbox.create_token(username, role=role, kind="personal"))
