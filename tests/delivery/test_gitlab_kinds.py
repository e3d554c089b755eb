"""What bumper reports is what the server has come to, on every kind of GitLab, by every way of delivery.

By an injected clock: the server's background jobs run while bumper waits, and those that are left run afterwards.
"""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bumper.clock import Clock
from bumper.sandbox import Sandbox
from tests.support.command_line import CommandLine, Ran
from tests.support.gitlab_kinds import KINDS, ROWS, FakeClock, Kind, Row, state_of
from tests.support.gitops import APP, AT_ONCE, STAGING_FILE, Gitops, values
from tests.support.sshd import serve_ssh

CONFIG = b"environments:\n  staging: {values: 'apps/{app}/envs/staging/values.yaml', delivery: %s}\n"
ASKED = {
    "nothing": (),
    "wait": ("--wait", "90"),
    "auto-merge": ("--auto-merge",),
    "auto-merge and wait": ("--auto-merge", "--wait", "90"),
}
REASONS = {"ci_must_pass": "its pipeline to pass", "not_approved": "an approval", "ci_": "its pipeline"}
# Kinds that differ for a push over SSH, which takes a server of its own.
BY_SSH = frozenset({"without CI", "with CI", "that Maintainers merge", "in maintenance"})


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_what_is_reported_has_happened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bumper: CommandLine, kind: Kind
) -> None:
    clock = FakeClock()
    bumper = replace(bumper, clock=Clock(clock, clock.sleep))
    with Sandbox(tmp_path / "sandbox", sample=False, settings=AT_ONCE, clock=clock) as sandbox:
        for number, row in enumerate(row for row in ROWS if row.kind is kind and is_tried(row)):
            delivery = b"commit" if row.way == "commit" else b"merge-request"
            place = Gitops(sandbox, tmp_path, f"team/gitops-{number}")
            files = {STAGING_FILE: values("1.0.0").encode(), "bumper.yaml": CONFIG % delivery, **kind.files}
            sandbox.create_project(place.project, files)
            base, prepared = place.tip(), kind.prepare(place)
            with monkeypatch.context() as patch:
                ran = deliver(row, place, bumper, patch, tmp_path / f"ssh-{number}")
            sandbox.run_jobs()
            compare(row, ran, state_of(prepared, base))
            sandbox.choose(maintenance=False)


def is_tried(row: Row) -> bool:
    """Whether a row differs for bumper from those that are tried: without the API a wait is refused at once."""
    if row.way == "api":
        return True
    if row.way == "commit":
        return row.asked == "nothing"
    return row.asked == "auto-merge" and (row.way == "job token" or row.kind.name in BY_SSH)


def deliver(row: Row, place: Gitops, bumper: CommandLine, patch: pytest.MonkeyPatch, folder: Path) -> Ran:
    arguments = ("bump", "staging", f"{APP}:1.0.1", "--no-verify", "--output", "json", *ASKED[row.asked])
    if row.way == "deploy key":
        patch.setenv("BUMPER_GITLAB_URL", place.sandbox.url)
        with serve_ssh(place.sandbox, folder, place.project, "bumper") as server:
            patch.setenv("BUMPER_REPO", server.url)
            patch.setenv("GIT_SSH_COMMAND", server.command)
            return bumper(*arguments)
    kind = "job" if row.way == "job token" else "project"
    token = place.sandbox.create_token("bumper", kind=kind, project=place.project)
    patch.setenv("BUMPER_REPO", place.url)
    patch.setenv("CI_JOB_TOKEN" if kind == "job" else "BUMPER_TOKEN", token)
    return bumper(*arguments)


def compare(row: Row, ran: Ran, state: str) -> None:
    """Bumper's words against what the server shows once everything has run."""
    where = f"{row.id}: {state}, {ran}"
    done: dict[str, Any] = json.loads(ran.out)
    text = re.sub(r"\s+", " ", ran.out + ran.err)
    if "error" in done:
        assert ran.code in {1, 4, 5}, where
        assert row.expected == "refused" or "wait" in row.asked, where
        assert state not in {"merged", "committed"}, where
    else:
        assert (ran.code, done["status"] in {"merged", "proposed", "committed"}) == (0, True), where
        request = done["merge_request"]
        assert (done["status"] == "merged") <= (state == "merged"), where
        assert (done["status"] == "committed") == (state == "committed"), where
        assert row.asked != "auto-merge and wait" or done["status"] in {"merged", "committed"}, where
        if request is not None and request["auto_merge"]:
            assert state in {"merged", "auto-merge set"}, where
    if row.way == "api" and "auto-merge" in row.asked:
        assert state == row.expected, where
        reason = REASONS.get(row.kind.reason, row.kind.reason)
        assert reason in text, where
