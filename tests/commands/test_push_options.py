"""Merge requests without GitLab's API: CI_JOB_TOKEN pushes, and push options do the rest."""

import itertools
import json
from types import SimpleNamespace
from typing import Any

import pytest

from tests.sandbox.client import with_token
from tests.support.command_line import CommandLine
from tests.support.gitops import APP, STAGING_FILE, Gitops, GitopsMaker, values
from tests.support.pipelines import pipeline

PROD_FILE = "apps/app/envs/prod/values.yaml"
CONFIG = f"""\
environments:
  staging: {{values: "apps/{{app}}/envs/staging/values.yaml", labels: [deploy], reviewers: [alice]}}
  prod: {{values: "apps/{{app}}/envs/prod/values.yaml"}}
images:
  - {{image: {APP}, path: image.tag}}
"""


@pytest.fixture
def gitops(make_gitops: GitopsMaker, monkeypatch: pytest.MonkeyPatch) -> Gitops:
    """A repository that bumper may push to with a job's token only."""
    made = make_gitops({STAGING_FILE: values("1.0.0"), PROD_FILE: values("0.9.0"), "bumper.yaml": CONFIG})
    monkeypatch.delenv("BUMPER_TOKEN")
    monkeypatch.setenv("CI_JOB_TOKEN", made.sandbox.create_token("bumper", kind="job", project=made.project))
    return made


def test_a_push_opens_the_merge_request(gitops: Gitops, bumper: CommandLine) -> None:
    asked = len(gitops.sandbox.requests)

    done = bumper.bump("staging", f"{APP}:1.0.1", "--label", "urgent", "--assignee", "bob")

    assert [path for _, path in gitops.sandbox.requests[asked:] if "/api/" in path] == []
    [one] = gitops.merge_requests()
    assert done["merge_request"] == {
        "iid": one["iid"], "url": one["web_url"], "state": "opened", "action": "opened", "auto_merge": False,
    }  # fmt: skip
    assert (done["status"], done["commit"]) == ("proposed", one["sha"])
    assert (one["title"], one["source_branch"]) == ("app 1.0.0 -> 1.0.1 in staging", done["branch"])
    assert sorted(one["labels"]) == ["deploy", "urgent"]
    assert [each["username"] for each in one["assignees"]] == ["bob"]
    assert one["force_remove_source_branch"] is True
    assert gitops.read(STAGING_FILE, done["branch"]) == values("1.0.1")
    assert any("push options" in warning and "BUMPER_TOKEN" in warning for warning in done["warnings"])
    assert any("alice" in warning for warning in done["warnings"])


def test_an_application_more_moves_the_same_merge_request_on(gitops: Gitops, bumper: CommandLine) -> None:
    first = bumper.bump("staging", f"{APP}:1.0.1")
    gitops.push(values("1.0.0"), STAGING_FILE.replace("apps/app", "apps/api"))

    second = bumper.bump("staging", f"{APP}:1.0.1")

    assert (second["branch"], second["merge_request"]["action"]) == (first["branch"], "updated")
    assert len(gitops.merge_requests("all")) == 1


def test_the_description_is_the_one_that_the_api_would_be_given(
    gitops: Gitops, bumper: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_push = bumper.bump("staging", f"{APP}:1.0.1")
    [first] = gitops.merge_requests()
    monkeypatch.setenv("BUMPER_TOKEN", gitops.sandbox.create_token("bumper", project=gitops.project))

    by_api = bumper.bump("staging", f"{APP}:1.0.1")

    assert by_api["merge_request"]["action"] == "unchanged"
    assert (by_api["branch"], by_api["commit"]) == (by_push["branch"], by_push["commit"])
    bumper.bump("staging", f"{APP}:1.0.2")
    [second] = gitops.merge_requests()
    assert first["description"].replace("1.0.1", "1.0.2") == second["description"]


def test_the_same_again_touches_nothing_and_a_newer_tag_moves_it_on(gitops: Gitops, bumper: CommandLine) -> None:
    first = bumper.bump("staging", f"{APP}:1.0.1")
    again = bumper.bump("staging", f"{APP}:1.0.1")
    renamed = bumper.bump("staging", f"{APP}:1.0.1", "--title", "Release 7")
    newer = bumper.bump("staging", f"{APP}:1.0.2")

    assert (again["merge_request"]["action"], again["commit"]) == ("unchanged", first["commit"])
    assert (newer["merge_request"]["action"], newer["merge_request"]["iid"]) == ("updated", 1)
    [one] = gitops.merge_requests("all")
    assert one["title"] == "app 1.0.0 -> 1.0.2 in staging"
    assert gitops.read(STAGING_FILE, newer["branch"]) == values("1.0.2")
    stay = "the title and the labels of !1, which was open already, stay as they are."
    assert (stay in renamed["warnings"], stay in again["warnings"]) == (True, False)


@pytest.mark.parametrize("seconds_later", [0, 1])  # within a second, bumper makes the same commit again
def test_a_jobs_token_reads_what_a_person_closed_and_does_not_propose_it_again(
    gitops: Gitops, bumper: CommandLine, monkeypatch: pytest.MonkeyPatch, seconds_later: int
) -> None:
    now = itertools.count(1_800_000_000, seconds_later)
    with monkeypatch.context() as patch:
        patch.setattr("bumper.git.commit.time", SimpleNamespace(time=lambda: next(now)))
        bumper.bump("staging", f"{APP}:1.0.1")
        gitops.close(1)
        refused = bumper.refused("staging", f"{APP}:1.0.1")
    reopened = bumper.bump("staging", f"{APP}:1.0.1", "--reopen")

    assert "proposed the same and was closed by a person" in refused
    assert (reopened["merge_request"]["iid"], reopened["merge_request"]["action"]) == (2, "opened")


def test_a_merge_request_into_another_branch_is_not_taken_for_bumpers(gitops: Gitops, bumper: CommandLine) -> None:
    done = bumper.bump("staging", f"{APP}:1.0.1")
    gitops.git("branch", "release", "main")
    gitops.api.open(done["branch"], target_branch="release")

    again = bumper.bump("staging", f"{APP}:1.0.1")

    assert (again["merge_request"]["iid"], again["merge_request"]["action"]) == (1, "unchanged")


def test_what_the_branch_would_conflict_with_now_is_made_anew(gitops: Gitops, bumper: CommandLine) -> None:
    first = bumper.bump("staging", f"{APP}:1.0.1")
    tip = gitops.push("replicas: 2\n" + values("1.0.0"), STAGING_FILE)

    again = bumper.bump("staging", f"{APP}:1.0.1")

    assert again["commit"] != first["commit"]
    assert gitops.git("rev-parse", f"{again['commit']}^").strip() == tip


def test_what_has_been_merged_is_unchanged_and_the_next_tag_opens_another(gitops: Gitops, bumper: CommandLine) -> None:
    bumper.bump("staging", f"{APP}:1.0.1")
    gitops.merge(1)

    assert bumper.bump("staging", f"{APP}:1.0.1")["status"] == "unchanged"
    assert bumper.bump("staging", f"{APP}:1.0.2")["merge_request"]["iid"] == 2


@pytest.mark.parametrize("merged", [False, True])
def test_an_older_pipeline_is_superseded(
    gitops: Gitops, bumper: CommandLine, monkeypatch: pytest.MonkeyPatch, *, merged: bool
) -> None:
    for name, value in pipeline(20).items():
        monkeypatch.setenv(name, value)
    bumper.bump("staging", f"{APP}:1.0.2")
    if merged:
        gitops.merge(1)
    monkeypatch.setenv("CI_PIPELINE_ID", "19")

    late = bumper.bump("staging", f"{APP}:1.0.1")

    assert late["status"] == "superseded"
    assert len(gitops.merge_requests("all")) == 1
    allowed = bumper.bump("staging", f"{APP}:1.0.1", "--allow-older")
    assert allowed["status"] == "proposed"


def test_a_branch_with_somebodys_commit_is_not_overwritten(gitops: Gitops, bumper: CommandLine) -> None:
    first = bumper.bump("staging", f"{APP}:1.0.1")
    person = gitops.person(first["branch"])
    kept = person.commit("replicas: 5\n" + values("1.0.1"), STAGING_FILE, "By hand")
    person.git("push", "--quiet", "origin", f"HEAD:{first['branch']}")

    message = bumper.refused("staging", f"{APP}:1.0.2")

    assert first["branch"] in message
    assert "does not overwrite" in message
    assert gitops.tip(first["branch"]) == kept


def test_a_persons_branch_without_a_merge_request_is_not_overwritten_either(
    gitops: Gitops, bumper: CommandLine
) -> None:
    branch = bumper.bump("staging", f"{APP}:1.0.1", "--dry-run")["branch"]
    person = gitops.person()
    kept = person.push_branch(branch, "replicas: 5\n" + values("1.0.0"), path=STAGING_FILE, message="By hand")

    assert "does not overwrite" in bumper.refused("staging", f"{APP}:1.0.1")

    assert gitops.tip(branch) == kept


def test_auto_merge_is_asked_for_in_the_push(gitops: Gitops, bumper: CommandLine) -> None:
    gitops.api.put("", only_allow_merge_if_pipeline_succeeds=True)

    done = bumper.bump("staging", f"{APP}:1.0.1", "--auto-merge")

    assert gitops.merge_requests()[0]["merge_when_pipeline_succeeds"] is True
    assert done["merge_request"]["auto_merge"] is False  # GitLab does not say
    assert any("whether auto-merge is set on !1 is unknown" in warning for warning in done["warnings"])


def test_a_jobs_token_waits_by_reading_the_merge_request(gitops: Gitops, bumper: CommandLine) -> None:
    message = bumper.refused("staging", f"{APP}:1.0.1", "--wait", "0.5", code=5)

    assert "was not merged within 0.5 s: nobody has merged it yet" in message
    assert len(gitops.merge_requests()) == 1


@pytest.mark.parametrize("token", ["job", "project"])
def test_what_is_held_in_part_is_not_waited_for(
    gitops: Gitops, bumper: CommandLine, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    gitops.push(values("1.0.0 # bumper: hold"), STAGING_FILE.replace("apps/app", "apps/api"))
    if token == "project":
        monkeypatch.setenv("BUMPER_TOKEN", gitops.sandbox.create_token("bumper", project=gitops.project))

    failed = bumper.bump("staging", f"{APP}:1.0.1", "--wait", "60", code=5)

    assert "part of the request is held" in failed["error"]["message"]
    assert (failed["status"], failed["merge_request"]["state"]) == ("proposed", "opened")


def test_without_a_token_a_wait_is_refused_before_anything_is_pushed(
    gitops: Gitops, bumper: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = with_token(gitops.url, gitops.sandbox.create_token("bumper", project=gitops.project))
    monkeypatch.delenv("CI_JOB_TOKEN")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", f"url.{url}.insteadOf")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", gitops.url)

    message = bumper.refused("staging", f"{APP}:1.0.1", "--wait", "5")

    assert "--wait needs GitLab's API" in message
    assert "BUMPER_TOKEN" in message
    assert gitops.branches() == []


def test_promote_rollback_hold_history_and_status_go_the_same_way(gitops: Gitops, bumper: CommandLine) -> None:
    promoted = _run(bumper, "promote", "staging", "prod", "--no-verify")
    gitops.merge(promoted["merge_request"]["iid"])
    assert "tag: 1.0.0" in gitops.read(PROD_FILE)

    [deployment] = _run(bumper, "history", "prod")["deployments"]
    assert [change["to"]["tag"] for change in deployment["changes"]] == ["1.0.0"]
    back = _run(bumper, "rollback", "prod", "--no-verify", "--hold", "errors")
    assert [change["to"]["tag"] for change in back["changes"]] == ["0.9.0"]
    gitops.merge(back["merge_request"]["iid"])
    freed = _run(bumper, "unhold", "prod", "--app", "app")
    gitops.merge(freed["merge_request"]["iid"])
    assert gitops.read(PROD_FILE) == values("0.9.0")

    overview = _run(bumper, "status")
    assert overview["drift"][0]["tags"] == {"staging": "1.0.0", "prod": "0.9.0"}
    assert any("merge requests are not shown" in warning for warning in overview["warnings"])


def test_a_large_description_is_cut_and_the_changes_are_not(
    make_gitops: GitopsMaker, bumper: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"an-application-with-a-rather-long-name-{number:03}" for number in range(400)]
    made = make_gitops({f"apps/{name}/envs/staging/values.yaml": values("1.0.0") for name in names}, "team/large")
    monkeypatch.delenv("BUMPER_TOKEN")
    monkeypatch.setenv("CI_JOB_TOKEN", made.sandbox.create_token("bumper", kind="job", project=made.project))

    done = bumper.bump("staging", f"{APP}:1.0.1")

    assert len(done["changes"]) == 400
    [one] = made.merge_requests()
    assert "This is cut" in one["description"]
    again = bumper.bump("staging", f"{APP}:1.0.1")
    assert again["merge_request"]["action"] == "unchanged"


def test_backslashes_stay_what_they_are(gitops: Gitops, bumper: CommandLine) -> None:
    reason = r"see C:\new and \\server \n twice"

    held = _run(bumper, "hold", "staging", "--app", "app", "--reason", reason)

    [one] = gitops.merge_requests()
    assert "\n" not in one["title"]
    shown = one["description"].replace("\u200b", "")
    assert r"C:\new" in shown
    assert held["merge_request"]["iid"] == one["iid"]
    again = _run(bumper, "hold", "staging", "--app", "app", "--reason", reason)
    assert again["merge_request"]["action"] == "unchanged"


def test_json_is_one_object_also_for_dry_runs(gitops: Gitops, bumper: CommandLine) -> None:
    ran = bumper("bump", "staging", f"{APP}:1.0.1", "--dry-run", "--no-verify", "--output", "json", code=0)

    assert json.loads(ran.out)["status"] == "dry-run"
    assert gitops.branches() == []


def _run(bumper: CommandLine, *arguments: str) -> Any:  # noqa: ANN401 - JSON
    return bumper(*arguments, "--output", "json", code=0).json
