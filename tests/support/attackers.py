"""A pipeline that bumps, and somebody with the role Developer who writes wherever that role may, in any order."""

from itertools import count
from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.sandbox.client import Api, Clone, run_git, with_token
from tests.support.command_line import Ran
from tests.support.gitops import APP, STAGING_FILE, Gitops, values
from tests.support.inside import run_inside
from tests.support.machine import Place
from tests.support.pipelines import pipeline

TAGS = st.sampled_from(["1.0.1", "1.0.2", "1.0.3"])
EVIL = "6.6.6"


class Attackers(RuleBasedStateMachine):
    """One application in one environment; what is merged by bumper's wish is what a request asked for."""

    place: ClassVar[Place]
    projects: ClassVar["count[int]"] = count()

    @initialize()
    def begin(self) -> None:
        sandbox, project = self.place.sandbox, f"team/attacked-{next(self.projects)}"
        url = sandbox.create_project(project, {STAGING_FILE: values("1.0.0").encode()})
        self.gitops = Gitops(sandbox, self.place.temporary_folder.parent, project)
        self.environ = {"BUMPER_REPO": url, "BUMPER_TOKEN": sandbox.create_token("bumper", project=project)}
        token = sandbox.create_token("mallory", role="developer", kind="personal", project=project)
        self.mallory = Api(sandbox, token, project=project.replace("/", "%2F"))
        self.number, self.allowed = 100, {"1.0.0"}

    def bump(self, tag: str, *more: str) -> Ran:
        """In a pipeline of its own, each newer than the last."""
        self.number += 1
        arguments = ("bump", "staging", f"{APP}:{tag}", "--no-verify", "--reopen", "--output", "json", *more)
        return run_inside(*arguments, environ=self.environ | pipeline(self.number))

    @rule(tag=TAGS)
    def propose(self, tag: str) -> None:
        ran = self.bump(tag)

        assert ran.code in {0, 1}, ran
        if ran.code == 0:
            assert ran.json["status"] in {"proposed", "unchanged"}, ran
            if ran.json["status"] == "proposed":
                assert self.gitops.read(STAGING_FILE, ran.json["branch"]) == values(tag)
        else:
            assert "does not overwrite" in ran.json["error"]["message"], ran

    @rule(tag=TAGS)
    def deploy(self, tag: str) -> None:
        self.allowed.add(tag)
        ran = self.bump(tag, "--auto-merge", "--wait", "20")

        assert ran.code in {0, 1}, ran
        if ran.code == 0:
            assert ran.json["status"] in {"merged", "unchanged"}, ran
            assert self.gitops.read(STAGING_FILE) == values(tag)

    @rule(tag=TAGS)
    def lose_the_answer_to_an_update(self, tag: str) -> None:
        path = f"/projects/{self.mallory.project}/merge_requests/1"
        self.place.sandbox.fail_next("PUT", path, status=500)
        assert self.bump(tag).code in {0, 1, 4}

    @rule(text=st.sampled_from([values(EVIL), values("1.0.1", "registry.evil.example/team/app")]), keep=st.booleans())
    def write_to_bumpers_branch(self, text: str, keep: bool) -> None:  # noqa: FBT001 - hypothesis passes it
        for branch in self.gitops.branches():
            clone = self._clone(branch)
            (clone.folder / STAGING_FILE).write_text(text)
            clone.git("add", STAGING_FILE)
            message = ["--amend", "--no-edit"] if keep else ["-m", "mine"]
            clone.run("commit", "--quiet", *message)
            clone.git("push", "--quiet", "--force", "origin", f"HEAD:{branch}")
            if not keep:  # it is somebody's work now: bumper refuses it until a person has cleared it away
                assert self.bump("1.0.1").code == 1
                clone.git("push", "--quiet", "origin", f":{branch}")
                for one in self.gitops.merge_requests():
                    self.gitops.close(one["iid"])

    @rule(number=st.integers(1000, 2000))
    def edit_every_description(self, number: int) -> None:
        for one in self.gitops.merge_requests("all"):
            old = f"[{self.number},"
            text = one["description"].replace(old, f"[{number},").replace("1.0.1", EVIL)
            self.mallory.put(f"/merge_requests/{one['iid']}", description=text)

    def _clone(self, branch: str) -> Clone:
        folder = self.gitops.folder / f"mallory-{len(list(self.gitops.folder.iterdir()))}"
        done = run_git(
            "clone", "--quiet", "--branch", branch, with_token(self.gitops.url, self.mallory.token), str(folder)
        )
        assert done.returncode == 0, done.stderr
        return Clone(folder)

    @invariant()
    def main_holds_what_was_asked_for(self) -> None:
        assert self.gitops.read(STAGING_FILE) in {values(tag) for tag in self.allowed}
