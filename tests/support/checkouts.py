"""A checkout of a GitOps repository on this machine, in which a person makes a change and checks it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.sandbox.client import run_git
from tests.support.command_line import CommandLine, Ran

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
        assert (ran.code == 0) == data["ok"] == (not data["findings"]), ran
        return [(one["rule"], one["file"], one["line"]) for one in data["findings"]]


Made = Callable[..., LocalCheckout]
