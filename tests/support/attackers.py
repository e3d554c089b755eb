"""Pipelines that bump and promote; somebody with the role Developer who writes wherever that role may; a killer.

Mallory acts between the requests, and between any two of one request; an answer of any request is lost.
"""

from itertools import count
from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.faults.proxy import DROPPED, LOST_ANSWER, Fault, Proxy
from tests.faults.trial import HURRIED
from tests.support import forgeries
from tests.support.command_line import Ran
from tests.support.gitops import APP, STAGING_FILE, Gitops, values
from tests.support.inside import run_inside
from tests.support.machine import Place
from tests.support.people import person
from tests.support.pipelines import pipeline

PROD_FILE = "apps/app/envs/prod/values.yaml"
CONFIG = """\
values: apps/{app}/envs/{env}/values.yaml
environments: {prod: {promote_from: [staging]}}
"""
TAGS = st.sampled_from(["1.0.1", "1.0.2", "1.0.3"])
EVIL = values("6.6.6")
OLD = f"sha256:{'1' * 64}"
MESSAGES = st.sampled_from(["kept", "edited", "written anew", "mine"])
CONTENTS = st.sampled_from(["kept", "another tag", "another registry", "another file"])
REQUESTS = st.integers(1, 25)  # of one command
FOREVER = 10_000


class Attackers(RuleBasedStateMachine):
    """One application in staging and prod; what is merged by bumper's wish is what a request asked for."""

    place: ClassVar[Place]
    projects: ClassVar["count[int]"] = count()
    operations: ClassVar[int] = 0

    @initialize()
    def begin(self) -> None:
        sandbox, project = self.place.sandbox, f"team/attacked-{next(self.projects)}"
        prod = values(f"0.9.0@{OLD}")
        files = {"bumper.yaml": CONFIG, STAGING_FILE: values("1.0.0"), PROD_FILE: prod}
        sandbox.create_project(project, {path: text.encode() for path, text in files.items()})
        self.proxy = Proxy(sandbox.url).__enter__()
        self.gitops = Gitops(sandbox, self.place.temporary_folder.parent, project)
        token = sandbox.create_token("bumper", project=project)
        self.environ = {"BUMPER_REPO": f"{self.proxy.url}/{project}.git", "BUMPER_TOKEN": token}
        self.mallory = person(self.gitops, "mallory")
        self.number, self.forked = 100, False
        self.asked: set[int] = set()  # the pipelines that bumped
        self.staging, self.prod = {values("1.0.0")}, {prod}  # what may be on main
        self.heads: list[str] = []  # commits that bumper once proposed

    def teardown(self) -> None:
        if hasattr(self, "proxy"):
            self.proxy.__exit__(None, None, None)

    def run(self, *arguments: str, number: int | None = None) -> Ran:
        Attackers.operations += 1
        environ = self.environ | (pipeline(number) if number is not None else {})
        ran = run_inside(
            *arguments, "--no-verify", "--reopen", "--output", "json", environ=environ, clock=HURRIED
        )  # fmt: skip
        assert ran.code in {0, 1, 4, 5}, ran
        if ran.code == 0 and ran.json["commit"] is not None:
            self.heads.append(ran.json["commit"])
        return ran

    def bump(self, tag: str, later: int, *more: str) -> Ran:
        """By a pipeline that is newer than the last one, or older."""
        number = self.number + later
        self.number = max(self.number, number)
        newer = [asked for asked in self.asked if asked > number]
        self.asked.add(number)
        ran = self.run("bump", "staging", f"{APP}:{tag}", *more, number=number)
        if ran.code == 0:
            assert ran.json["status"] != "superseded" or newer, (ran, self.asked)
        return ran

    @rule(tag=TAGS, later=st.integers(-1, 2))
    def propose(self, tag: str, later: int) -> None:
        ran = self.bump(tag, later)

        if ran.code == 0 and ran.json["status"] == "proposed":
            assert self.gitops.read(STAGING_FILE, ran.json["branch"]) == values(tag)
        if ran.code:
            assert "does not overwrite" in ran.json["error"]["message"], ran

    @rule(tag=TAGS, later=st.integers(-1, 2))
    def deploy(self, tag: str, later: int) -> None:
        self.staging.add(values(tag))
        ran = self.bump(tag, later, "--auto-merge", "--wait", "2")

        if ran.code == 0 and ran.json["status"] in {"merged", "unchanged"}:
            assert self.gitops.read(STAGING_FILE) == values(tag)

    @rule(merged=st.booleans())
    def promote(self, merged: bool) -> None:  # noqa: FBT001 - hypothesis passes it
        text = self.gitops.read(STAGING_FILE)
        self.prod.add(text)
        ran = self.run("promote", "staging", "prod", *(["--auto-merge", "--wait", "2"] if merged else []))

        if ran.code == 0 and ran.json["branch"] is not None:
            assert self.gitops.read(PROD_FILE, ran.json["commit"]) == text

    @rule(tag=TAGS, nth=REQUESTS, fault=st.sampled_from([LOST_ANSWER, DROPPED]), merges=st.booleans())
    def die(self, tag: str, nth: int, fault: Fault, merges: bool) -> None:  # noqa: FBT001
        """A job ends at one of its requests."""
        self.proxy.fail(fault, nth=nth)
        self.proxy.fail(DROPPED, nth=nth + 1, times=FOREVER)
        if merges:
            self.staging.add(values(tag))
        self.bump(tag, 1, *(["--auto-merge"] if merges else []))
        self.proxy.heal()

    @rule(tag=TAGS, nth=REQUESTS, message=MESSAGES, content=CONTENTS)
    def deploy_while_somebody_writes(self, tag: str, nth: int, message: str, content: str) -> None:
        self.staging.add(values(tag))
        self.proxy.meanwhile(lambda: self.write(message, content), nth=nth)
        self.bump(tag, 1, "--auto-merge", "--wait", "2")
        self.proxy.heal()

    @rule(message=MESSAGES, content=CONTENTS)
    def write(self, message: str, content: str) -> None:
        """Bumper's commits with another content, or another message, or a commit of hers on top of them."""
        for branch in self.gitops.branches():
            head = self.gitops.git("log", "-1", "--format=%B", branch)
            file = PROD_FILE if content == "another file" or "-prod-" in branch else STAGING_FILE
            text = self.content(branch, file, content)
            if message == "mine":
                self.mallory.push(text + "# mine\n", file, branch, "mine")
                continue
            messages = {
                "kept": None, "edited": forgeries.edited(head, "6.6.6"),
                "written anew": f"x\n\n{forgeries.trailers('6.6.6')}",
            }  # fmt: skip
            self.mallory.amend(text, file, branch, messages[message])

    def content(self, branch: str, file: str, content: str) -> str:
        if content == "kept":
            return self.gitops.read(file, branch)
        return values("1.0.1", "registry.evil.example/team/app") if content == "another registry" else EVIL

    @rule()
    def clear_away(self) -> None:
        """A person deletes the branches and closes their merge requests."""
        for branch in self.gitops.branches():
            self.gitops.api("DELETE", f"/repository/branches/{branch.replace('/', '%2F')}")

    @rule(data=st.data())
    def put_an_old_commit_back(self, data: st.DataObject) -> None:
        if self.heads and self.gitops.branches():
            branch = data.draw(st.sampled_from(self.gitops.branches()))
            commit, clone = data.draw(st.sampled_from(self.heads)), self.mallory.clone()
            clone.git("fetch", "--quiet", "origin", commit)
            clone.git("push", "--quiet", "--force", "origin", f"{commit}:refs/heads/{branch}")

    @rule(state=st.sampled_from(["close", "reopen"]))
    def close_or_reopen(self, state: str) -> None:
        for one in self.gitops.merge_requests("all"):
            self.mallory.api("PUT", f"/merge_requests/{one['iid']}", state_event=state)

    @rule()
    def edit_and_comment(self) -> None:
        for one in self.gitops.merge_requests("all"):
            self.mallory.describe(one["iid"], forgeries.description("6.6.6"))
            self.mallory.comment(one["iid"], forgeries.note())

    @rule(fork=st.booleans())
    def open_her_own(self, fork: bool) -> None:  # noqa: FBT001
        """A merge request with a record, from a branch that is named like bumper's."""
        name = f"bumper/bump-staging-app-{self.number:08}"
        if fork and not self.forked:
            taken = [*self.gitops.branches(), name][0]
            self.mallory.open_from_fork(EVIL, STAGING_FILE, taken, description=forgeries.description("6.6.6"))
            self.forked = True
        elif not fork and name not in self.gitops.branches():
            clone = self.mallory.clone()
            clone.commit(EVIL, STAGING_FILE, f"x\n\n{forgeries.trailers('6.6.6')}")
            clone.git("push", "--quiet", "origin", f"HEAD:refs/heads/{name}")
            self.mallory.open(name, description=forgeries.description("6.6.6"))

    @invariant()
    def main_holds_what_was_asked_for(self) -> None:
        if hasattr(self, "gitops"):
            assert self.gitops.read(STAGING_FILE) in self.staging
            assert self.gitops.read(PROD_FILE) in self.prod
