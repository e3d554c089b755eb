"""GitLab as it really behaves: what is so by default, and what the settings choose."""

import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import requests

from bumper.errors import Refused
from bumper.sandbox import Sandbox
from tests.sandbox.client import Api, Clone, add_branch, run_git, with_token
from tests.support.gitops import AT_ONCE


@pytest.fixture
def default(tmp_path: Path) -> Iterator[Sandbox]:
    """A server as it is when nothing is chosen, but for the time that its jobs need."""
    with Sandbox(tmp_path / "default", settings=AT_ONCE) as server:
        yield server


def open_one(sandbox: Sandbox, **parameters: object) -> Any:  # noqa: ANN401 - JSON
    add_branch(sandbox, "deploy")
    return Api(sandbox, sandbox.token).open("deploy", **parameters)


def user_id(sandbox: Sandbox, username: str) -> int:
    found = requests.get(
        f"{sandbox.url}/api/v4/users?username={username}", headers={"PRIVATE-TOKEN": sandbox.token}, timeout=30
    )
    return int(found.json()[0]["id"])


def test_a_new_default_branch_is_open_to_maintainers_alone(default: Sandbox) -> None:
    bot = Api(default, default.token)
    open_one(default)

    shown, branch = bot.get("/merge_requests/1"), bot.get("/repository/branches/main")
    refused = bot("PUT", "/merge_requests/1/merge")

    assert shown["user"] == {"can_merge": False}
    assert (branch["can_push"], branch["developers_can_push"], branch["developers_can_merge"]) == (False, False, False)
    assert (refused.status_code, refused.json()) == (401, {"message": "401 Unauthorized"})
    assert bot.get("/protected_branches/main")["merge_access_levels"][0]["access_level"] == 40


def test_the_free_tier_keeps_the_first_reviewer_and_assignee_alone(default: Sandbox) -> None:
    people = [user_id(default, name) for name in ("alice", "bob")]

    made = open_one(default, reviewer_ids=people, assignee_ids=people)
    default.choose(tier="premium")
    changed = Api(default, default.token).put("/merge_requests/1", reviewer_ids=people)

    assert [one["username"] for one in made["reviewers"] + made["assignees"]] == ["alice", "alice"]
    assert [one["username"] for one in changed["reviewers"]] == ["alice", "bob"]


def test_people_who_cannot_read_the_merge_request_are_dropped_silently(default: Sandbox) -> None:
    people = [user_id(default, name) for name in ("dave", "alice")]

    free = open_one(default, reviewer_ids=people)
    default.choose(tier="premium")
    premium = Api(default, default.token).put("/merge_requests/1", reviewer_ids=people)

    assert free["reviewers"] == []
    assert [one["username"] for one in premium["reviewers"]] == ["alice"]


def test_the_head_is_late_and_until_then_the_new_sha_is_a_409(sandbox: Sandbox, clone: Clone, bot: Api) -> None:
    old = clone.push_branch("deploy", "a: 1\n")
    bot.open("deploy")
    bot.mergeable(1)
    sandbox.choose(head_delay=1)
    new = clone.commit("a: 2\n")
    clone.git("push", "--quiet", "origin", "deploy")

    before = bot.get("/merge_requests/1")
    refused = bot("PUT", "/merge_requests/1/merge", sha=new)
    sandbox.run_jobs()

    assert (before["sha"], before["detailed_merge_status"]) == (old, "mergeable")
    assert (refused.status_code, refused.json()) == (
        409,
        {"message": f"SHA does not match HEAD of source branch: {old}"},
    )
    assert bot.mergeable(1)["sha"] == new
    assert bot.put("/merge_requests/1/merge", sha=new)["state"] == "merged"


def test_jobs_are_done_when_the_clock_says_so(tmp_path: Path) -> None:
    """Such as a clock that moves on by a second whenever the server looks at it."""
    ticks = count()
    with Sandbox(tmp_path / "sandbox", settings={"mergeability_delay": 3}, clock=lambda: float(next(ticks))) as sandbox:
        bot = Api(sandbox, sandbox.token)
        open_one(sandbox)

        seen = [bot.get("/merge_requests/1")["detailed_merge_status"] for _ in range(8)]

    assert seen == sorted(seen, key=["preparing", "checking", "mergeable"].index)
    assert set(seen) == {"preparing", "checking", "mergeable"}


@pytest.mark.parametrize(
    ("option", "squash", "reason"),
    [
        ("always", False, "This project requires squashing commits when merge requests are accepted."),
        ("never", True, "This project does not allow squashing commits when merge requests are accepted."),
    ],
)
def test_a_merge_against_the_squash_option_is_a_422_and_merge_error_says_why(
    sandbox: Sandbox, bot: Api, option: str, *, squash: bool, reason: str
) -> None:
    sandbox.choose(squash_option=option)
    open_one(sandbox, squash=squash)
    bot.mergeable(1)

    refused = bot("PUT", "/merge_requests/1/merge")

    assert (refused.status_code, refused.json()) == (422, {"message": "Branch cannot be merged"})
    assert bot.get("/merge_requests/1")["merge_error"] == reason
    assert bot.put("/merge_requests/1/merge", squash=not squash)["state"] == "merged"


@pytest.mark.parametrize("method", ["ff", "rebase_merge"])
def test_a_push_to_the_target_cancels_auto_merge_where_a_rebase_is_needed(
    sandbox: Sandbox, clone: Clone, bot: Api, method: str
) -> None:
    sandbox.choose(merge_method=method)
    head = open_one(sandbox)["sha"]
    bot.post(f"/statuses/{head}", state="running", ref="deploy")
    bot.mergeable(1)
    assert bot.put("/merge_requests/1/merge", auto_merge=True)["merge_when_pipeline_succeeds"] is True

    clone.commit("other: true\n", path="other.yaml")
    clone.git("push", "--quiet", "origin", "HEAD:main")

    assert bot.mergeable(1)["merge_when_pipeline_succeeds"] is False
    assert bot.mergeable(1)["detailed_merge_status"] == "need_rebase"


def test_with_automatic_rebase_another_commit_than_the_head_lands(sandbox: Sandbox, clone: Clone, bot: Api) -> None:
    sandbox.choose(merge_method="ff", automatic_rebase=True)
    head = open_one(sandbox)["sha"]
    clone.commit("other: true\n", path="other.yaml")
    clone.git("push", "--quiet", "origin", "HEAD:main")

    assert bot.mergeable(1)["detailed_merge_status"] == "mergeable"
    bot.put("/merge_requests/1/merge", sha=head)

    landed = bot.get("/repository/branches/main")["commit"]
    assert landed["id"] != head
    assert landed["trailers"] == {"Trailer": "yes"}


def test_a_rebase_is_a_job_and_another_request_meanwhile_a_409(sandbox: Sandbox, clone: Clone, bot: Api) -> None:
    sandbox.choose(merge_method="ff", rebase_delay=1)
    head = open_one(sandbox)["sha"]
    clone.commit("other: true\n", path="other.yaml")
    clone.git("push", "--quiet", "origin", "HEAD:main")

    bot.put("/merge_requests/1/rebase")
    again = bot("PUT", "/merge_requests/1/rebase")
    meanwhile = bot.get("/merge_requests/1", include_rebase_in_progress=True)
    sandbox.run_jobs()
    rebased = bot.get("/merge_requests/1", include_rebase_in_progress=True)

    assert again.status_code == 409
    assert again.json()["message"].startswith("Failed to enqueue the rebase operation")
    assert (meanwhile["rebase_in_progress"], meanwhile["sha"]) == (True, head)
    assert rebased["rebase_in_progress"] is False
    assert rebased["sha"] != head
    assert "rebase_in_progress" not in bot.get("/merge_requests/1")


def test_a_pipeline_comes_some_time_after_the_push_of_a_commit_with_a_ci_file(
    sandbox: Sandbox, clone: Clone, bot: Api
) -> None:
    sandbox.choose(pipeline_delay=1, pipeline_duration=1)
    clone.push_branch("deploy", "test: {script: [true]}\n", path=".gitlab-ci.yml")
    bot.open("deploy")
    bot.mergeable(1)

    before = bot.get("/merge_requests/1")["head_pipeline"]
    sandbox.choose(pipelines="running")
    sandbox.run_jobs()
    running = bot.get("/merge_requests/1")["head_pipeline"]["status"]
    waiting = bot.put("/merge_requests/1/merge", auto_merge=True)
    bot.post(f"/statuses/{waiting['sha']}", state="success", ref="deploy")

    assert (before, running) == (None, "running")
    assert waiting["merge_when_pipeline_succeeds"] is True
    assert bot.get("/merge_requests/1")["state"] == "merged"


@pytest.mark.parametrize("token", ["job", "project"])
def test_a_push_with_a_job_token_starts_no_pipeline(sandbox: Sandbox, clone: Clone, bot: Api, token: str) -> None:
    sandbox.choose(auto_devops_enabled=True, ci_push_repository_for_job_token_allowed=True)
    clone.commit("changed: true\n")

    clone.git("push", with_token(sandbox.repo_url, sandbox.create_token("bob", kind=token)), "HEAD:refs/heads/deploy")

    assert len(bot.get("/pipelines")) == (0 if token == "job" else 1)


def test_a_moved_project_is_followed_by_git_and_get_and_refuses_the_rest(sandbox: Sandbox, bot: Api) -> None:
    open_one(sandbox)
    sandbox.move_project("platform/gitops", "platform/deployments/gitops")

    shown, refused = bot.get(""), bot("PUT", "/merge_requests/1", title="New")
    cloned = run_git("ls-remote", with_token(sandbox.repo_url, sandbox.token))
    by_number = Api(sandbox, sandbox.token, project=str(shown["id"]))

    assert shown["path_with_namespace"] == "platform/deployments/gitops"
    assert (refused.status_code, refused.json()["message"]) == (
        405,
        "Non GET methods are not allowed for moved projects",
    )
    assert "refs/heads/deploy" in cloned.stdout
    assert by_number.put("/merge_requests/1", title="New")["title"] == "New"


def test_a_push_to_the_old_path_of_a_moved_project_is_run_with_its_hooks(sandbox: Sandbox, clone: Clone) -> None:
    sandbox.move_project("platform/gitops", "moved")
    clone.commit("changed: true\n")

    output = clone.run("push", "origin", "HEAD:refs/heads/deploy").stderr

    assert "remote: To create a merge request for deploy" in output
    assert f"remote:   git remote set-url origin {sandbox.url}/moved.git" in output


def test_a_fork_s_merge_request_is_in_the_project_s_list(sandbox: Sandbox, bot: Api, tmp_path: Path) -> None:
    url = sandbox.fork_project("platform/gitops", "mallory/gitops")
    mallory = sandbox.create_token("mallory", project="mallory/gitops", kind="personal")
    run_git("clone", "--quiet", with_token(url, mallory), str(tmp_path / "fork"))
    fork = Clone(tmp_path / "fork")
    first = fork.push_branch("deploy", "forged: 1\n")
    parent = bot.get("")["id"]

    made = Api(sandbox, mallory, project="mallory%2Fgitops").open("deploy", target_project_id=parent)
    second = fork.commit("forged: 2\n")
    fork.git("push", "--quiet", "origin", "deploy")
    listed = bot.get("/merge_requests", source_branch="deploy")

    assert made["sha"] == first
    assert [(one["sha"], one["target_project_id"]) for one in listed] == [(second, parent)]
    assert listed[0]["source_project_id"] != parent
    assert "forged: 2" in bot.get("/merge_requests/1/diffs")[0]["diff"]
    assert bot("GET", "/repository/branches/deploy").status_code == 404


def test_a_project_token_s_user_is_a_bot_with_the_project_s_number(sandbox: Sandbox, bot: Api) -> None:
    made = open_one(sandbox)

    assert made["author"]["username"].startswith(f"project_{made['project_id']}_bot_")
    user = requests.get(f"{sandbox.url}/api/v4/user", headers={"PRIVATE-TOKEN": bot.token}, timeout=30).json()
    assert (user["bot"], user["username"]) == (True, made["author"]["username"])


def test_a_revoked_token_s_merge_requests_move_to_the_ghost(sandbox: Sandbox, alice: Api) -> None:
    open_one(sandbox)

    sandbox.revoke_token(sandbox.token)

    assert alice.get("/merge_requests/1")["author"]["username"] == "ghost"


def test_introspection_is_a_400_for_an_oauth_token(sandbox: Sandbox) -> None:
    token = sandbox.create_token("alice", kind="oauth")
    headers = {"Authorization": f"Bearer {token}"}

    asked = [
        requests.get(f"{sandbox.url}/api/v4/{path}", headers=headers, timeout=30)
        for path in ("personal_access_tokens/self", "user")
    ]

    assert [one.status_code for one in asked] == [400, 200]


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ("maintenance", "You can't push code to a read-only GitLab instance."),
        ("repository_read_only", "The repository is temporarily read-only. Please try again later."),
        ("archived", "You can't push code to an archived project."),
    ],
)
def test_why_a_push_is_a_403_comes_as_plain_text(sandbox: Sandbox, clone: Clone, setting: str, reason: str) -> None:
    clone.commit("changed: true\n")
    sandbox.choose(**{setting: True})

    refused = clone.run("push", "origin", "HEAD:refs/heads/deploy")

    assert f"remote: {reason}" in refused.stderr
    assert "The requested URL returned error: 403" in refused.stderr
    assert clone.run("fetch", "origin").returncode == 0


def test_in_maintenance_everything_but_get_is_a_403(sandbox: Sandbox, bot: Api) -> None:
    open_one(sandbox)
    sandbox.choose(maintenance=True)

    refused = bot("PUT", "/merge_requests/1", title="New")

    assert bot.get("/merge_requests/1")["state"] == "opened"
    assert (refused.status_code, refused.json()) == (
        403,
        {"message": "You cannot perform write operations on a read-only instance"},
    )


CROSS_PROJECT: dict[str, object] = {
    "ci_push_repository_for_job_token_allowed": True,
    "cross_project_push_for_job_token_allowed": True,
    "ci_inbound_job_token_scope_enabled": True,
    "job_token_allowlist": {"team/app": ["admin_repositories"]},
    "allow_push_to_allowlisted_projects": True,
}


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({}, ""),
        ({"ci_push_repository_for_job_token_allowed": False}, "You are not allowed to upload code."),
        ({"cross_project_push_for_job_token_allowed": False}, "You are not allowed to upload code."),
        ({"ci_inbound_job_token_scope_enabled": False}, "You are not allowed to upload code."),
        ({"job_token_allowlist": {"team/app": ["read_repositories"]}}, "You are not allowed to upload code."),
        ({"allow_push_to_allowlisted_projects": False}, "You are not allowed to upload code."),
        ({"job_token_allowlist": {}}, "Authentication by CI/CD job token not allowed from app to gitops."),
    ],
)
def test_a_job_token_pushes_to_another_project_with_all_five_settings_only(
    sandbox: Sandbox, clone: Clone, changed: dict[str, object], reason: str
) -> None:
    sandbox.create_project("team/app", {"README": b"app\n"})
    sandbox.choose(**CROSS_PROJECT | changed)
    token = sandbox.create_token("bob", kind="job", project="team/app")
    clone.commit("changed: true\n")

    done = clone.run("push", with_token(sandbox.repo_url, token), "HEAD:refs/heads/deploy")

    assert (done.returncode == 0) is not bool(reason)
    assert reason in done.stderr


def test_a_project_says_how_it_merges_and_where_its_ci_file_is(sandbox: Sandbox, bot: Api) -> None:
    sandbox.choose(ci_config_path="ci/main.yml", merge_method="ff", squash_option="always")

    shown = bot.get("")

    names = ("ci_config_path", "auto_devops_enabled", "only_allow_merge_if_pipeline_succeeds", "merge_method")
    assert [shown[name] for name in names] == ["ci/main.yml", False, False, "ff"]
    assert (shown["squash_option"], shown["merge_trains_enabled"], shown["archived"]) == ("always", False, False)
    assert bot("GET", "/repository/files/.gitlab-ci.yml/raw").status_code == 404


def test_the_settings_file_chooses_for_projects_that_are_there_already(tmp_path: Path) -> None:
    with Sandbox(tmp_path):
        pass
    (tmp_path / "settings.json").write_text(json.dumps({"merge_method": "ff", "merge_access": "developers"}))

    with Sandbox(tmp_path) as sandbox:
        bot = Api(sandbox, sandbox.token)
        assert bot.get("")["merge_method"] == "ff"
        assert bot.get("/repository/branches/main")["developers_can_merge"] is True


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{", "is not JSON"),
        ("[]", "is not a JSON object"),
        ('{"merge_methods": "ff"}', "merge_methods"),
        ('{"merge_method": "fast"}', "merge_method"),
    ],
)
def test_a_settings_file_with_a_mistake_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    (tmp_path / "settings.json").write_text(text)

    with pytest.raises(Refused, match=complaint):
        Sandbox(tmp_path)


def test_a_push_rule_counts_for_pushed_commits_and_for_those_that_a_merge_makes(
    sandbox: Sandbox, clone: Clone, bot: Api
) -> None:
    sandbox.choose(commit_message_regex=r"\[OPS-\d+\]")
    clone.commit("a: 1\n", message="Bump")
    refused = clone.run("push", "origin", "HEAD:refs/heads/deploy")
    clone.git("commit", "--quiet", "--amend", "-m", "Bump [OPS-1]")
    clone.git("push", "--quiet", "origin", "HEAD:refs/heads/deploy")
    bot.open("deploy", title="No number")
    bot.mergeable(1)

    unmerged = bot("PUT", "/merge_requests/1/merge")
    reason = bot.get("/merge_requests/1")["merge_error"]
    merged = bot.put("/merge_requests/1/merge", merge_commit_message="Merge [OPS-1]")

    assert "GitLab: Commit message does not follow the pattern" in refused.stderr
    assert (unmerged.status_code, "does not follow the pattern" in reason) == (422, True)
    assert merged["state"] == "merged"
