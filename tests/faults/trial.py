"""A command, run against a repository of its own through the proxy, and what it must have come to."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from bumper.clock import Clock
from bumper.sandbox import Sandbox
from tests.faults.proxy import BAD_GATEWAY, CUT, DROPPED, LOST_ANSWER, TOO_MANY, UNAVAILABLE, Proxy
from tests.support.command_line import Ran
from tests.support.deployments import PROD, STAGING
from tests.support.gitops import APP, Gitops, values
from tests.support.inside import run_inside

FAULTS = {"502": BAD_GATEWAY, "429": TOO_MANY, "503": UNAVAILABLE, "reset": DROPPED, "lost": LOST_ANSWER, "cut": CUT}

STAGING_FILE, PROD_FILE = STAGING.format("app"), PROD.format("app")
CONFIG = (
    "values: apps/{app}/envs/{env}/values.yaml\nenvironments: {staging: {delivery: commit}, prod: {delivery: commit}}\n"
)


@dataclass(frozen=True)
class Command:
    """What is run, and the file that gets a tag by it."""

    arguments: tuple[str, ...]
    file: str
    tag: str


HURRIED = Clock(sleep=lambda seconds: time.sleep(seconds / 20))  # as many tries as ever, with shorter pauses


COMMANDS = {
    "bump": Command(("bump", "staging", f"{APP}:1.0.2"), STAGING_FILE, "1.0.2"),
    "promote": Command(("promote", "staging", "prod"), PROD_FILE, "1.0.1"),
    "rollback": Command(("rollback", "staging", "--app", "app"), STAGING_FILE, "1.0.0"),
}


@dataclass(frozen=True)
class Trial:
    """One repository, whose staging went from 1.0.0 to 1.0.1; bumper reaches it through the proxy only."""

    gitops: Gitops
    command: Command
    environ: Mapping[str, str]
    temporary_folder: Path

    def run(self, *more: str) -> Ran:
        arguments = (*self.command.arguments, *more, "--no-verify", "--output", "json")
        return run_inside(*arguments, environ=self.environ, clock=HURRIED)

    def check(self, ran: Ran) -> None:
        """It did what it was told, once, and left nothing behind."""
        assert (ran.code, ran.json["status"]) == (0, "proposed"), ran
        assert list(self.temporary_folder.iterdir()) == []
        [one] = self.gitops.merge_requests("all")
        assert self.gitops.branches() == [one["source_branch"]]
        assert self.gitops.read(self.command.file, one["source_branch"]) == values(self.command.tag)
        assert self.gitops.git("rev-parse", f"{one['source_branch']}^") == self.gitops.git("rev-parse", "main")
        assert ran.json["merge_request"]["iid"] == one["iid"]
        assert ran.json["commit"] == one["sha"]

    def check_failed(self, ran: Ran, code: int = 4) -> str:
        """It said so in one sentence, and left no temporary file; the sentence."""
        assert ran.code == code, ran
        message: str = ran.json["error"]["message"]
        assert ran.said == f"error: {message}\n"
        assert "\n" not in message
        assert message.endswith(".")
        assert list(self.temporary_folder.iterdir()) == []
        return message


@dataclass(frozen=True)
class Trials:
    """Makes trials, each with a repository of its own."""

    sandbox: Sandbox
    proxy: Proxy
    temporary_folder: Path
    numbers: Iterator[int] = field(default_factory=count)

    def __call__(self, command: str, *, commits: bool = False) -> Trial:
        project = f"team/trial-{next(self.numbers)}"
        files = {STAGING_FILE: values("1.0.0").encode(), PROD_FILE: values("1.0.0").encode()}
        self.sandbox.create_project(project, files | ({"bumper.yaml": CONFIG.encode()} if commits else {}))
        gitops = Gitops(self.sandbox, self.temporary_folder.parent, project)
        gitops.commit({STAGING_FILE: values("1.0.1")})
        token = self.sandbox.create_token("bumper", project=project)
        environ = {"BUMPER_REPO": f"{self.proxy.url}/{project}.git", "BUMPER_TOKEN": token}
        return Trial(gitops, COMMANDS[command], environ, self.temporary_folder)
