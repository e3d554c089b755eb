"""What GitLab does behind one's back: late heads, dropped people, forks, rewritten commits, cancelled auto-merge."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bumper.clock import Clock
from bumper.sandbox import Sandbox
from tests.faults.proxy import LOST_ANSWER, Fault, Proxy
from tests.support.command_line import CommandLine
from tests.support.gitlab_kinds import CI_FILE, FakeClock
from tests.support.gitops import APP, AT_ONCE, SET_UP, STAGING_FILE, Gitops, values
from tests.support.people import person

CONFIG = "environments:\n  staging: {values: 'apps/{app}/envs/staging/values.yaml'}\n"
WAIT = ("--auto-merge", "--wait", "120")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def waiting(bumper: CommandLine, clock: FakeClock) -> CommandLine:
    """Bumper, whose waiting makes the server's time pass."""
    return replace(bumper, clock=Clock(clock, clock.sleep))


@pytest.fixture
def gitops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: FakeClock) -> Iterator[Gitops]:
    with Sandbox(tmp_path / "sandbox", sample=False, settings=AT_ONCE | SET_UP, clock=clock) as sandbox:
        files = {STAGING_FILE: values("1.0.0").encode(), "bumper.yaml": CONFIG.encode()}
        monkeypatch.setenv("BUMPER_REPO", sandbox.create_project("team/gitops", files))
        monkeypatch.setenv("BUMPER_TOKEN", sandbox.create_token("bumper", project="team/gitops"))
        yield Gitops(sandbox, tmp_path, "team/gitops")


def test_an_updated_merge_request_is_merged_with_its_new_head_however_late_that_is(
    gitops: Gitops, waiting: CommandLine
) -> None:
    waiting.bump("staging", f"{APP}:1.0.1")
    gitops.sandbox.choose(head_delay=20)

    done = waiting.bump("staging", f"{APP}:1.0.2", *WAIT)

    assert done["status"] == "merged"
    assert gitops.read(STAGING_FILE) == values("1.0.2")


@pytest.mark.parametrize("role", ["reviewer", "assignee"])
def test_a_person_whom_gitlab_dropped_is_a_warning(gitops: Gitops, waiting: CommandLine, role: str) -> None:
    done = waiting.bump("staging", f"{APP}:1.0.1", f"--{role}", "alice", f"--{role}", "bob")

    assert [one["username"] for one in gitops.merge_requests()[0][f"{role}s"]] == ["alice"]
    assert any("bob" in warning and "alice" not in warning for warning in done["warnings"])


def test_a_fork_with_the_name_of_bumper_s_branch_is_left_alone(gitops: Gitops, waiting: CommandLine) -> None:
    branch = waiting.bump("staging", f"{APP}:1.0.1", "--dry-run")["branch"]
    forged = person(gitops, "mallory").open_from_fork(values("6.6.6"), STAGING_FILE, branch)

    done = waiting.bump("staging", f"{APP}:1.0.1", *WAIT)

    assert (done["status"], done["merge_request"]["iid"]) == ("merged", forged + 1)
    assert gitops.read(STAGING_FILE) == values("1.0.1")
    assert [one["iid"] for one in gitops.merge_requests()] == [forged]


def test_trailers_survive_a_squash(gitops: Gitops, waiting: CommandLine) -> None:
    gitops.sandbox.choose(squash_option="always", merge_method="ff")

    waiting.bump("staging", f"{APP}:1.0.1", *WAIT)

    assert f"Bumper-Image: {APP}:1.0.1" in gitops.git("log", "-1", "--format=%B", "main")


def test_the_commits_that_a_merge_makes_obey_push_rules_as_bumper_s_own_do(
    gitops: Gitops, waiting: CommandLine
) -> None:
    gitops.push(f"{CONFIG}commit_message: '{{default}} [OPS-1]'\n", "bumper.yaml")
    gitops.sandbox.choose(commit_message_regex=r"\[OPS-\d+\]", squash_option="always")

    done = waiting.bump("staging", f"{APP}:1.0.1", *WAIT)

    assert done["status"] == "merged"


def test_what_an_automatic_rebase_made_is_what_has_landed(gitops: Gitops, waiting: CommandLine) -> None:
    gitops.sandbox.choose(merge_method="ff", automatic_rebase=True)
    proposed = waiting.bump("staging", f"{APP}:1.0.1")
    gitops.push("moved on\n", "NEWS.md")

    done = waiting.bump("staging", f"{APP}:1.0.1", *WAIT)

    landed = gitops.tip()
    assert landed != proposed["commit"]
    assert done["status"] == "merged"
    assert gitops.read(STAGING_FILE) == values("1.0.1")
    history = waiting("history", "staging", "--output", "json", code=0).json["deployments"]
    assert (history[0]["commit"], history[0]["merge_request"]) == (landed, done["merge_request"]["iid"])


def test_auto_merge_that_a_push_to_main_cancelled_is_set_again_by_a_rerun(gitops: Gitops, waiting: CommandLine) -> None:
    gitops.push(CI_FILE[".gitlab-ci.yml"].decode(), ".gitlab-ci.yml")
    gitops.sandbox.choose(merge_method="ff", pipelines="running")
    first = waiting.bump("staging", f"{APP}:1.0.1", "--auto-merge")
    gitops.push("moved on\n", "NEWS.md")
    cancelled = gitops.merge_requests()[0]["merge_when_pipeline_succeeds"]

    reported = waiting.bump("staging", f"{APP}:1.0.1", "--auto-merge")
    head = gitops.merge_requests()[0]["sha"]
    gitops.api.post(f"/statuses/{head}", state="success")

    assert (first["merge_request"]["auto_merge"], cancelled) == (True, False)
    assert reported["merge_request"]["auto_merge"] is True
    assert head != first["commit"]
    assert gitops.read(STAGING_FILE) == values("1.0.1")
    assert gitops.read("NEWS.md") == "moved on\n"


def test_a_revoked_token_s_merge_request_is_the_ghost_s_and_a_new_token_carries_on(
    gitops: Gitops, waiting: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting.bump("staging", f"{APP}:1.0.1", *WAIT)
    for token in [token for token in gitops.sandbox._world.records.tokens.values() if token.kind == "project"]:
        gitops.sandbox.revoke_token(token.value)
    monkeypatch.setenv("BUMPER_TOKEN", gitops.sandbox.create_token("bumper", project=gitops.project))

    again = waiting.bump("staging", f"{APP}:1.0.1")
    newer = waiting.bump("staging", f"{APP}:1.0.2", *WAIT)

    assert gitops.merge_requests("merged")[1]["author"]["username"] == "ghost"
    assert (again["status"], newer["status"]) == ("unchanged", "merged")


@pytest.fixture
def proxy(gitops: Gitops, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """Stands between bumper and the server: others act, and answers get lost, between two requests."""
    with Proxy(gitops.sandbox.url) as between:
        monkeypatch.setenv("BUMPER_REPO", f"{between.url}/{gitops.project}.git")
        yield between


@pytest.mark.parametrize(
    ("action", "moment", "delay"),
    [
        pytest.param("merge", ("PUT", "/merge_requests/1$"), 20, id="merged after the push"),
        pytest.param("merge", ("GET", "/approvals$"), 0, id="merged before the push"),
        pytest.param("close", ("GET", "/approvals$"), 0, id="closed"),
    ],
)
def test_what_a_person_ends_while_it_is_updated_is_not_reported_as_proposed_or_merged(
    gitops: Gitops, waiting: CommandLine, proxy: Proxy, action: str, moment: tuple[str, str], delay: int
) -> None:
    waiting.bump("staging", f"{APP}:1.0.1")
    gitops.sandbox.choose(head_delay=delay)

    def end() -> None:
        if action == "close":
            gitops.close(1)
        else:
            gitops.api.put("/merge_requests/1/merge", should_remove_source_branch=False)

    proxy.meanwhile(end, method=moment[0], path=moment[1])

    ran = waiting("bump", "staging", f"{APP}:1.0.2", "--no-verify", "--output", "json")

    if action == "close":
        assert (ran.code, "was closed by a person" in ran.err) == (1, True)
    else:
        assert (ran.json["status"], ran.json["merge_request"]["iid"]) == ("proposed", 2)
        assert gitops.read(STAGING_FILE) == values("1.0.1")


def test_a_merge_request_that_gitlab_is_merging_at_this_moment_is_waited_for(
    gitops: Gitops, waiting: CommandLine, proxy: Proxy
) -> None:
    waiting.bump("staging", f"{APP}:1.0.1")
    world = gitops.sandbox._world
    [locked] = world.records.merge_requests.values()
    world.update(locked, state="locked")

    def merge() -> None:
        world.update(locked, state="opened")
        gitops.merge(1)

    proxy.meanwhile(merge, method="GET", path="/merge_requests/1$", nth=2)
    same = waiting.bump("staging", f"{APP}:1.0.1", "--auto-merge")
    next_tag = waiting.bump("staging", f"{APP}:1.0.2")

    assert (same["status"], same["merge_request"]["state"]) == ("merged", "merged")
    assert (next_tag["status"], next_tag["merge_request"]["iid"]) == ("proposed", 2)


def test_a_merge_that_is_answered_and_not_done_is_a_warning(gitops: Gitops, waiting: CommandLine, proxy: Proxy) -> None:
    proxy.fail(Fault(204), method="PUT", path="/merge$")

    done = waiting.bump("staging", f"{APP}:1.0.1", "--auto-merge")

    assert (done["status"], gitops.merge_requests()[0]["state"]) == ("proposed", "opened")
    assert done["warnings"] == [
        "auto-merge could not be set on !1: GitLab accepted the request, but has not merged it, and gives no reason."
    ]


def test_what_bumper_closed_for_a_newer_pipeline_is_not_to_be_reopened(
    gitops: Gitops, waiting: CommandLine, proxy: Proxy
) -> None:
    def replace_it() -> None:
        description = gitops.merge_requests()[0]["description"].replace('"superseded_by":null', '"superseded_by":4')
        gitops.api.put("/merge_requests/1", description=description, state_event="close")

    proxy.meanwhile(replace_it, method="GET", path="/merge_requests/1$", nth=2)

    message = waiting.refused("staging", f"{APP}:1.0.1", "--wait", "60", code=5)

    assert "was closed by bumper, because !4 replaces it" in message


def test_a_draft_stays_a_draft(gitops: Gitops, waiting: CommandLine) -> None:
    waiting.bump("staging", f"{APP}:1.0.1")
    gitops.api.put("/merge_requests/1", title="Draft: not before Monday")

    done = waiting.bump("staging", f"{APP}:1.0.2", "--auto-merge")

    assert (done["status"], done["merge_request"]["auto_merge"]) == ("proposed", True)
    assert "somebody to mark it as ready" in done["warnings"][0]
    assert gitops.merge_requests()[0]["title"] == "Draft: app 1.0.0 -> 1.0.2 in staging"


def test_a_merge_error_of_before_which_gitlab_shows_until_it_has_rebased_stops_no_rebase(
    gitops: Gitops, waiting: CommandLine
) -> None:
    gitops.sandbox.choose(merge_method="ff", rebase_delay=2)
    waiting.bump("staging", f"{APP}:1.0.1")
    gitops.push("moved on\n", "NEWS.md")
    world = gitops.sandbox._world
    [failed] = world.records.merge_requests.values()
    world.update(failed, merge_error="Only fast-forward merge is allowed for your project.")

    done = waiting.bump("staging", f"{APP}:1.0.1", "--auto-merge")

    assert done["status"] == "merged"
    assert gitops.read(STAGING_FILE) == values("1.0.1")


def test_whoever_loses_the_race_to_a_fast_forward_is_rebased_and_merged_without_a_wait(
    gitops: Gitops, waiting: CommandLine, proxy: Proxy
) -> None:
    gitops.sandbox.choose(merge_method="ff", mergeability_delay=1, rebase_delay=1)

    def move_on() -> None:
        gitops.push("moved on\n", f"NEWS-{gitops.tip()}")

    for number in (1, 2):
        proxy.meanwhile(move_on, path="/merge$", nth=number)

    done = waiting.bump("staging", f"{APP}:1.0.1", "--auto-merge")

    assert done["status"] == "merged"
    assert gitops.read(STAGING_FILE) == values("1.0.1")


def test_a_branch_behind_is_rebased_however_slowly_gitlab_checks(gitops: Gitops, waiting: CommandLine) -> None:
    gitops.push(CI_FILE[".gitlab-ci.yml"].decode(), ".gitlab-ci.yml")
    gitops.sandbox.choose(merge_method="ff", mergeability_delay=3, head_delay=3, pipeline_duration=30, rebase_delay=2)
    waiting.bump("staging", f"{APP}:1.0.1", "--auto-merge")
    gitops.push("moved on\n", "NEWS.md")
    gitops.sandbox.run_jobs()

    done = waiting.bump("staging", f"{APP}:1.0.1", "--auto-merge")
    gitops.sandbox.run_jobs()

    assert done["merge_request"]["auto_merge"] is True
    assert gitops.read(STAGING_FILE) == values("1.0.1")


def test_a_rollback_whose_merge_lost_its_answers_is_not_made_twice(
    gitops: Gitops, waiting: CommandLine, proxy: Proxy
) -> None:
    for tag in ("1.0.1", "1.0.2"):
        waiting.bump("staging", f"{APP}:{tag}", *WAIT)
    proxy.fail(LOST_ANSWER, method="PUT", path="/merge$", times=2)

    done = waiting("rollback", "staging", "--app", "app", *WAIT, "--no-verify", "--output", "json", code=0).json

    assert done["status"] == "merged"
    assert gitops.read(STAGING_FILE) == values("1.0.1")


@pytest.mark.parametrize("wait", [(), ("--wait", "60")], ids=["at once", "with a wait"])
def test_what_its_pipeline_found_wrong_is_not_merged_by_a_rerun(
    gitops: Gitops, waiting: CommandLine, wait: tuple[str, ...]
) -> None:
    gitops.push(CI_FILE[".gitlab-ci.yml"].decode(), ".gitlab-ci.yml")
    gitops.sandbox.choose(pipelines="failed")
    waiting.bump("staging", f"{APP}:1.0.1")

    ran = waiting("bump", "staging", f"{APP}:1.0.1", "--auto-merge", *wait, "--no-verify", "--output", "json")

    assert gitops.read(STAGING_FILE) == values("1.0.0")
    assert ran.code == (5 if wait else 0)
    assert "its pipeline to pass, which has failed" in ran.err


def test_a_wait_that_ends_in_vain_reports_the_merge_request_as_it_is_by_then(
    gitops: Gitops, waiting: CommandLine, proxy: Proxy
) -> None:
    gitops.sandbox.choose(tier="premium", approvals_before_merge=1)
    late = waiting.bump("staging", f"{APP}:1.0.1", *WAIT, code=5)
    proxy.meanwhile(lambda: gitops.close(1), method="GET", path="/merge_requests/1$", nth=3)
    closed = waiting.bump("staging", f"{APP}:1.0.1", "--wait", "60", code=5)

    assert (late["merge_request"]["state"], late["merge_request"]["auto_merge"]) == ("opened", True)
    assert (closed["merge_request"]["state"], closed["merge_request"]["auto_merge"]) == ("closed", False)


def test_a_merge_that_gitlab_tried_in_vain_is_not_tried_again_and_again(
    gitops: Gitops, waiting: CommandLine, clock: FakeClock
) -> None:
    waiting.bump("staging", f"{APP}:1.0.1")
    gitops.sandbox.choose(commit_message_regex="^OPS-")

    done = waiting.bump("staging", f"{APP}:1.0.1", "--auto-merge")

    assert "does not follow the pattern" in done["warnings"][0]
    assert clock.now < 5
