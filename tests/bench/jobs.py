"""The jobs against the server: each run starts from the repository as it was placed, and is checked afterwards."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from tests.bench.repositories import BUMPER
from tests.bench.serving import Place, Server, State
from tests.bench.timing import Ran, check, run

_LISTED = 100  # deployments, where nobody says how many
_tags = (f"9.0.{number}" for number in count())


def new_tag() -> str:
    """A tag that no run has had."""
    return next(_tags)


def image(app: str) -> str:
    """The image of an application, as the generator names it."""
    return f"registry.tbank.local/backend/{app}"


def file(app: str, environment: str = "staging") -> str:
    """The values file of an application, where the generator puts it."""
    return f"apps/{app}/envs/{environment}/values.yaml"


def git(place: Place, *arguments: str) -> str:
    """Git in the bare repository that is served."""
    return subprocess.run(["git", "-C", place.folder, *arguments], stdout=-1, text=True, check=True).stdout


def own_environment(home: Path) -> dict[str, str]:
    """Nothing of the machine's settings reaches a command but where programs are."""
    temporary = home / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    own = {"HOME": str(home), "TMPDIR": str(temporary), "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C.UTF-8"}
    return {"PATH": os.environ["PATH"], **own}


@dataclass
class Jobs:
    """What bumper and the floor are told to do on one repository; ``requests`` and ``sent`` are of the last run."""

    server: Server
    place: Place
    environ: Mapping[str, str]
    bench: Path
    app: str = "app-00042"
    requests: int = field(default=0, init=False)
    sent: int = field(default=0, init=False)

    def bump(self) -> Ran:
        """A bump of one application that is named."""
        return self._bump("--app", self.app)

    def bump_by_image(self) -> Ran:
        """A bump that has to find the application by its image."""
        return self._bump()

    def first_bump_by_image(self) -> Ran:
        """The same on a machine that has kept nothing of the repository."""
        self._forget()
        return self._bump()

    def _forget(self) -> None:
        shutil.rmtree(Path(self.environ["HOME"]) / ".cache", ignore_errors=True)

    def _bump(self, *narrowing: str) -> Ran:
        tag = new_tag()
        ran = self.bumper("bump", "staging", f"{image(self.app)}:{tag}", *narrowing, "--no-verify")
        check(json.loads(ran.out)["status"] == "proposed", f"the bump did not propose: {ran.out[:500]}")
        self._check_opened(tag)
        return ran

    def update(self) -> Ran:
        """A bump that gives the open merge request a newer tag."""
        tag = new_tag()
        command = self._command("bump", "staging", f"{image(self.app)}:{tag}", "--app", self.app, "--no-verify")
        ran = self._counted(command)
        check(json.loads(ran.out)["merge_request"]["action"] == "updated", f"nothing was updated: {ran.out[:500]}")
        self._check_opened(tag)
        return ran

    def floor(self) -> Ran:
        """The same in plain git and curl."""
        tag, place = new_tag(), self.place
        self.server.reset(place)
        environ = {**self.environ, "TOKEN": place.token}
        ran = run(["bash", self.bench / "floor.sh", place.url, place.api, file(self.app), tag], environ)
        self._check_opened(tag)
        return ran

    def promote(self, applications: int) -> Ran:
        """A promotion that changes so many applications in one merge request."""
        ran = self.bumper("promote", "staging", "prod", "--no-verify")
        (branch,) = self.server.state().opened
        changed = git(self.place, "diff", "--name-only", "main", branch).split()
        check(len(changed) == applications, f"{len(changed)} files are promoted, not {applications}")
        check("tag: 2.1.0" in git(self.place, "show", f"{branch}:{changed[-1]}"), "the promoted tag is another")
        return ran

    def rollback(self, app: str, environment: str) -> Ran:
        """The rollback of one application, as far as it is looked up."""
        ran = self.bumper("rollback", environment, "--app", app, "--dry-run", "--no-verify")
        check([one["to"]["tag"] for one in json.loads(ran.out)["changes"]] == ["1.0.0"], "it goes back to another tag")
        return ran

    def history(self, app: str, environment: str) -> Ran:
        """The deployments of one application."""
        ran = self.bumper("history", environment, "--app", app)
        check(len(json.loads(ran.out)["deployments"]) == 1, "the history is another")
        return ran

    def history_of_all(self) -> Ran:
        """The deployments of a whole environment."""
        ran = self.bumper("history", "prod")
        found = json.loads(ran.out)
        check(len(found["deployments"]) == _LISTED and not found["complete"], "the history is another")
        return ran

    def history_without_api(self) -> Ran:
        """The same with a token that opens git alone."""
        environ = {**self.environ, "BUMPER_REPO": self.place.url, "CI_JOB_TOKEN": self.place.token}
        return run([BUMPER, "history", "prod", "--output", "json"], environ)

    def status(self, applications: int) -> Ran:
        """The whole status."""
        ran = self.bumper("status")
        found = [len(rows) for rows in json.loads(ran.out)["environments"].values()]
        check(found == [applications] * 3, f"the status has {found} applications")
        return ran

    def first_status(self, applications: int) -> Ran:
        """The same on a machine that has kept nothing of the repository."""
        self._forget()
        return self.status(applications)

    def clone(self, folder: Path) -> Ran:
        """All commits and trees, as a plain partial clone fetches them."""
        url = self.place.url.replace("://", f"://bench:{self.place.token}@")
        self.server.reset(self.place)
        return self._counted(["git", "clone", "--quiet", "--bare", "--filter=blob:none", url, folder])

    def bumper(self, *arguments: str) -> Ran:
        """Any command of bumper's, on the repository as it was placed."""
        self.server.reset(self.place)
        return self._counted(self._command(*arguments))

    def _command(self, *arguments: str) -> list[str | Path]:
        return [BUMPER, *arguments, "--output", "json"]

    def _counted(self, command: list[str | Path]) -> Ran:
        before = self.server.state()
        ran = run(command, {**self.environ, "BUMPER_REPO": self.place.url, "BUMPER_TOKEN": self.place.token})
        self._count(before, self.server.state())
        return ran

    def _count(self, before: State, after: State) -> None:
        self.requests, self.sent = after.requests - before.requests, after.sent - before.sent

    def _check_opened(self, tag: str) -> None:
        """One merge request is open, whose branch differs in the one file that has the tag."""
        opened = self.server.state().opened
        check(len(opened) == 1, f"{len(opened)} merge requests are open")
        changed = git(self.place, "diff", "--name-only", "main", opened[0]).split()
        check(changed == [file(self.app)], f"the branch changes {changed}")
        check(f"tag: {tag} " in git(self.place, "show", f"{opened[0]}:{file(self.app)}"), f"{tag} is not in the file")
