"""Bumps, promotions, rollbacks, merges and people's commits in any order, and what must hold after each of them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bumper.clock import SYSTEM_CLOCK, Clock
from bumper.sandbox import Sandbox
from tests.support.command_line import Ran
from tests.support.deployments import PROD, STAGING
from tests.support.gitops import Gitops
from tests.support.inside import run_inside
from tests.support.pipelines import pipeline

APPS = ("one", "two")
PATHS = tuple(pattern.format(app) for pattern in (STAGING, PROD) for app in APPS)
CONFIG = """\
environments:
  staging: {values: apps/{app}/envs/staging/values.yaml}
  prod: {values: apps/{app}/envs/prod/values.yaml}
"""
NUMBERS = st.integers(min_value=1, max_value=9)


def image(app: str) -> str:
    return f"registry.example.com/team/{app}"


def content(app: str) -> bytes:
    """A values file in which there is much to be destroyed."""
    return (
        f"# {app}  \r\nreplicas:   1\n\nimage: # ünïcode\n  repository: '{image(app)}'\n"
        "  tag: 1.0.0   # keep\nlist: [ a,  b ]\n...\n# the end"
    ).encode()


@dataclass(frozen=True, slots=True)
class Place:
    """Where machines play: one server for all of them, and the folder of every temporary file."""

    sandbox: Sandbox
    temporary_folder: Path


@dataclass(frozen=True, slots=True)
class Bumped:
    """A bump that got through."""

    pipeline: int
    app: str
    iid: int | None  # None: it was committed


class Interleavings(RuleBasedStateMachine):
    """One repository with two applications in two environments."""

    place: ClassVar[Place]
    operations: ClassVar[int] = 0
    projects: ClassVar[Iterator[int]] = count()
    config: ClassVar[str] = CONFIG

    @initialize()
    def begin(self) -> None:
        sandbox, project = self.place.sandbox, f"team/gitops-{next(self.projects)}"
        files = {path: content(path.split("/")[1]) for path in PATHS}
        files |= {path: files[path].replace(b"1.0.0", b"0.9.0") for path in PATHS if "/prod/" in path}
        url = sandbox.create_project(project, {"bumper.yaml": self.config.encode(), **files})
        self.gitops = Gitops(sandbox, self.place.temporary_folder.parent, project)
        token = sandbox.create_token("bumper", project=project)
        self.environ = {"BUMPER_REPO": url, "BUMPER_TOKEN": token}
        self.bumped: list[Bumped] = []
        self.looked_at: set[str] = set()
        self.tip = self.gitops.tip()

    def run(self, *arguments: str, pipeline_id: int | None = None, clock: Clock = SYSTEM_CLOCK) -> Ran:
        """Run bumper; it ends as it may, and moves main by its own commit or not at all."""
        Interleavings.operations += 1
        environ = self.environ | (pipeline(pipeline_id) if pipeline_id is not None else {})
        ran = run_inside(*arguments, "--no-verify", "--reopen", "--output", "json", environ=environ, clock=clock)
        assert ran.code in {0, 1}, ran
        committed = ran.code == 0 and ran.json["status"] == "committed"
        assert self.gitops.tip() == (ran.json["commit"] if committed else self.tip)
        if committed:
            assert self.gitops.git("rev-parse", "main^").strip() == self.tip
        self.tip = self.gitops.tip()
        assert list(self.place.temporary_folder.iterdir()) == []
        return ran

    @rule(app=st.sampled_from(APPS), later=st.integers(-2, 4), tag=NUMBERS, commit=st.booleans())
    def bump(self, app: str, later: int, tag: int, commit: bool) -> None:  # noqa: FBT001 - hypothesis passes it
        number = max((one.pipeline for one in self.bumped), default=100) + later
        delivery = ["--delivery", "commit"] if commit else []
        newer = [one for one in self.bumped if one.app == app and one.pipeline > number and self.stands(one)]

        ran = self.run("bump", "staging", f"{image(app)}:1.0.{tag}", *delivery, pipeline_id=number)

        assert ran.code == 0, ran
        result = ran.json
        assert (result["status"] == "superseded") == bool(newer), (result, newer)
        if result["status"] == "proposed":
            self.bumped.append(Bumped(number, app, result["merge_request"]["iid"]))
            assert f"  tag: 1.0.{tag}   # keep\n" in self.gitops.read(STAGING.format(app), result["branch"])
        elif result["status"] == "committed":
            self.bumped.append(Bumped(number, app, None))
        if result["status"] in {"committed", "unchanged"}:
            assert f"  tag: 1.0.{tag}   # keep\n" in self.gitops.read(STAGING.format(app))

    def stands(self, one: Bumped) -> bool:
        """Whether a bump is proposed or on main: what was closed orders nothing."""
        return one.iid is None or self.gitops.api.get(f"/merge_requests/{one.iid}")["state"] != "closed"

    @rule(app=st.sampled_from([None, *APPS]))
    def promote(self, app: str | None) -> None:
        ran = self.run("promote", "staging", "prod", *(["--app", app] if app else []))

        assert ran.code == 0, ran
        for change in ran.json["changes"]:
            tag = re.search(r"tag: (\S+)", self.gitops.read(STAGING.format(change["app"])))
            assert tag is not None
            assert change["to"]["tag"] == tag[1]

    @rule(environment=st.sampled_from(["staging", "prod"]), app=st.sampled_from(APPS))
    def rollback(self, environment: str, app: str) -> None:
        ran = self.run("rollback", environment, "--app", app)

        if ran.code == 1:
            assert ran.json["error"]["message"].endswith(".")

    @precondition(lambda self: self.opened())
    @rule(data=st.data())
    def merge(self, data: st.DataObject) -> None:
        one = data.draw(st.sampled_from(self.opened()))
        self.gitops.api.mergeable(one["iid"])
        self.gitops.api("PUT", f"/merge_requests/{one['iid']}/merge")  # a conflict is refused, and stays open
        self.tip = self.gitops.tip()

    @precondition(lambda self: self.opened())
    @rule(data=st.data())
    def close(self, data: st.DataObject) -> None:
        self.gitops.close(data.draw(st.sampled_from(self.opened()))["iid"])

    @rule(path=st.sampled_from(PATHS), number=NUMBERS)
    def commit_by_hand(self, path: str, number: int) -> None:
        text = re.sub(r"replicas:   \d+", f"replicas:   {number}", self.gitops.read_bytes(path).decode())
        self.commit(path, text)

    @rule(path=st.sampled_from(PATHS), number=NUMBERS)
    def tag_by_hand(self, path: str, number: int) -> None:
        self.commit(path, re.sub(r"tag: \S+", f"tag: hand-{number}", self.gitops.read_bytes(path).decode()))

    def commit(self, path: str, text: str) -> None:
        if text.encode() == self.gitops.read_bytes(path):
            return
        self.gitops.push(text, path)
        self.tip = self.gitops.tip()

    def opened(self) -> Any:  # noqa: ANN401 - JSON
        return self.gitops.merge_requests()

    @invariant()
    def one_merge_request_for_each_request(self) -> None:
        branches = [one["source_branch"] for one in self.opened()]
        assert len(branches) == len(set(branches))

    @invariant()
    def no_byte_outside_the_tags_changed(self) -> None:
        for commit in {one["sha"] for one in self.opened()} - self.looked_at:
            for path in self.gitops.git("diff", "--name-only", f"{commit}^", commit).split():
                before, after = (self.gitops.read_bytes(path, ref) for ref in (f"{commit}^", commit))
                assert untagged(before) == untagged(after)
            self.looked_at.add(commit)
        if self.tip not in self.looked_at:
            for path in PATHS:
                assert untagged(self.gitops.read_bytes(path)) == untagged(content(path.split("/")[1]))
            self.looked_at.add(self.tip)


def untagged(source: bytes) -> bytes:
    """A values file without what bumper and people change in it."""
    return re.sub(rb"tag: \S+", b"tag:", re.sub(rb"replicas:   \d+", b"replicas:", source))
