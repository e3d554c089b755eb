"""A checkout of a GitOps repository on this machine, in which a person makes a change and checks it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.sandbox.client import run_git, with_token
from tests.support.command_line import CommandLine, Ran
from tests.support.gitops import Gitops

IMAGE = "registry.example.com/team/backend"
CONFIG = """\
environments:
  staging:
    values: apps/{app}/envs/staging/values.yaml
    base: apps/{app}/values.yaml
  prod:
    values: apps/{app}/envs/prod/values.yaml
    base: apps/{app}/values.yaml
    promote_from: [staging]
    tags: '\\d+\\.\\d+\\.\\d+'
"""
STAGING, PROD = "apps/backend/envs/staging/values.yaml", "apps/backend/envs/prod/values.yaml"


def pinned(tag: str, image: str = IMAGE, more: str = "") -> str:
    """A values file with one pin, ``image.tag`` in line 3."""
    return f"image:\n  repository: {image}\n  tag: {tag}\n{more}"


@dataclass(frozen=True)
class LocalCheckout:
    """A work tree on the branch of a change; ``main`` is the target branch."""

    folder: Path
    bumper: CommandLine

    def git(self, *arguments: str) -> str:
        done = run_git("-C", str(self.folder), "-c", "user.name=Dora", "-c", "user.email=dora@example.org", *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def commit(self, files: Mapping[str, str | None], message: str = "By hand") -> str:
        """Write files, or delete those that are None, and commit; the commit."""
        for name, text in files.items():
            path = self.folder / name
            if text is None:
                path.unlink()
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.is_symlink():
                path.unlink()
            path.write_text(text, encoding="utf-8")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")

    def land(self, files: Mapping[str, str | None], message: str = "Landed") -> str:
        """Commit to main, and start the branch of a new change there."""
        self.git("checkout", "--quiet", "main")
        commit = self.commit(files, message)
        self.git("checkout", "--quiet", "-B", "change")
        return commit

    def check(self, *arguments: str, code: int | None = None) -> Ran:
        return self.bumper("check", "--no-verify", *arguments, code=code)

    def rules(self, *arguments: str) -> list[tuple[str, str, int]]:
        """The findings of a check: rule, file and line."""
        ran = self.check("--output", "json", *arguments)
        data: Any = ran.json
        assert "ok" in data, ran
        assert (ran.code == 0) == data["ok"] == (not data["findings"]), ran
        return [(one["rule"], one["file"], one["line"]) for one in data["findings"]]


Made = Callable[..., LocalCheckout]


def check_out(gitops: Gitops, folder: Path, commit: str, depth: int = 20, project: str | None = None) -> None:
    """The commit in a folder, as GitLab's runner fetches it: few commits, no branch, the job's login in the URL."""
    url = with_token(gitops.url.replace(gitops.project, project or gitops.project), gitops.api.token)
    for line in (
        ["init", "--quiet"],
        ["remote", "add", "origin", url],
        ["fetch", "--quiet", f"--depth={depth}", "--no-tags", "origin", f"+{commit}:refs/pipelines/7"],
        ["checkout", "--quiet", "--force", "--detach", commit],
    ):
        done = run_git("-C", str(folder), *line)
        assert done.returncode == 0, done.stderr


def merge_request_variables(gitops: Gitops, iid: int, kind: str = "detached") -> dict[str, str]:
    """Those of GitLab's variables by which a job knows that it runs for a merge request."""
    return {
        "CI_MERGE_REQUEST_EVENT_TYPE": kind,
        "CI_MERGE_REQUEST_IID": str(iid),
        "CI_MERGE_REQUEST_PROJECT_URL": gitops.url.removesuffix(".git"),
        "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
        "CI_PIPELINE_SOURCE": "merge_request_event",
        "CI_SERVER_URL": gitops.sandbox.url,
    }
