"""What doctor finds of git, the token and GitLab; how it tells, and its exit code."""

import base64
import io
import json
from datetime import UTC, datetime, timedelta

import pytest

from bumper.cli.screen import Screen, painted
from bumper.cli.text import doctor_text
from bumper.commands.doctor import doctor as examination
from bumper.commands.doctor.check import Check
from tests.support.command_line import CommandLine
from tests.support.doctor import Doctor
from tests.support.gitops import STAGING_FILE, Gitops, GitopsMaker, values


@pytest.fixture
def doctor(bumper: CommandLine, monkeypatch: pytest.MonkeyPatch) -> Doctor:
    return Doctor(bumper, monkeypatch)


JSON = {"Content-Type": "application/json"}


def in_days(days: int) -> str:
    return (datetime.now(UTC).date() + timedelta(days=days)).isoformat()


def test_all_is_well(gitops: Gitops, doctor: Doctor) -> None:
    before = gitops.tip(), gitops.branches(), gitops.merge_requests("all")

    found = doctor(code=0)

    assert list(found.checks)[:10] == [
        "git", "repository", "token", "token scopes", "token expiry", "GitLab version", "target branch",
        "may open merge requests", "merging", "bumper's branches",
    ]  # fmt: skip
    assert all(one["ok"] for one in found.ran.json["checks"])
    assert [one["name"] for one in found.ran.json["checks"] if one["mend"] is not None] == ["bumper's branches"]
    assert all(list(one) == ["name", "ok", "found", "mend"] for one in found.ran.json["checks"])
    assert list(found.ran.json) == ["checks"]
    assert found.checks["environment prod"]["found"] == "3 applications, 3 files, 5 tags that can be set"
    assert "project access token of project_" in found.checks["token"]["found"]
    assert (gitops.tip(), gitops.branches(), gitops.merge_requests("all")) == before


def test_people_get_a_line_a_check(gitops: Gitops, bumper: CommandLine) -> None:
    gitops.api("DELETE", "/protected_branches/main")
    gitops.api("POST", "/protected_branches", name="bumper/*", allow_force_push=True)

    ran = bumper("doctor", "--no-verify", code=0)

    *lines, ending = ran.out.splitlines()
    assert [line for line in lines if not line.startswith("  ")] == [
        "Repository", "GitLab", "Environments", "Argo CD",
    ]  # fmt: skip
    [place] = [place for place, line in enumerate(lines) if line.startswith("  ! ")]
    assert lines[place : place + 2] == [
        "  ! target branch: main is not protected: every Developer may push to it",
        "    -> protect it in GitLab's Settings > Repository > Protected branches, so that deployments are reviewed.",
    ]
    assert ending == f"All {sum(line.startswith(('  ✓ ', '  ! ')) for line in lines)} checks passed, 1 with advice."


def test_a_screen_without_the_signs_gets_words() -> None:
    checks = [Check("a", "fine"), Check("b", "so so", "look"), Check("c", "broken", "fix it", 1)]

    shown = [
        painted(doctor_text(checks, Screen(), encoding=encoding), io.StringIO()) for encoding in ("ascii", "utf-8")
    ]

    assert shown[0] == "\n  ok   a: fine\n  warn b: so so\n    -> look.\n  FAIL c: broken\n    -> fix it."
    assert shown[1] == "\n  ✓ a: fine\n  ! b: so so\n    -> look.\n  ✗ c: broken\n    -> fix it."


@pytest.mark.usefixtures("gitops")
def test_a_wrong_token_is_told_once_by_git_and_once_by_the_api(doctor: Doctor) -> None:
    found = doctor.with_token("glpat-of-nobody", code=4)

    assert found.bad == ["repository", "token"]
    assert list(found.checks) == ["git", "repository", "token"]
    assert "BUMPER_TOKEN" in found.checks["token"]["found"]
    assert "expiry" in found.mend("token")
    assert found.ran.json["error"]["code"] == 4
    assert found.ran.json["error"]["message"] in found.ran.err
    assert "glpat-of-nobody" not in found.ran.out + found.ran.err


def test_no_secret_is_ever_shown(gitops: Gitops, doctor: Doctor) -> None:
    token = gitops.sandbox.create_token("rita", role="reporter")

    found = doctor.with_token(token, code=4)

    assert token not in found.ran.out + found.ran.err
    assert base64.b64encode(f"oauth2:{token}".encode()).decode() not in found.ran.out + found.ran.err


def test_a_reporter_may_neither_push_nor_open_merge_requests(gitops: Gitops, doctor: Doctor) -> None:
    found = doctor.with_token(gitops.sandbox.create_token("rita", role="reporter"), code=4)

    assert found.bad == ["may open merge requests", "may push"]
    assert "Reporter" in found.checks["may open merge requests"]["found"]
    assert "Developer" in found.mend("may open merge requests")
    assert found.checks["environment prod"]["ok"]


def test_scopes_that_lack(gitops: Gitops, doctor: Doctor) -> None:
    writing = doctor.with_token(gitops.sandbox.create_token("bumper", scopes=("write_repository",)), code=4)
    reading = doctor.with_token(gitops.sandbox.create_token("bumper", scopes=("read_api",)), code=4)

    assert writing.bad == ["token scopes"]
    assert writing.checks["may push"]["ok"]
    assert "target branch" not in writing.checks  # nothing but the token itself is shown to it
    assert reading.bad == ["token scopes", "may push"]
    assert "api and write_repository" in reading.mend("token scopes")


def test_a_token_that_has_expired(gitops: Gitops, doctor: Doctor) -> None:
    found = doctor.with_token(gitops.sandbox.create_token("bumper", expires_at=in_days(0)), code=4)

    assert found.bad == ["repository", "token"]


@pytest.mark.parametrize(("days", "is_soon"), [(1, True), (13, True), (14, False), (300, False)])
def test_a_token_that_expires(gitops: Gitops, doctor: Doctor, days: int, is_soon: bool) -> None:  # noqa: FBT001
    found = doctor.with_token(gitops.sandbox.create_token("bumper", expires_at=in_days(days)), code=0)

    expiry = found.checks["token expiry"]
    assert f"in {days} day" in expiry["found"]
    assert (expiry["ok"], expiry["mend"] is not None) == (True, is_soon)


@pytest.mark.parametrize("status", [400, 404])
def test_gitlab_does_not_show_every_token(gitops: Gitops, doctor: Doctor, status: int) -> None:
    gitops.sandbox.fail_next("GET", "/personal_access_tokens/self", status, '{"message": "no"}')

    found = doctor(code=0)

    assert "scopes and expiry GitLab does not show" in found.checks["token"]["found"]
    assert found.checks["target branch"]["ok"]


def test_the_permissions_of_a_fine_grained_token_are_not_shown(gitops: Gitops, doctor: Doctor) -> None:
    gitops.sandbox.fail_next("GET", "/personal_access_tokens/self", 200, '{"scopes": ["granular"]}', JSON)

    found = doctor(code=0)

    assert "fine-grained" in found.checks["token scopes"]["found"]


def test_an_answer_that_fails_hides_no_other(gitops: Gitops, doctor: Doctor) -> None:
    gitops.sandbox.fail_next("GET", "/version", 500, "{}", times=4)
    gitops.sandbox.fail_next("GET", "/personal_access_tokens/self", 500, "{}", times=4)

    found = doctor(code=4)

    assert found.bad == ["token", "GitLab version"]
    assert found.checks["may open merge requests"]["ok"]


def test_what_is_no_gitlab(gitops: Gitops, doctor: Doctor) -> None:
    gitops.sandbox.fail_next("GET", "/api/v4/", 200, "[]", JSON, times=9)

    found = doctor(code=4)

    assert found.bad == ["token"]
    assert "--gitlab-url" in found.mend("token")
    assert found.checks["environment prod"]["ok"]


def test_an_old_gitlab_is_a_warning(gitops: Gitops, doctor: Doctor) -> None:
    gitops.sandbox.fail_next("GET", "/version", 200, '{"version": "15.4.2"}', JSON)

    found = doctor(code=0)

    assert found.checks["GitLab version"]["found"] == "15.4.2"
    assert "15.6" in found.mend("GitLab version")


@pytest.mark.usefixtures("gitops")
def test_a_branch_that_is_not_there(doctor: Doctor) -> None:
    found = doctor("--branch", "release", code=1)

    assert found.bad == ["target branch"]
    assert found.checks["repository"]["ok"]
    assert "'release'" in found.checks["target branch"]["found"]
    assert "BUMPER_BRANCH" in found.mend("target branch")
    assert found.checks["may open merge requests"]["ok"]


def test_a_repository_that_is_not_there(gitops: Gitops, doctor: Doctor) -> None:
    found = doctor("--repo", f"{gitops.sandbox.url}/platform/none.git", code=4)

    assert found.bad == ["repository", "project"]
    assert "BUMPER_REPO" in found.mend("repository")
    assert found.checks["token scopes"]["ok"]


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ({"archived": True}, "is archived"),
        ({"merge_requests_enabled": False}, "switched off"),
        ({"merge_requests_access_level": "disabled"}, "switched off"),
    ],
)
def test_a_project_that_takes_no_merge_requests(
    gitops: Gitops, doctor: Doctor, setting: dict[str, object], told: str
) -> None:
    answer = json.dumps({"default_branch": "main", "permissions": {}, **setting})
    gitops.sandbox.fail_next("GET", "/projects/[^/]+$", 200, answer, JSON)

    found = doctor(code=1)

    assert found.bad == ["may open merge requests"]
    assert told in found.checks["may open merge requests"]["found"]


def test_a_jobs_token_does_without_the_api(gitops: Gitops, doctor: Doctor) -> None:
    asked = len(gitops.sandbox.requests)

    found = doctor.with_token(gitops.sandbox.create_token("bumper", kind="job"), code=0, name="CI_JOB_TOKEN")

    assert [path for _, path in gitops.sandbox.requests[asked:] if "/api/" in path] == []
    assert "push options" in found.checks["token"]["found"]
    assert "with push options was accepted" in found.checks["may push"]["found"]
    assert "only GitLab's API shows" in found.checks["target branch"]["found"]


def test_a_server_without_push_options_needs_the_api(gitops: Gitops, doctor: Doctor) -> None:
    gitops.git("config", "receive.advertisePushOptions", "false")

    found = doctor.with_token(gitops.sandbox.create_token("bumper", kind="job"), code=1, name="CI_JOB_TOKEN")

    assert found.bad == ["may push"]
    assert "BUMPER_TOKEN" in found.mend("may push")


@pytest.mark.usefixtures("gitops")
def test_a_git_that_is_too_old(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examination, "_OLDEST_GIT", (9, 0))

    found = doctor(code=4)

    assert found.bad == ["git"]
    assert "install git" in found.mend("git")
    assert "repository" not in found.checks
    assert found.checks["target branch"]["ok"]  # which the API tells of


def test_a_mistake_weighs_more_than_a_server(gitops: Gitops, doctor: Doctor) -> None:
    gitops.push("environments: []\n", "bumper.yaml")

    found = doctor.with_token(gitops.sandbox.create_token("rita", role="reporter"), code=1)

    assert found.bad == ["may open merge requests", "may push", "config"]


def test_a_project_that_has_moved(gitops: Gitops, doctor: Doctor) -> None:
    project = {"path_with_namespace": "ops/new", "http_url_to_repo": "https://gitlab.example/ops/new.git"}
    gitops.sandbox.fail_next("GET", "/projects/[^/]+$", 200, json.dumps(project), JSON)

    found = doctor(code=1)

    assert found.bad == ["project"]
    assert found.checks["project"]["found"] == f"{gitops.project} has moved to ops/new"
    assert found.mend("project") == "set BUMPER_REPO to https://gitlab.example/ops/new.git"


def test_how_the_project_merges(gitops: Gitops, doctor: Doctor) -> None:
    gitops.api("PUT", "", merge_method="ff", squash_option="always", only_allow_merge_if_pipeline_succeeds=True)

    without_ci = doctor(code=0).checks["merging"]
    gitops.push("test: {script: [make]}\n", ".gitlab-ci.yml")
    with_ci = doctor(code=0).checks["merging"]

    assert without_ci["found"].startswith("fast-forward merges, always squashed; pipelines must succeed, but no file")
    assert without_ci["mend"].startswith("add .gitlab-ci.yml")
    assert with_ci["found"] == "fast-forward merges, always squashed; pipelines must succeed"
    assert with_ci["mend"] is None


def test_bumpers_own_branches_are_for_bumper(gitops: Gitops, doctor: Doctor) -> None:
    offered = doctor(code=0)
    gitops.api("POST", "/protected_branches", name="bumper/*", push_access_level=30)
    without_force = doctor(code=1)
    gitops.api("PATCH", "/protected_branches/bumper%2F*", allow_force_push=True)

    assert offered.mend("bumper's branches").startswith("protect bumper/* in GitLab's Settings")
    assert without_force.mend("bumper's branches").startswith("allow force push for it in GitLab's Settings")
    assert doctor(code=0).checks["bumper's branches"]["found"] == "bumper/* is protected"


def test_what_makes_the_rules_a_gate(
    make_gitops: GitopsMaker, bumper: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Step by step, until nobody can merge past bumper check; without rules nothing is said."""
    config = "environments:\n  staging: {values: 'apps/{app}/envs/staging/values.yaml', soak: 1h}\n"
    gitops = make_gitops({"bumper.yaml": config, STAGING_FILE: values("1.0.0")})
    doctor = Doctor(bumper, monkeypatch)

    assert "people can merge anything" in doctor(code=0).checks["gate"]["found"]
    gitops.api("PUT", "", only_allow_merge_if_pipeline_succeeds=True)
    assert "a merge request can change .gitlab-ci.yml" in doctor(code=0).checks["gate"]["found"]
    gitops.api("PUT", "", ci_config_path="gate.yml@platform/pipelines")
    gate = doctor(code=0).checks["gate"]
    assert gate["found"].startswith("pipelines must succeed, and are configured in platform/pipelines; for a merge")
    assert ("may be old" in gate["found"], gate["mend"]) == (True, None)
    gitops.api("PUT", "", merge_method="ff")
    assert "may be old" not in doctor(code=0).checks["gate"]["found"]
    gitops.push(config.replace(", soak: 1h", ""), "bumper.yaml")
    assert "gate" not in doctor(code=0).checks
