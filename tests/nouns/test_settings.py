from pathlib import Path

import pytest

from bumper.ci import Pipeline, argocd_references, read_pipeline, requested_by
from bumper.errors import WrongUsage
from bumper.settings import Settings, read_settings

REPO = "https://gitlab.example.com/platform/gitops.git"


def settings(environ: dict[str, str], repo: str | None = REPO, branch: str | None = None) -> Settings:
    return read_settings(environ, repo=repo, branch=branch, gitlab_url=None)


@pytest.mark.parametrize(
    ("environ", "source"),
    [
        ({"BUMPER_TOKEN": "a", "GITLAB_TOKEN": "b", "CI_JOB_TOKEN": "c"}, "BUMPER_TOKEN"),
        ({"GITLAB_TOKEN": "b", "CI_JOB_TOKEN": "c"}, "GITLAB_TOKEN"),
        ({"BUMPER_TOKEN": "", "GITLAB_TOKEN": " ", "CI_JOB_TOKEN": "c"}, "CI_JOB_TOKEN"),
    ],
)
def test_the_first_token_counts(environ: dict[str, str], source: str) -> None:
    token = settings(environ).token

    assert token is not None
    assert (token.source, token.value) == (source, environ[source])
    assert token.is_job_token == (source == "CI_JOB_TOKEN")


def test_a_token_of_the_environment_stands_before_the_urls() -> None:
    with_password = "https://oauth2:inside@gitlab.example.com/platform/gitops.git"

    own = settings({}, with_password).token
    given = settings({"BUMPER_TOKEN": "given"}, with_password).token

    assert own is not None
    assert own.value == "inside"
    assert given is not None
    assert given.value == "given"


def test_no_representation_shows_a_token() -> None:
    shown = repr(settings({"BUMPER_TOKEN": "glpat-s3cr3t"}))

    assert "glpat-s3cr3t" not in shown
    assert "BUMPER_TOKEN" in shown


def test_a_token_with_a_line_break_inside_is_refused_unseen() -> None:
    with pytest.raises(WrongUsage, match="BUMPER_TOKEN") as refusal:
        settings({"BUMPER_TOKEN": "glpat\ns3cr3t"})

    assert "s3cr3t" not in str(refusal.value)


def test_a_line_end_behind_a_token_is_no_part_of_it() -> None:
    token = settings({"BUMPER_TOKEN": "glpat-s3cr3t\n"}).token

    assert token is not None
    assert token.value == "glpat-s3cr3t"


@pytest.mark.parametrize("repo", [None, ""])
def test_without_a_repository(repo: str | None) -> None:
    with pytest.raises(WrongUsage, match="--repo URL or set BUMPER_REPO"):
        settings({}, repo)


@pytest.mark.parametrize(
    "branch", ["", "-d", "--upload-pack=x", "a..b", "a b", "a~1", "a:b", "/a", "a/", "x.lock", "@"]
)
def test_a_branch_that_git_would_not_take(branch: str) -> None:
    with pytest.raises(WrongUsage, match="--branch"):
        settings({}, branch=branch)


@pytest.mark.parametrize("branch", ["main", "release/1.0", "feature/ünï", "a-b_c.d"])
def test_a_branch_that_git_takes(branch: str) -> None:
    assert settings({}, branch=branch).branch == branch


def test_the_first_ca_file_counts(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "gitlab.pem", tmp_path / "bundle.pem"
    ours.touch()
    theirs.touch()

    both = settings({"REQUESTS_CA_BUNDLE": str(theirs), "CI_SERVER_TLS_CA_FILE": str(ours)})
    one = settings({"SSL_CERT_FILE": str(theirs), "REQUESTS_CA_BUNDLE": ""})

    assert (both.ca_file, one.ca_file) == (ours, theirs)


def test_a_ca_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(WrongUsage, match="SSL_CERT_FILE names"):
        settings({"SSL_CERT_FILE": str(tmp_path / "missing.pem")})


def test_the_pipeline_and_who_started_it() -> None:
    environ = {
        "CI_PIPELINE_ID": "42",
        "CI_PIPELINE_URL": "https://gitlab.example.com/team/app/-/pipelines/42",
        "CI_SERVER_URL": "https://gitlab.example.com",
        "CI_PROJECT_PATH": "team/app",
        "GITLAB_USER_LOGIN": "alice",
    }

    assert read_pipeline(environ) == Pipeline(42, environ["CI_PIPELINE_URL"], "https://gitlab.example.com/team/app")
    assert requested_by(environ) == "alice"


@pytest.mark.parametrize("number", ["", "x", "-1", "4.2"])
def test_without_a_pipeline(number: str) -> None:
    assert read_pipeline({"CI_PIPELINE_ID": number}) is None
    assert requested_by({}) is None


def test_argo_cds_references_come_from_the_ci_variables() -> None:
    environ = {
        "CI_COMMIT_SHA": "abc",
        "CI_COMMIT_TITLE": "Fix",
        "CI_COMMIT_AUTHOR": "",
        "CI_PROJECT_URL": "https://x/y",
    }

    assert argocd_references(environ) == {
        "Argocd-reference-commit-sha": "abc",
        "Argocd-reference-commit-subject": "Fix",
        "Argocd-reference-commit-repourl": "https://x/y",
    }
