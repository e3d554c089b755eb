"""Many bumps at one moment: none is lost, none fails, none undoes another, none overwrites a person."""

from dataclasses import replace
from pathlib import Path

import pytest

from bumper.gitlab import merge_requests
from bumper.gitlab.connection import GitLab
from bumper.gitlab.merge_requests import MergeRequest
from bumper.sandbox import Sandbox
from tests.support.clock import counting_clock
from tests.support.command_line import CommandLine, finish, start
from tests.support.gitops import APP, STAGING_FILE, GitopsMaker, values
from tests.support.machine import Place
from tests.support.pipelines import pipeline
from tests.support.rivals import bump_all, check_all_landed, repository_of

MANY = 5
APPLICATIONS = 4  # the stress run takes 30


def test_many_commits_at_once_to_many_applications(sandbox: Sandbox, temporary_folder: Path) -> None:
    gitops = repository_of(Place(sandbox, temporary_folder), APPLICATIONS)

    check_all_landed(gitops, bump_all(gitops, APPLICATIONS))


def test_many_pipelines_at_once_bump_one_application(make_gitops: GitopsMaker) -> None:
    gitops = make_gitops({STAGING_FILE: values("1.0.0")})
    arguments = ("--no-verify", "--output", "json")

    running = [
        start("bump", "staging", f"{APP}:1.0.{number}", *arguments, environ=pipeline(100 + number))
        for number in range(1, MANY + 1)
    ]
    ended = [finish(process) for process in running]

    assert [(ran.code, ran.err) for ran in ended if ran.code] == []
    assert {ran.json["status"] for ran in ended} <= {"proposed", "superseded"}
    [one] = gitops.merge_requests()
    assert gitops.read(STAGING_FILE, one["source_branch"]) == values(f"1.0.{MANY}")
    assert gitops.git("rev-parse", f"{one['source_branch']}^").strip() == gitops.tip()
    gitops.merge(one["iid"])
    assert gitops.read(STAGING_FILE) == values(f"1.0.{MANY}")


def test_a_head_that_another_run_replaces_in_the_meantime_is_a_lost_race_and_noticed_at_once(
    make_gitops: GitopsMaker, bumper: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    gitops, clock = make_gitops({STAGING_FILE: values("1.0.0")}), counting_clock()
    bumper.bump("staging", f"{APP}:1.0.1")

    def read_after_a_rival(gitlab: GitLab, iid: int) -> MergeRequest:
        """GitLab's background jobs go from one head to the one after the next."""
        again.undo()
        assert finish(start("bump", "staging", f"{APP}:1.0.2", "--no-verify", "--output", "json")).code == 0
        return merge_requests.read(gitlab, iid)

    with monkeypatch.context() as again:
        again.setattr(merge_requests, "read", read_after_a_rival)
        remade = replace(bumper, clock=clock).bump("staging", f"{APP}:1.0.1")

    assert (remade["status"], remade["merge_request"]["action"]) == ("proposed", "updated")
    assert gitops.read(STAGING_FILE, remade["branch"]) == values("1.0.1")
    assert clock.monotonic() < 5
