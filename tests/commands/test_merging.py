"""Auto-merge, waiting, and what happens to an approved merge request that gets new content."""

import pytest

from tests.command_line import CommandLine, finish, start
from tests.gitops import Gitops

IMAGE = "registry.tbank.local/backend/app"


def test_auto_merge_merges_at_once_where_nothing_is_awaited(gitops: Gitops, bumper: CommandLine) -> None:
    done = bumper.bump("staging", f"{IMAGE}:1.0.3", "--auto-merge", "--wait", "30")

    assert done["merge_request"]["state"] == "merged"
    assert "tag: 1.0.3" in gitops.read("apps/backend/envs/staging/values.yaml")


def test_without_auto_merge_a_wait_ends_with_the_reason(gitops: Gitops, bumper: CommandLine) -> None:
    message = bumper.refused("staging", f"{IMAGE}:1.0.3", "--wait", "0.5", code=5)

    assert "was not merged within 0.5 s: it waits for" in message
    assert len(gitops.merge_requests("opened")) == 1


@pytest.mark.usefixtures("gitops")
def test_a_closed_merge_request_ends_the_wait(gitops: Gitops) -> None:
    running = start("bump", "staging", f"{IMAGE}:1.0.3", "--no-verify", "--wait", "60")
    assert running.stderr is not None
    assert running.stderr.readline().startswith("waiting for !1:")

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
