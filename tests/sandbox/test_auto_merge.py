from pathlib import Path

import pytest

from bumper.sandbox import Sandbox
from tests.sandbox.client import Api, Clone, add_branch
from tests.support.gitops import AT_ONCE


def report(bot: Api, sha: str, state: str, name: str = "test") -> None:
    bot.post(f"/statuses/{sha}", state=state, name=name, ref="deploy")


@pytest.fixture
def head(sandbox: Sandbox, bot: Api) -> str:
    """The head of merge request 1."""
    sha = add_branch(sandbox, "deploy")
    bot.open("deploy")
    return sha


def test_it_merges_when_the_pipeline_succeeds(bot: Api, head: str) -> None:
    report(bot, head, "running")
    bot.mergeable(1)

    waiting = bot.put("/merge_requests/1/merge", auto_merge=True, sha=head)
    report(bot, head, "success")

    assert (waiting["state"], waiting["merge_when_pipeline_succeeds"]) == ("opened", True)
    assert bot.get("/merge_requests/1")["state"] == "merged"


def test_another_target_branch_cancels_it(sandbox: Sandbox, bot: Api, head: str) -> None:
    add_branch(sandbox, "production")
    report(bot, head, "running")
    bot.mergeable(1)
    bot.put("/merge_requests/1/merge", auto_merge=True, sha=head)

    moved = bot.put("/merge_requests/1", target_branch="production")

    assert (moved["target_branch"], moved["merge_when_pipeline_succeeds"]) == ("production", False)
    report(bot, head, "success")
    assert bot.get("/merge_requests/1")["state"] == "opened"


@pytest.mark.parametrize("version", ["16.0.8", "17.10.0", "18.5.0", "19.1.0"])
def test_without_a_pipeline_there_is_no_auto_merge_but_a_405_and_sha_alone_merges(
    sandbox: Sandbox, bot: Api, head: str, version: str
) -> None:
    sandbox.choose(gitlab_version=version)
    bot.mergeable(1)
    wish = {"auto_merge": True, "merge_when_pipeline_succeeds": True}

    refused = bot("PUT", "/merge_requests/1/merge", sha=head, **wish)

    assert (refused.status_code, refused.json()) == (405, {"message": "405 Method Not Allowed"})
    assert bot.put("/merge_requests/1/merge", sha=head)["state"] == "merged"


def test_the_feature_flag_of_2026_merges_without_a_pipeline(sandbox: Sandbox, bot: Api, head: str) -> None:
    sandbox.choose(auto_merge_without_pipeline=True)
    bot.mergeable(1)

    assert bot.put("/merge_requests/1/merge", auto_merge=True, sha=head)["state"] == "merged"


def test_after_its_pipeline_auto_merge_merges_at_once(bot: Api, head: str) -> None:
    report(bot, head, "success")
    bot.mergeable(1)

    assert bot.put("/merge_requests/1/merge", auto_merge=True, sha=head)["state"] == "merged"


def test_every_status_of_the_pipeline_counts(bot: Api, head: str) -> None:
    report(bot, head, "pending", "build")
    report(bot, head, "pending", "test")
    bot.mergeable(1)
    bot.put("/merge_requests/1/merge", auto_merge=True)

    report(bot, head, "success", "build")
    half = bot.get("/merge_requests/1")
    report(bot, head, "success", "test")

    assert (half["state"], half["head_pipeline"]["status"]) == ("opened", "pending")
    assert bot.get("/merge_requests/1")["state"] == "merged"
    assert [one["status"] for one in bot.get("/merge_requests/1/pipelines")] == ["success"]


def test_a_failed_pipeline_keeps_it_for_a_retry(bot: Api, head: str) -> None:
    report(bot, head, "running")
    bot.mergeable(1)
    bot.put("/merge_requests/1/merge", auto_merge=True)

    report(bot, head, "failed")
    failed = bot.get("/merge_requests/1")
    report(bot, head, "success")

    assert (failed["state"], failed["merge_when_pipeline_succeeds"]) == ("opened", True)
    assert bot.get("/merge_requests/1")["state"] == "merged"


def test_a_person_cancels_it(bot: Api, head: str) -> None:
    report(bot, head, "running")
    bot.mergeable(1)
    bot.put("/merge_requests/1/merge", auto_merge=True)

    cancelled = bot.post("/merge_requests/1/cancel_merge_when_pipeline_succeeds")
    report(bot, head, "success")

    assert cancelled["merge_when_pipeline_succeeds"] is False
    assert bot.get("/merge_requests/1")["state"] == "opened"
    assert bot("POST", "/merge_requests/1/cancel_merge_when_pipeline_succeeds").status_code == 405


def test_a_push_cancels_it_and_takes_approvals_away(clone: Clone, bot: Api, alice: Api) -> None:
    commit = clone.push_branch("deploy", "a: 1\n")
    bot.open("deploy")
    alice.post("/merge_requests/1/approve", sha=commit)
    report(bot, commit, "running")
    bot.mergeable(1)
    bot.put("/merge_requests/1/merge", auto_merge=True)

    clone.commit("a: 2\n")
    clone.git("push", "--quiet", "origin", "deploy")

    assert bot.get("/merge_requests/1")["merge_when_pipeline_succeeds"] is False
    assert bot.get("/merge_requests/1/approvals")["approved_by"] == []


def test_a_demanded_pipeline_has_to_succeed(bot: Api, alice: Api, head: str) -> None:
    alice.put("", only_allow_merge_if_pipeline_succeeds=True)

    def status() -> str:
        return str(bot.mergeable(1)["detailed_merge_status"])

    seen = [status()]
    for state in ("running", "failed", "success"):
        report(bot, head, state)
        seen.append(status())

    assert seen == ["ci_must_pass", "ci_still_running", "ci_must_pass", "mergeable"]


def test_it_waits_for_approvals(bot: Api, alice: Api, head: str) -> None:
    alice.post("/approvals", approvals_before_merge=1)
    shown = bot.mergeable(1)
    now = bot("PUT", "/merge_requests/1/merge")

    bot.put("/merge_requests/1/merge", auto_merge=True, sha=head)
    alice.post("/merge_requests/1/approve")

    assert shown["detailed_merge_status"] == "not_approved"
    assert now.status_code == 405
    assert bot.get("/merge_requests/1")["state"] == "merged"


@pytest.mark.parametrize(
    ("version", "parameter", "merged"),
    [
        ("17.10.0", "auto_merge", True),
        ("17.10.0", "merge_when_pipeline_succeeds", False),
        ("17.11.0", "auto_merge", False),
    ],
)
def test_a_version_knows_its_own_parameter(tmp_path: Path, version: str, parameter: str, *, merged: bool) -> None:
    settings = AT_ONCE | {"gitlab_version": version, "merge_access": "developers"}
    with Sandbox(tmp_path / "sandbox", settings=settings) as sandbox:
        bot = Api(sandbox, sandbox.token)
        report(bot, add_branch(sandbox, "deploy"), "running")
        bot.open("deploy")
        bot.mergeable(1)

        shown = bot.put("/merge_requests/1/merge", **{parameter: True})

        assert (shown["state"] == "merged") is merged


def test_a_merge_train(bot: Api, alice: Api, head: str) -> None:
    refused = bot("POST", "/merge_trains/merge_requests/1")
    alice.put("", merge_trains_enabled=True)
    report(bot, head, "running")

    bot.post("/merge_trains/merge_requests/1", sha=head)
    waiting = bot.get("/merge_trains")
    report(bot, head, "success")

    assert refused.status_code == 403
    assert [car["merge_request"]["iid"] for car in waiting] == [1]
    assert bot.get("/merge_trains") == []
    assert bot.get("/merge_trains/merge_requests/1")["status"] == "merged"


def test_approvals(sandbox: Sandbox, bot: Api, alice: Api, head: str) -> None:
    bot.post("/merge_requests/1/approvals", approvals_required=2)
    alice.post("/merge_requests/1/approve", sha=head)
    refused = {
        "twice": alice("POST", "/merge_requests/1/approve").status_code,
        "the author": bot("POST", "/merge_requests/1/approve").status_code,
        "a person resets": alice("PUT", "/merge_requests/1/reset_approvals").status_code,
    }

    shown = bot.get("/merge_requests/1/approvals")
    bob = Api(sandbox, sandbox.create_token("bob", kind="personal"))
    stale = bob("POST", "/merge_requests/1/approve", sha="0" * 40)

    assert (shown["approvals_required"], shown["approvals_left"], shown["approved"]) == (2, 1, False)
    assert refused == dict.fromkeys(refused, 401)
    assert stale.status_code == 409
    alice.post("/merge_requests/1/unapprove")
    assert bot.get("/merge_requests/1/approvals")["approvals_left"] == 2
    bob.post("/merge_requests/1/approve")
    assert bot("PUT", "/merge_requests/1/reset_approvals").status_code == 202
    assert bot.get("/merge_requests/1/approvals")["approved_by"] == []
