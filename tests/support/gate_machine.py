"""The interleavings with a gate before prod: soak, freeze, what was tested, and persons who edit prod by hand."""

import contextlib
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from bumper.clock import SYSTEM_CLOCK, Clock
from tests.support.deployments import PROD, STAGING
from tests.support.inside import run_inside
from tests.support.machine import APPS, NUMBERS, Interleavings

TWO_HOURS_ON = Clock(now=lambda: datetime.now(UTC) + timedelta(hours=2))
HOUR_AGO = (datetime.now(UTC) - timedelta(hours=1)).strftime("%M %H %d %m *")


class GatedInterleavings(Interleavings):
    """Prod takes what has been in staging for an hour, which is true of what the repository is made of."""

    config = """\
environments:
  staging: {values: apps/{app}/envs/staging/values.yaml}
  prod: {values: apps/{app}/envs/prod/values.yaml, promote_from: [staging], soak: 1h, freeze: gitlab}
"""

    def tag(self, pattern: str, app: str, commit: str = "main") -> str:
        found = re.search(r"tag: (\S+)", self.gitops.read(pattern.format(app), commit))
        assert found is not None
        return found[1]

    def ran(self, pattern: str, app: str) -> list[str]:
        """The tags at each commit of the first-parent line, the newest first."""
        return [self.tag(pattern, app, commit) for commit in self.line()]

    def line(self) -> list[str]:
        return self.gitops.git("rev-list", "--first-parent", "main").split()

    @property
    def is_frozen(self) -> bool:
        return bool(self.gitops.api.get("/freeze_periods"))

    @rule(frozen=st.booleans())
    def freeze(self, frozen: bool) -> None:  # noqa: FBT001 - hypothesis passes it
        for one in self.gitops.api.get("/freeze_periods"):
            self.gitops.api("DELETE", f"/freeze_periods/{one['id']}")
        if frozen:
            self.gitops.api.post("/freeze_periods", freeze_start=HOUR_AGO, freeze_end="0 0 1 1 *")

    @rule(app=st.sampled_from([None, *APPS]), soaked=st.booleans())
    def promote(self, app: str | None, soaked: bool = True) -> None:  # noqa: FBT001, FBT002 - hypothesis passes it
        chosen = ["--app", app] if app else []
        clock = TWO_HOURS_ON if soaked else SYSTEM_CLOCK

        result = self.run("promote", "staging", "prod", "--when-ready", *chosen, clock=clock).json

        differ = {one for one in (APPS if app is None else (app,)) if self.tag(STAGING, one) != self.tag(PROD, one)}
        goes_on = {one for one in differ if soaked or len(set(self.ran(STAGING, one))) == 1}
        if self.is_frozen:
            goes_on = set()
        assert {change["app"]: change["to"]["tag"] for change in result["changes"]} == {
            one: self.tag(STAGING, one) for one in goes_on
        }
        assert {one["app"] for one in result["waiting"]} == differ - goes_on
        reasons = {one["reason"].startswith("prod is frozen") for one in result["waiting"]}
        assert reasons <= {self.is_frozen}

    @rule(data=st.data())
    def promote_what_was_tested(self, data: st.DataObject) -> None:
        commit = data.draw(st.sampled_from(self.line()))

        result = self.run("promote", "staging", "prod", "--as-of", commit, "--when-ready", "--urgent", "tested").json

        tested = {app: self.tag(STAGING, app, commit) for app in APPS}
        differ = {app: tag for app, tag in tested.items() if tag != self.tag(PROD, app)}
        taken_back = {app for app, tag in differ.items() if is_taken_back(self.ran(STAGING, app), tag)}
        assert {one["app"] for one in result["waiting"]} == taken_back
        assert {change["app"]: change["to"]["tag"] for change in result["changes"]} == {
            app: tag for app, tag in differ.items() if app not in taken_back
        }

    @rule(app=st.sampled_from(APPS), number=NUMBERS)
    def a_person_edits_prod(self, app: str, number: int) -> None:
        """With the check required: what is green is merged, and keeps the rules as they are at the tip."""
        path, wanted = PROD.format(app), f"1.0.{number}"
        clone = self.gitops.person()
        text = self.gitops.read_bytes(path).decode()
        clone.commit(re.sub(r"tag: \S+", f"tag: {wanted}", text), path, "By hand")

        verdict = self.check(clone)

        may = wanted in self.ran(PROD, app) or (wanted == self.tag(STAGING, app) and not self.is_frozen)
        assert verdict["ok"] == may, verdict
        if verdict["ok"]:
            clone.git("push", "--quiet", "origin", "HEAD:main")
            self.tip = self.gitops.tip()

    def check(self, clone: Any) -> Any:  # noqa: ANN401 - JSON
        with contextlib.chdir(clone.folder):
            command = ("check", "--base", "origin/main", "--no-verify", "--output", "json")
            return run_inside(*command, environ=self.environ, clock=TWO_HOURS_ON).json


def is_taken_back(ran: list[str], tag: str) -> bool:
    """Whether the environment went back behind the newest run of a tag; ``ran`` are its tags, the newest first."""
    first = ran.index(tag)
    last = next((number for number in range(first, len(ran)) if ran[number] != tag), len(ran))
    return not set(ran[:first]).isdisjoint(ran[last:])
