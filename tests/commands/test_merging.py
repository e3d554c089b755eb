"""Auto-merge, waiting, and what happens to an approved merge request that gets new content."""

from pathlib import Path

import pytest

from bumper.sandbox import Sandbox
from tests.support.command_line import CommandLine, finish, start, told
from tests.support.gitops import AT_ONCE, SET_UP, Gitops

IMAGE = "registry.tbank.local/backend/app"


def test_auto_merge_merges_at_once_where_nothing_is_awaited(gitops: Gitops, bumper: CommandLine) -> None:
    done = bumper.bump("staging", f"{IMAGE}:1.0.3", "--auto-merge", "--wait", "30")

    assert done["merge_request"]["state"] == "merged"
    assert "tag: 1.0.3" in gitops.read("apps/backend/envs/staging/values.yaml")


def test_without_auto_merge_a_wait_ends_with_the_reason(gitops: Gitops, bumper: CommandLine) -> None:
    message = bumper.refused("staging", f"{IMAGE}:1.0.3", "--wait", "0.5", code=5)

    assert "was not merged within 0.5 s: nobody has merged it yet; add --auto-merge" in message
    assert len(gitops.merge_requests("opened")) == 1


@pytest.mark.usefixtures("gitops")
def test_a_closed_merge_request_ends_the_wait(gitops: Gitops) -> None:
    running = start("bump", "staging", f"{IMAGE}:1.0.3", "--no-verify", "--wait", "60")
    told(running, "waiting up to")

    gitops.close(1)

    ended = finish(running)
    assert (ended.code, "was closed" in ended.err) == (5, True)


@pytest.mark.usefixtures("gitops")
def test_held_with_wait_is_no_green_result(bumper: CommandLine, gitops: Gitops) -> None:
    bumper("hold", "staging", "--app", "backend", "--reason", "not now", code=0)
    gitops.merge(1)

    assert "held" in bumper.refused("staging", f"{IMAGE}:1.0.3", "--wait", "5", code=5)


def test_new_content_of_an_approved_merge_request_takes_the_approval_back(gitops: Gitops, bumper: CommandLine) -> None:
    bumper.bump("staging", f"{IMAGE}:1.0.3")
    gitops.api.post("/merge_requests/1/approve")

    bumper.bump("staging", f"{IMAGE}:1.0.4")

    assert gitops.api.get("/merge_requests/1/approvals")["approved_by"] == []
    assert "`1.0.3` is now `1.0.4`" in gitops.comments(1)[-1]


def test_auto_merge_is_cancelled_before_new_content_is_pushed(gitops: Gitops, bumper: CommandLine) -> None:
    gitops.api.put("", only_allow_merge_if_pipeline_succeeds=True)
    first = bumper.bump("staging", f"{IMAGE}:1.0.3")
    gitops.api.post(f"/statuses/{first['commit']}", state="running")
    assert bumper.bump("staging", f"{IMAGE}:1.0.3", "--auto-merge")["merge_request"]["auto_merge"] is True

    bumper.bump("staging", f"{IMAGE}:1.0.4")

    cancelled = [
        path for method, path in gitops.sandbox.requests if path.endswith("cancel_merge_when_pipeline_succeeds")
    ]
    assert len(cancelled) == 1
    assert gitops.merge_requests()[0]["merge_when_pipeline_succeeds"] is False


@pytest.mark.parametrize("version", ["16.0.8", "17.6.5", "17.11.0", "18.5.0", "19.1.0"])
def test_auto_merge_on_every_gitlab(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bumper: CommandLine, version: str
) -> None:
    """Right after creation GitLab checks the merge request and answers 405; then its pipeline is awaited."""
    settings = AT_ONCE | SET_UP | {"mergeability_delay": 0.3, "gitlab_version": version}
    with Sandbox(tmp_path / "gitlab", settings=settings) as server:
        monkeypatch.setenv("BUMPER_REPO", server.repo_url)
        monkeypatch.setenv("BUMPER_TOKEN", server.token)
        gitops = Gitops(server, tmp_path)
        gitops.api.put("", only_allow_merge_if_pipeline_succeeds=True)
        commit = bumper.bump("staging", f"{IMAGE}:1.0.3")["commit"]
        gitops.api.post(f"/statuses/{commit}", state="running")

        waiting = bumper.bump("staging", f"{IMAGE}:1.0.3", "--auto-merge")
        gitops.api.post(f"/statuses/{commit}", state="success")

        assert waiting["merge_request"]["auto_merge"] is True
        assert waiting["warnings"] == ["!1 will be merged by GitLab; it waits for its pipeline to end."]
        assert gitops.merge_requests("merged")[0]["iid"] == 1


@pytest.mark.parametrize("version", ["16.0.8", "18.5.0"])
def test_a_wait_with_auto_merge_ends_once_somebody_approves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    """GitLab waits for approvals by itself since 17.7; before, bumper asks again when they are there."""
    settings = AT_ONCE | SET_UP | {"gitlab_version": version}
    with Sandbox(tmp_path / "gitlab", settings=settings) as server:
        monkeypatch.setenv("BUMPER_REPO", server.repo_url)
        monkeypatch.setenv("BUMPER_TOKEN", server.token)
        gitops = Gitops(server, tmp_path)
        gitops.api.post("/approvals", approvals_before_merge=1)
        running = start("bump", "staging", f"{IMAGE}:1.0.3", "--no-verify", "--auto-merge", "--wait", "60")
        assert told(running, "waiting for !1") == "waiting for !1: it waits for an approval\n"

        gitops.api.post("/merge_requests/1/approve")

        assert finish(running).code == 0
        assert gitops.merge_requests("merged")[0]["iid"] == 1


def test_a_wait_without_auto_merge_says_that_somebody_has_to_merge(gitops: Gitops) -> None:
    running = start("bump", "staging", f"{IMAGE}:1.0.3", "--no-verify", "--wait", "60")
    assert told(running, "waiting for !1") == "waiting for !1: it waits for somebody to merge it\n"

    gitops.api.put("/merge_requests/1/merge")

    assert finish(running).code == 0


def test_where_merges_are_fast_forward_a_wait_rebases(gitops: Gitops) -> None:
    gitops.api.put("", merge_method="ff")
    gitops.api.post("/approvals", approvals_before_merge=1)
    running = start("bump", "staging", f"{IMAGE}:1.0.3", "--no-verify", "--auto-merge", "--wait", "60")
    assert told(running, "waiting for !1") == "waiting for !1: it waits for an approval\n"
    gitops.push("moved on\n", "NEWS.md")

    gitops.api.post("/merge_requests/1/approve")

    assert finish(running).code == 0
    assert "tag: 1.0.3" in gitops.read("apps/backend/envs/staging/values.yaml")
    assert gitops.read("NEWS.md") == "moved on\n"


def test_a_merge_train_is_joined_and_not_rebuilt_while_queued(gitops: Gitops, bumper: CommandLine) -> None:
    gitops.api.put("", merge_trains_enabled=True, only_allow_merge_if_pipeline_succeeds=True)
    commit = bumper.bump("staging", f"{IMAGE}:1.0.3")["commit"]
    gitops.api.post(f"/statuses/{commit}", state="running")

    queued = bumper.bump("staging", f"{IMAGE}:1.0.3", "--auto-merge")
    assert [car["merge_request"]["iid"] for car in gitops.api.get("/merge_trains")] == [1]
    file = "apps/backend/envs/staging/values.yaml"
    gitops.push(gitops.read(file).replace("1.0.2", "1.0.1"), file)  # conflicts with the car
    again = bumper.bump("staging", f"{IMAGE}:1.0.3")

    assert queued["merge_request"]["auto_merge"] is True
    assert (again["merge_request"]["action"], gitops.merge_requests()[0]["sha"]) == ("unchanged", commit)
