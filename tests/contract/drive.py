"""Every command that talks to GitLab, in the situations in which it asks GitLab something else."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.contract.recorder import Recorder
from tests.support.command_line import CommandLine, Ran, finish, start, told
from tests.support.gitops import Gitops, GitopsMaker, values
from tests.support.pipelines import pipeline
from tests.support.verified import OPEN, REPOSITORY, Serve

BACKEND, FRONTEND = "registry.tbank.local/backend/app", "registry.tbank.local/frontend/web"
OWN = "127.0.0.1:5005/team/shop/web"  # in the container registry of the project team/shop
FILE = "apps/web/envs/{}/values.yaml"


@dataclass(frozen=True)
class Drive:
    """Runs bumper on a repository whose requests are recorded; a person answers in between."""

    gitops: Gitops
    bumper: CommandLine
    monkeypatch: pytest.MonkeyPatch

    def run(self, *arguments: str, code: int = 0) -> Ran:
        verify = ["--no-verify"] if arguments[0] in {"bump", "promote", "rollback"} else []
        return self.bumper(*arguments, *verify, "--output", "json", code=code)

    def at(self, number: int) -> None:
        """From now on it is this pipeline that asks."""
        for name, value in pipeline(number).items():
            self.monkeypatch.setenv(name, value)

    def status(self, state: str) -> None:
        """The newest merge request's pipeline tells how it is."""
        self.gitops.api.post(f"/statuses/{self.gitops.merge_requests()[0]['sha']}", state=state)


def _repository(made: Gitops, recorder: Recorder, bumper: CommandLine, monkeypatch: pytest.MonkeyPatch) -> Drive:
    monkeypatch.setenv("BUMPER_REPO", made.url.replace(made.sandbox.url, recorder.url))
    return Drive(made, bumper, monkeypatch)


def drive_all(
    recorder: Recorder,
    make: GitopsMaker,
    serve: Serve,
    bumper: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
) -> None:
    """All of it; the recorder has the requests afterwards."""
    monkeypatch.setenv("BUMPER_TOKEN", make.sandbox.token)
    sample = _repository(Gitops(make.sandbox, folder), recorder, bumper, monkeypatch)
    people_and_new_content(sample)
    auto_merge(sample)
    order(sample)
    promotion_and_back(sample)
    somebodys_branch(sample)
    sample.gitops.api.put("", merge_method="ff")
    rebase(sample)
    sample.gitops.api.put("", merge_method="merge", merge_trains_enabled=True)
    train(sample)
    source = make({"README": "shop\n"}, "team/shop")
    made = make({FILE.format("staging"): values("1.0", OWN)}, "team/images")
    monkeypatch.setenv("BUMPER_TOKEN", make.sandbox.create_token("alice", role="maintainer", kind="personal"))
    commits_between_images(source, _repository(made, recorder, bumper, monkeypatch))
    image = f"{serve(OPEN).host}/{REPOSITORY}"
    made = make(
        {FILE.format("staging"): values("1.0.0", image), FILE.format("prod"): values("0.9.0", image)}, "team/own"
    )
    digests(_repository(made, recorder, bumper, monkeypatch))


def digests(drive: Drive) -> None:
    """A promotion looks for the digest that was recorded when the source was deployed."""
    drive.bumper("promote", "staging", "prod", code=0)


def people_and_new_content(drive: Drive) -> None:
    """A merge request with people, approved, then changed, then covered by another one."""
    people = ("--reviewer", "alice", "--reviewer", "nobody", "--assignee", "alice", "--label", "deploy")
    drive.run("bump", "staging", f"{BACKEND}:1.0.3", *people)
    drive.gitops.api.post("/merge_requests/1/approve")
    drive.run("bump", "staging", f"{BACKEND}:1.0.4", "--title", "NewerPipeline", "--label", "urgent")
    drive.run("bump", "staging", f"{BACKEND}:1.0.4", f"{FRONTEND}:2.4.0")
    assert [one["iid"] for one in drive.gitops.merge_requests("closed")] == [1]


def auto_merge(drive: Drive) -> None:
    """Set, cancelled, set again and waited for."""
    drive.gitops.api.put("", only_allow_merge_if_pipeline_succeeds=True)
    drive.status("running")
    drive.run("bump", "staging", f"{BACKEND}:1.0.4", f"{FRONTEND}:2.4.0", "--auto-merge")
    drive.run("bump", "staging", f"{BACKEND}:1.0.5", f"{FRONTEND}:2.4.0")
    drive.gitops.api.put("", only_allow_merge_if_pipeline_succeeds=False)
    drive.run("bump", "staging", f"{BACKEND}:1.0.5", f"{FRONTEND}:2.4.0", "--auto-merge", "--wait", "30")
    assert len(drive.gitops.merge_requests("merged")) == 1


def order(drive: Drive) -> None:
    """A pipeline that comes late, before and after the newer one is merged."""
    drive.at(8)
    drive.run("bump", "dev", f"{BACKEND}:1.1.0")
    drive.at(7)
    assert drive.run("bump", "dev", f"{BACKEND}:1.0.9").json["status"] == "superseded"
    drive.gitops.merge(drive.gitops.merge_requests()[0]["iid"])
    assert drive.run("bump", "dev", f"{BACKEND}:1.0.9").json["status"] == "superseded"
    drive.at(9)


def promotion_and_back(drive: Drive) -> None:
    """Promote, look, roll back, hold; then undo a merge request by its number."""
    promoted = drive.run("promote", "staging", "prod", "--app", "backend", "--auto-merge", "--wait", "30").json
    drive.run("status")
    drive.run("doctor", "--no-verify")
    drive.run("history", "prod", "--app", "backend")
    drive.run("rollback", "prod", "--mr", str(promoted["merge_request"]["iid"]), "--dry-run")
    drive.run("rollback", "prod", "--app", "backend", "--hold", "errors", "--auto-merge", "--wait", "30")
    drive.run("unhold", "prod", "--app", "backend", "--auto-merge", "--wait", "30")
    drive.run("hold", "prod", "--app", "frontend", "--auto-merge", "--wait", "30")


def somebodys_branch(drive: Drive) -> None:
    """A person pushed to bumper's branch, which is left alone."""
    branch = drive.run("bump", "dev", f"{BACKEND}:1.2.0").json["branch"]
    drive.gitops.push("by hand\n", "NOTES.md", branch)
    drive.run("bump", "dev", f"{BACKEND}:1.2.1", code=1)
    drive.gitops.close(drive.gitops.merge_requests()[0]["iid"])


def rebase(drive: Drive) -> None:
    """Where merges are fast-forward, a wait outlives another commit; its commits are the branch's own."""
    drive.gitops.api.post("/approvals", approvals_before_merge=1)
    running = start("bump", "staging", f"{BACKEND}:1.0.6", "--no-verify", "--auto-merge", "--wait", "60")
    told(running, "waiting for !")
    drive.gitops.push("moved on\n", "NEWS.md")
    iid = drive.gitops.merge_requests()[0]["iid"]
    drive.gitops.api.post(f"/merge_requests/{iid}/approve")
    ended = finish(running)
    assert ended.code == 0, ended.err
    drive.gitops.api.post("/approvals", approvals_before_merge=0)
    drive.run("rollback", "staging", "--mr", str(iid), "--dry-run")


def train(drive: Drive) -> None:
    """A merge train is joined."""
    drive.run("bump", "staging", f"{BACKEND}:1.0.7")
    drive.status("running")
    drive.run("bump", "staging", f"{BACKEND}:1.0.7", "--auto-merge")


def commits_between_images(source: Gitops, drive: Drive) -> None:
    """The tags are the source project's, on the same GitLab."""
    clone = source.person()
    clone.git("tag", "1.0")
    clone.commit("last", "README", "Mend the till")
    clone.git("tag", "1.1")
    clone.git("push", "--quiet", "--tags", "origin", "HEAD:main")
    drive.run("bump", "staging", f"{OWN}:1.1")
    assert "Mend the till" in drive.gitops.merge_requests()[0]["description"]
