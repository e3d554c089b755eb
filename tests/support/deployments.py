"""Deployments of a GitOps repository, one after the other, by the commands alone."""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.support.command_line import CommandLine
from tests.support.gitops import Gitops, GitopsMaker, values

STAGING = "apps/{}/envs/staging/values.yaml"
PROD = "apps/{}/envs/prod/values.yaml"


@dataclass(frozen=True)
class Deployments:
    """Runs bumper on a repository and merges what it proposes."""

    gitops: Gitops
    bumper: CommandLine

    def run(self, *arguments: str, code: int = 0) -> Any:  # noqa: ANN401 - JSON
        """What a command's JSON says. No registry is asked."""
        verify = ["--no-verify"] if arguments[0] in {"bump", "promote", "rollback"} else []
        return self.bumper(*arguments, *verify, "--output", "json", code=code).json

    def merged(self, *arguments: str) -> Any:  # noqa: ANN401 - JSON
        """The same, and its merge request is merged."""
        result = self.run(*arguments)
        assert result["status"] == "proposed", result
        self.gitops.merge(result["merge_request"]["iid"])
        return result

    def refused(self, *arguments: str, code: int = 1) -> str:
        """The message of a command that fails with ``code``."""
        message: str = self.run(*arguments, code=code)["error"]["message"]
        return message

    def commit(self, files: Mapping[str, str | None]) -> str:
        """A person's commit straight on main; its id."""
        return self.gitops.commit(files)

    def tag(self, path: str, tag: str) -> str:
        """The same for a values file that gets this tag."""
        return self.commit({path: values(tag)})

    def content(self, path: str, ref: str = "main") -> bytes:
        """A file's bytes, line ends included."""
        repository = str(self.gitops.sandbox.repository_path(self.gitops.project))
        return subprocess.run(
            ["git", "-C", repository, "cat-file", "blob", f"{ref}:{path}"], capture_output=True, check=True
        ).stdout

    def history(self, *arguments: str) -> list[tuple[str, str, str]]:
        """Application, tag before and tag after of every change in the history, the newest first."""
        found = self.run("history", *arguments)["deployments"]
        return [
            (change["app"], change["from"]["tag"], change["to"]["tag"]) for one in found for change in one["changes"]
        ]


@dataclass(frozen=True)
class DeploymentsMaker:
    """Makes repositories of the test's own."""

    make_gitops: GitopsMaker
    bumper: CommandLine

    def __call__(self, files: Mapping[str, str | bytes]) -> Deployments:
        return Deployments(self.make_gitops(files), self.bumper)


def moves(result: Any) -> list[tuple[str, str, str]]:  # noqa: ANN401 - JSON
    """Application, tag before and tag after of a result's changes."""
    return [(change["app"], change["from"]["tag"], change["to"]["tag"]) for change in result["changes"]]


def two_environments(staging: str = "1.0.1", prod: str = "1.0.0", *apps: str) -> dict[str, str | bytes]:
    """Files of applications that run one image in staging and prod."""
    files: dict[str, str | bytes] = {}
    for app in apps or ("app",):
        files |= {STAGING.format(app): values(staging), PROD.format(app): values(prod)}
    return files
