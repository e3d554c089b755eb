from pathlib import Path

import pytest

from bumper.sandbox import Sandbox
from tests.sandbox.client import Api, Clone, run_git, with_token
from tests.support.gitops import AT_ONCE


def push(clone: Clone, *options: str, branch: str = "deploy") -> str:
    arguments = [part for option in options for part in ("-o", option)]
    done = clone.run("push", *arguments, "origin", f"HEAD:refs/heads/{branch}")
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_a_push_creates_a_merge_request(sandbox: Sandbox, clone: Clone, bot: Api) -> None:
    clone.commit("changed: true\n")

    said = push(
        clone,
        "merge_request.create",
        "merge_request.target=main",
        "merge_request.title=Bump backend",
        r"merge_request.description=First\n\nSecond",
        "merge_request.label=deploy",
        "merge_request.label=staging",
        "merge_request.assign=bob",
        "merge_request.remove_source_branch",
        "merge_request.not_known_at_all",
        "ci.skip",
    )

    made = bot.get("/merge_requests/1")
    assert (made["title"], made["description"]) == ("Bump backend", "First\n\nSecond")
    assert made["labels"] == ["deploy", "staging"]
    assert made["assignees"][0]["username"] == "bob"
    assert made["author"]["name"] == "bumper"
    assert made["force_remove_source_branch"] is True
    assert "remote: View merge request for deploy:" in said
    assert f"remote:   {sandbox.url}/platform/gitops/-/merge_requests/1" in said


def test_the_title_is_the_commits_when_none_is_given(clone: Clone, bot: Api) -> None:
    clone.commit("changed: true\n", message="Bump backend\n\nBecause.")

    push(clone, "merge_request.create", "merge_request.draft")

    made = bot.get("/merge_requests/1")
    assert (made["title"], made["description"]) == ("Draft: Bump backend", "Because.")
    assert made["detailed_merge_status"] == "draft_status"


def test_a_later_push_updates_the_same_merge_request(clone: Clone, bot: Api) -> None:
    clone.commit("changed: true\n")
    push(clone, "merge_request.create", "merge_request.label=old")
    commit = clone.commit("changed: twice\n")

    push(clone, "merge_request.title=NewerPipeline", "merge_request.label=new", "merge_request.unlabel=old")

    assert [(one["title"], one["sha"], one["labels"]) for one in bot.get("/merge_requests")] == [
        ("NewerPipeline", commit, ["new"])
    ]


def test_nothing_happens_without_a_ref_update(clone: Clone, bot: Api) -> None:
    clone.commit("changed: true\n")
    push(clone)

    push(clone, "merge_request.create")

    assert bot.get("/merge_requests") == []


def test_an_error_is_an_alert_wrapped_at_68_columns_and_centred_and_the_push_succeeds(clone: Clone, bot: Api) -> None:
    commit = clone.commit("changed: true\n")

    output = push(clone, "merge_request.create", "merge_request.target=nowhere")

    lines = [line.rstrip() for line in output.splitlines() if line.startswith("remote:")]
    assert lines[:8] == [
        "remote:",
        f"remote: {'=' * 72}",
        "remote:",
        "remote:              WARNINGS: Error encountered with push options",
        "remote:      'merge_request.create' 'merge_request.target=nowhere': Target",
        "remote:              branch platform/gitops:nowhere does not exist",
        "remote:",
        f"remote: {'=' * 72}",
    ]
    assert bot.get("/repository/branches/deploy")["commit"]["id"] == commit


def test_auto_merge_by_push_option_stays_open_without_a_pipeline(clone: Clone, bot: Api) -> None:
    commit = clone.commit("changed: true\n")

    push(clone, "merge_request.create", "merge_request.auto_merge")

    waiting = bot.get("/merge_requests/1")
    assert (waiting["state"], waiting["merge_when_pipeline_succeeds"]) == ("opened", True)
    bot.post(f"/statuses/{commit}", state="success", ref="deploy")
    assert bot.get("/merge_requests/1")["state"] == "merged"


@pytest.mark.parametrize(
    ("version", "option", "known"),
    [
        ("17.10.0", "auto_merge", False),
        ("17.10.0", "merge_when_pipeline_succeeds", True),
        ("17.11.0", "auto_merge", True),
    ],
)
def test_a_version_knows_its_own_option(tmp_path: Path, version: str, option: str, *, known: bool) -> None:
    settings = AT_ONCE | {"gitlab_version": version, "merge_access": "developers"}
    with Sandbox(tmp_path / "sandbox", settings=settings) as sandbox:
        run_git("clone", "--quiet", with_token(sandbox.repo_url, sandbox.token), str(tmp_path / "clone"))
        clone = Clone(tmp_path / "clone")
        clone.commit("changed: true\n")
        push(clone, "merge_request.create", f"merge_request.{option}")

        assert Api(sandbox, sandbox.token).get("/merge_requests/1")["merge_when_pipeline_succeeds"] is known
