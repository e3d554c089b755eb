import pytest

from bumper.sandbox import Sandbox
from tests.sandbox.client import STAGING, Api, Clone, add_branch, run_git


def log(sandbox: Sandbox, form: str, *arguments: str) -> list[str]:
    path = str(sandbox.repository_path())
    return run_git("-C", path, "log", f"--format={form}", *(arguments or ("main",))).stdout.splitlines()


def test_a_merge_commit(sandbox: Sandbox, bot: Api) -> None:
    head = add_branch(sandbox, "deploy")
    tip = bot.get("/repository/branches/main")["commit"]["id"]
    bot.open("deploy", title="Bump backend")
    sha = bot.mergeable(1)["sha"]

    merged = bot.put("/merge_requests/1/merge", sha=sha, should_remove_source_branch=True)

    assert (merged["state"], merged["merge_user"]["name"]) == ("merged", "bumper")
    assert log(sandbox, "%H %P", "-1", "main") == [f"{merged['merge_commit_sha']} {tip} {head}"]
    assert log(sandbox, "%B", "-1", "main")[:5] == [
        "Merge branch 'deploy' into 'main'",
        "",
        "Bump backend",
        "",
        "See merge request platform/gitops!1",
    ]
    assert bot("GET", "/repository/branches/deploy").json() == {"message": "404 Branch Not Found"}


def test_a_squash_has_the_title_alone_as_message(sandbox: Sandbox, bot: Api) -> None:
    add_branch(sandbox, "deploy")
    bot.open("deploy", title="Bump backend", squash=True)
    bot.mergeable(1)

    merged = bot.put("/merge_requests/1/merge")

    squashed = merged["squash_commit_sha"]
    assert log(sandbox, "%B", "-1", squashed) == ["Bump backend"]
    assert log(sandbox, "%P", "-1", "main")[0].split()[1] == squashed


def test_a_fast_forward_makes_no_commit(sandbox: Sandbox, bot: Api, alice: Api) -> None:
    alice.put("", merge_method="ff")
    head = add_branch(sandbox, "deploy")
    bot.open("deploy")
    bot.mergeable(1)

    merged = bot.put("/merge_requests/1/merge")

    assert merged["merge_commit_sha"] is None
    assert log(sandbox, "%H", "-1", "main") == [head]


def test_a_fast_forward_with_squash(sandbox: Sandbox, bot: Api, alice: Api) -> None:
    alice.put("", merge_method="ff", squash_option="always")
    add_branch(sandbox, "deploy")
    bot.open("deploy", title="Bump backend")
    bot.mergeable(1)

    merged = bot.put("/merge_requests/1/merge")

    assert log(sandbox, "%H %s", "-1", "main") == [f"{merged['squash_commit_sha']} Bump backend"]
    assert log(sandbox, "%P", "-1", "main")[0].count(" ") == 0


@pytest.mark.parametrize("method", ["ff", "rebase_merge"])
def test_a_moved_target_needs_a_rebase(sandbox: Sandbox, clone: Clone, bot: Api, alice: Api, method: str) -> None:
    alice.put("", merge_method=method)
    old = add_branch(sandbox, "deploy")
    bot.open("deploy")
    clone.commit("other: true\n", path="other.yaml")
    clone.git("push", "--quiet", "origin", "HEAD:main")

    assert bot.mergeable(1)["detailed_merge_status"] == "need_rebase"
    assert bot("PUT", "/merge_requests/1/merge").json() == {"message": "Branch cannot be merged"}
    assert bot("PUT", "/merge_requests/1/rebase").status_code == 202
    rebased = bot.mergeable(1)
    assert rebased["detailed_merge_status"] == "mergeable"
    assert rebased["sha"] != old
    assert log(sandbox, "%B", "-1", rebased["sha"])[:3] == ["Bump backend", "", "Trailer: yes"]
    bot.put("/merge_requests/1/merge")
    assert log(sandbox, "%H", "main", "--not", "main~1") != [old]


def test_a_conflict_is_neither_merged_nor_rebased(sandbox: Sandbox, clone: Clone, bot: Api) -> None:
    add_branch(sandbox, "deploy")
    bot.open("deploy")
    clone.commit("conflicting: true\n", path=STAGING)
    clone.git("push", "--quiet", "origin", "HEAD:main")

    shown = bot.mergeable(1)
    refused = bot("PUT", "/merge_requests/1/merge")
    bot.put("/merge_requests/1/rebase")

    assert (shown["detailed_merge_status"], shown["has_conflicts"], shown["merge_status"]) == (
        "conflict",
        True,
        "cannot_be_merged",
    )
    assert (refused.status_code, refused.json()) == (422, {"message": "Branch cannot be merged"})
    assert "resolve all conflicts" in bot.get("/merge_requests/1")["merge_error"]


def test_a_new_one_is_prepared_then_checked_once_somebody_looks_and_405_until_then(sandbox: Sandbox, bot: Api) -> None:
    sandbox.choose(mergeability_delay=1)
    add_branch(sandbox, "deploy")
    bot.open("deploy")

    new = [bot.get("/merge_requests/1")["detailed_merge_status"] for _ in range(2)]
    sandbox.run_jobs()
    listed = [bot.get("/merge_requests")[0]["detailed_merge_status"] for _ in range(2)]
    looked_at = [bot.get("/merge_requests/1")["detailed_merge_status"] for _ in range(2)]
    refused = bot("PUT", "/merge_requests/1/merge")
    sandbox.run_jobs()

    assert new == ["preparing", "preparing"]
    assert listed == ["unchecked", "unchecked"]
    assert looked_at == ["checking", "checking"]
    assert (refused.status_code, refused.json()) == (405, {"message": "405 Method Not Allowed"})
    assert bot.mergeable(1)["detailed_merge_status"] == "mergeable"


def test_a_push_to_the_target_makes_it_unchecked_again(sandbox: Sandbox, clone: Clone, bot: Api) -> None:
    add_branch(sandbox, "deploy")
    bot.open("deploy")
    bot.mergeable(1)

    clone.commit("other: true\n", path="other.yaml")
    clone.git("push", "--quiet", "origin", "HEAD:main")

    assert bot.get("/merge_requests")[0]["merge_status"] == "unchecked"


def test_a_stale_sha_is_a_conflict(sandbox: Sandbox, bot: Api) -> None:
    head = add_branch(sandbox, "deploy")
    bot.open("deploy")
    bot.mergeable(1)

    refused = bot("PUT", "/merge_requests/1/merge", sha="0" * 40)

    assert refused.status_code == 409
    assert refused.json() == {"message": f"SHA does not match HEAD of source branch: {head}"}


def test_who_may_not_push_to_the_target_may_not_merge(sandbox: Sandbox, bot: Api, alice: Api) -> None:
    levels = {"allowed_to_push": [{"access_level": 40}], "allowed_to_merge": [{"access_level": 40}]}
    alice("PATCH", "/protected_branches/main", **levels)
    add_branch(sandbox, "deploy")
    bot.open("deploy")
    bot.mergeable(1)

    refused = bot("PUT", "/merge_requests/1/merge")

    assert (refused.status_code, refused.json()) == (401, {"message": "401 Unauthorized"})
    assert alice.put("/merge_requests/1/merge")["state"] == "merged"


def test_a_protected_source_branch_stays_whatever_was_asked(sandbox: Sandbox, bot: Api, alice: Api) -> None:
    add_branch(sandbox, "deploy")
    alice.post("/protected_branches", name="deploy", push_access_level=30, merge_access_level=30)
    bot.open("deploy", remove_source_branch=True)
    bot.mergeable(1)

    bot.put("/merge_requests/1/merge", should_remove_source_branch=True)

    assert "deploy" in [one["name"] for one in bot.get("/repository/branches")]


def test_a_merged_one_is_not_merged_again(sandbox: Sandbox, bot: Api) -> None:
    add_branch(sandbox, "deploy")
    bot.open("deploy")
    bot.mergeable(1)
    bot.put("/merge_requests/1/merge")

    assert bot("PUT", "/merge_requests/1/merge").status_code == 405


def test_templates_make_the_messages(sandbox: Sandbox, bot: Api, alice: Api) -> None:
    alice.put("", merge_commit_template="%{title} (%{reference})", squash_commit_template="%{description}")
    add_branch(sandbox, "deploy")
    bot.open("deploy", title="Bump", description="All of it", squash=True)
    bot.mergeable(1)

    merged = bot.put("/merge_requests/1/merge")

    assert log(sandbox, "%s", "-1", "main") == ["Bump (platform/gitops!1)"]
    assert log(sandbox, "%s", "-1", merged["squash_commit_sha"]) == ["All of it"]
