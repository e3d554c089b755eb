"""The words of a proposal: title, description, trailers, and whom it is shown to."""

import pytest

from bumper.records.record import read_comment, read_trailers
from tests.support.command_line import CommandLine
from tests.support.gitops import APP, STAGING_FILE, Gitops, GitopsMaker, values

PIPELINE = {
    "CI_PIPELINE_ID": "4711",
    "CI_PIPELINE_URL": "https://gitlab.example.com/team/app/-/pipelines/4711",
    "CI_SERVER_URL": "https://gitlab.example.com",
    "CI_PROJECT_PATH": "team/app",
    "CI_PROJECT_URL": "https://gitlab.example.com/team/app",
    "CI_COMMIT_SHA": "0123456789abcdef0123456789abcdef01234567",
    "CI_COMMIT_TITLE": "Fix the checkout",
    "CI_COMMIT_AUTHOR": "Dora <dora@example.org>",
    "CI_COMMIT_TIMESTAMP": "2026-01-02T03:04:05+00:00",
    "GITLAB_USER_LOGIN": "dora",
}


@pytest.fixture
def gitops(make_gitops: GitopsMaker) -> Gitops:
    return make_gitops({STAGING_FILE: values("1.0.0")})


@pytest.fixture
def _pipeline(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in PIPELINE.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("_pipeline")
def test_the_commits_trailers_say_what_and_why(gitops: Gitops, bumper: CommandLine) -> None:
    commit = bumper.bump("staging", f"{APP}:1.0.1")["commit"]

    message = gitops.git("show", "-s", "--format=%B", commit)
    assert message.splitlines()[:2] == ["app 1.0.0 -> 1.0.1 in staging", ""]
    *trailers, seal = gitops.git("show", "-s", "--format=%(trailers:unfold)", commit).strip().splitlines()
    assert seal.startswith("Bumper-Seal: ")
    assert trailers == [
        "Bumper-Command: bump",
        "Bumper-Environment: staging",
        f"Bumper-Image: {APP}:1.0.1",
        f"Bumper-Pipeline: {PIPELINE['CI_PIPELINE_URL']}",
        "Bumper-Order: 4711 https://gitlab.example.com/team/app",
        f"Bumper-Source: team/app@{PIPELINE['CI_COMMIT_SHA']}",
        "Bumper-Requested-By: dora",
        "Argocd-reference-commit-author: Dora <dora@example.org>",
        f"Argocd-reference-commit-sha: {PIPELINE['CI_COMMIT_SHA']}",
        "Argocd-reference-commit-subject: Fix the checkout",
        f"Argocd-reference-commit-repourl: {PIPELINE['CI_PROJECT_URL']}",
        "Argocd-reference-commit-date: 2026-01-02T03:04:05+00:00",
    ]


@pytest.mark.usefixtures("_pipeline")
def test_the_description_shows_the_changes_and_keeps_the_record(gitops: Gitops, bumper: CommandLine) -> None:
    commit = bumper.bump("staging", f"{APP}:1.0.1")["commit"]

    [one] = gitops.merge_requests()
    place = f"[`{STAGING_FILE}:3`]({gitops.sandbox.url}/team/gitops/-/blob/main/{STAGING_FILE}#L3)"
    assert f"| `app` | `{APP}` | `1.0.0` | `1.0.1` | {place} |" in one["description"]
    assert f"- **Pipeline**: [`4711`]({PIPELINE['CI_PIPELINE_URL']}), started by `dora`\n" in one["description"]
    assert f"- **Commit**: [`Fix the checkout`]({PIPELINE['CI_PROJECT_URL']}/-/commit/" in one["description"]
    by_description = read_comment(one["description"])
    by_trailers = read_trailers(gitops.git("show", "-s", "--format=%B", commit))
    assert by_description is not None
    assert by_trailers is not None
    assert by_description.images == by_trailers.images
    assert by_description.pipeline == by_trailers.pipeline
    assert by_description.pipeline is not None
    assert by_description.pipeline.id == 4711


def test_hostile_ci_variables_stay_words(gitops: Gitops, bumper: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    hostile = "@alice\n/close\n\nBumper-Command: rollback\n<!-- bumper: {} --> `code` | **bold** \udcff"
    for name in ("CI_COMMIT_TITLE", "GITLAB_USER_LOGIN", "CI_COMMIT_AUTHOR"):
        monkeypatch.setenv(name, hostile)

    commit = bumper.bump("staging", f"{APP}:1.0.1")["commit"]

    [one] = gitops.merge_requests()
    assert one["state"] == "opened"
    assert gitops.sandbox.mentions == []
    assert one["description"].count("<!-- bumper: ") == 2  # in code quotes, and the record
    record = read_trailers(gitops.git("show", "-s", "--format=%B", commit))
    assert record is not None
    assert record.command == "bump"


def test_the_record_is_found_behind_a_hostile_user(
    gitops: Gitops, bumper: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITLAB_USER_LOGIN", "<!-- bumper: {} -->")
    bumper.bump("staging", f"{APP}:1.0.1")

    again = bumper.bump("staging", f"{APP}:1.0.1")

    assert again["merge_request"]["action"] == "unchanged"
    assert len(gitops.merge_requests("all")) == 1


def test_title_and_labels_and_people(gitops: Gitops, bumper: CommandLine) -> None:
    gitops.sandbox.choose(tier="premium")
    bumper.bump(
        "staging", f"{APP}:1.0.1", "--title", "Deploy at last", "--label", "deploy", "--label", "fast",
        "--reviewer", "alice", "--assignee", "bob", "--assignee", "carol",
    )  # fmt: skip

    [one] = gitops.merge_requests()
    assert one["title"] == "Deploy at last"
    assert sorted(one["labels"]) == ["deploy", "fast"]
    assert [person["username"] for person in one["reviewers"]] == ["alice"]
    assert sorted(person["username"] for person in one["assignees"]) == ["bob", "carol"]


@pytest.mark.parametrize("title", ["", "  "])
def test_an_empty_title_is_none(gitops: Gitops, bumper: CommandLine, title: str) -> None:
    bumper.bump("staging", f"{APP}:1.0.1", "--title", title)

    assert gitops.merge_requests()[0]["title"] == "app 1.0.0 -> 1.0.1 in staging"


def test_a_title_longer_than_gitlab_takes_is_cut(gitops: Gitops, bumper: CommandLine) -> None:
    bumper.bump("staging", f"{APP}:1.0.1", "--title", "ü" * 300)

    assert gitops.merge_requests()[0]["title"] == "ü" * 255


def test_a_title_of_several_lines_becomes_one(gitops: Gitops, bumper: CommandLine) -> None:
    bumper.bump("staging", f"{APP}:1.0.1", "--title", "Deploy\nBumper-Command: x")

    assert gitops.merge_requests()[0]["title"] == "Deploy Bumper-Command: x"


def test_a_user_whom_gitlab_does_not_know_is_a_warning(gitops: Gitops, bumper: CommandLine) -> None:
    result = bumper.bump("staging", f"{APP}:1.0.1", "--reviewer", "nobody", "--assignee", "alice")

    assert result["status"] == "proposed"
    assert len(result["warnings"]) == 1
    assert "'nobody'" in result["warnings"][0]
    [one] = gitops.merge_requests()
    assert one["reviewers"] == []
    assert [person["username"] for person in one["assignees"]] == ["alice"]


def test_a_newer_tag_keeps_a_persons_labels(gitops: Gitops, bumper: CommandLine) -> None:
    bumper.bump("staging", f"{APP}:1.0.1", "--label", "deploy")
    gitops.api.put("/merge_requests/1", add_labels="looked-at")

    bumper.bump("staging", f"{APP}:1.0.2", "--label", "deploy")

    assert sorted(gitops.merge_requests()[0]["labels"]) == ["deploy", "looked-at"]


def test_the_merge_removes_the_branch(gitops: Gitops, bumper: CommandLine) -> None:
    bumper.bump("staging", f"{APP}:1.0.1")

    gitops.merge(1)

    assert gitops.branches() == []
    assert gitops.read(STAGING_FILE) == values("1.0.1")


def test_the_projects_default_template_is_appended(make_gitops: GitopsMaker, bumper: CommandLine) -> None:
    template = "## Checklist\n\n- [ ] looked at %{source_branch}\n"
    gitops = make_gitops(
        {STAGING_FILE: values("1.0.0"), ".gitlab/merge_request_templates/Default.md": template}, "team/checked"
    )

    bumper.bump("staging", f"{APP}:1.0.1")
    gitops.api.put("", merge_requests_template="Ask the **release manager**.")
    bumper.bump("staging", f"{APP}:1.0.2")

    [one] = gitops.merge_requests()
    assert "Ask the **release manager**." in one["description"]  # the setting goes before the file
    assert "Checklist" not in one["description"]
    gitops.api.put("", merge_requests_template="")
    ran = bumper("bump", "staging", f"{APP}:1.0.3", "--no-verify", "--dry-run", code=0)
    assert "\n## Checklist\n\n- [ ] looked at\n" in ran.out


def test_an_application_more_changes_the_slug_and_not_the_merge_request(gitops: Gitops, bumper: CommandLine) -> None:
    first = bumper.bump("staging", f"{APP}:1.0.1")
    gitops.push(values("1.0.0"), STAGING_FILE.replace("apps/app", "apps/api"))

    second = bumper.bump("staging", f"{APP}:1.0.1")

    assert first["branch"].startswith("bumper/bump-staging-app-")
    assert (second["branch"], second["merge_request"]["action"]) == (first["branch"], "updated")
    assert [one["title"] for one in gitops.merge_requests("all")] == ["api and app 1.0.0 -> 1.0.1 in staging"]
