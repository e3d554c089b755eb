"""A pipeline that finishes late never undoes a newer one, however and whenever the newer one was merged."""

from dataclasses import dataclass
from typing import Any

import pytest

from bumper.sandbox import Sandbox
from tests.support.command_line import CommandLine, Ran, finish, start
from tests.support.gitops import APP, STAGING_FILE, Gitops, GitopsMaker, values
from tests.support.people import person
from tests.support.pipelines import pipeline
from tests.support.rivals import COMMIT

OTHER = "registry.example.com/team/other"
OTHER_FILE = "apps/other/envs/staging/values.yaml"
METHODS = {
    "merge commit": {"merge_method": "merge", "squash_option": "never"},
    "squash": {"merge_method": "merge", "squash_option": "always"},
    "semi-linear": {"merge_method": "rebase_merge", "squash_option": "never"},
    "fast-forward": {"merge_method": "ff", "squash_option": "never"},
    "squashed fast-forward": {"merge_method": "ff", "squash_option": "always"},
}
FILES = {STAGING_FILE: values("1.0.0"), OTHER_FILE: values("1.0.0", OTHER)}


@dataclass(frozen=True)
class Pipelines:
    """Jobs of pipelines, each of which bumps an image."""

    bumper: CommandLine
    monkeypatch: pytest.MonkeyPatch

    def __call__(self, number: int, *arguments: str, project: str = "team/app") -> Any:  # noqa: ANN401 - JSON
        """What the job's JSON says."""
        with self.monkeypatch.context() as patch:
            for name, value in pipeline(number, project).items():
                patch.setenv(name, value)
            return self.bumper.bump("staging", *arguments)


@pytest.fixture
def job(bumper: CommandLine, monkeypatch: pytest.MonkeyPatch) -> Pipelines:
    return Pipelines(bumper, monkeypatch)


@pytest.fixture
def gitops(make_gitops: GitopsMaker) -> Gitops:
    return make_gitops(FILES)


@pytest.fixture
def committing(make_gitops: GitopsMaker) -> Gitops:
    return make_gitops({"bumper.yaml": COMMIT, **FILES})


def superseded(result: Any, gitops: Gitops, tag: str, file: str = STAGING_FILE) -> None:  # noqa: ANN401 - JSON
    """The late job did nothing, and told how to go back on purpose."""
    assert (result["status"], result["changes"], result["commit"]) == ("superseded", [], None)
    [told] = result["warnings"]
    assert "`bumper rollback staging --app app --to 1.0.1`" in told
    assert f"has set {APP} to {tag} in staging" in told
    assert f"tag: {tag}\n" in gitops.read(file)


def test_while_the_newer_ones_merge_request_is_open(gitops: Gitops, job: Pipelines) -> None:
    newer = job(101, f"{APP}:1.0.2")

    late = job(100, f"{APP}:1.0.1")

    assert late["status"] == "superseded"
    assert late["merge_request"] == newer["merge_request"] | {"action": "unchanged"}
    assert "pipeline 101 " in late["warnings"][0]
    assert gitops.tip(newer["branch"]) == newer["commit"]
    assert job(100, f"{APP}:1.0.1", "--wait", "1m", "--dry-run")["status"] == "superseded"  # nobody waits for a preview


@pytest.mark.parametrize(("bots", "status"), [("bots: [release-bot]\n", "superseded"), ("", "proposed")])
def test_whose_merge_requests_count_beside_the_tokens_own(
    make_gitops: GitopsMaker, job: Pipelines, monkeypatch: pytest.MonkeyPatch, bots: str, status: str
) -> None:
    config = f"environments: {{staging: {{values: 'apps/{{app}}/envs/staging/values.yaml'}}}}\n{bots}"
    gitops = make_gitops({"bumper.yaml": config, **FILES})
    with monkeypatch.context() as patch:
        patch.setenv("BUMPER_TOKEN", person(gitops, "release-bot").token)
        job(101, f"{APP}:1.0.2", f"{OTHER}:1.0.2")

    assert job(100, f"{APP}:1.0.1")["status"] == status


@pytest.mark.parametrize("method", METHODS)
def test_after_the_newer_one_was_merged(gitops: Gitops, job: Pipelines, method: str) -> None:
    gitops.api.put("", **METHODS[method])
    job(101, f"{APP}:1.0.2")
    gitops.merge(1)
    tip = gitops.tip()

    late = job(100, f"{APP}:1.0.1")

    superseded(late, gitops, "1.0.2")
    assert gitops.tip() == tip
    assert gitops.branches() == []


def test_after_the_newer_one_was_committed(committing: Gitops, job: Pipelines) -> None:
    job(101, f"{APP}:1.0.2")

    late = job(100, f"{APP}:1.0.1")

    superseded(late, committing, "1.0.2")


@pytest.mark.parametrize("method", ["merge commit", "squash"])
def test_after_many_other_commits_to_the_same_file(gitops: Gitops, job: Pipelines, method: str) -> None:
    gitops.api.put("", **METHODS[method])
    job(101, f"{APP}:1.0.2")
    gitops.merge(1)
    clone = gitops.person()
    for number in range(12):
        clone.commit(f"{values('1.0.2')}replicas: {number}\n", STAGING_FILE)
    clone.git("push", "--quiet", "origin", "HEAD:main")

    superseded(job(100, f"{APP}:1.0.1"), gitops, "1.0.2")


def test_the_text_says_it_to_a_job_that_was_retried_on_purpose(
    gitops: Gitops, job: Pipelines, bumper: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    job(101, f"{APP}:1.0.2")
    gitops.merge(1)
    for name, value in pipeline(100).items():
        monkeypatch.setenv(name, value)

    ran = bumper("bump", "staging", f"{APP}:1.0.1", "--no-verify", code=0)

    assert "bumper rollback staging --app app --to 1.0.1" in ran.out + ran.err
    assert "--allow-older" in ran.out + ran.err


def test_allow_older_goes_back(gitops: Gitops, job: Pipelines) -> None:
    job(101, f"{APP}:1.0.2")
    gitops.merge(1)

    assert job(100, f"{APP}:1.0.1", "--allow-older")["status"] == "proposed"


def test_the_same_pipeline_again_is_not_late(gitops: Gitops, job: Pipelines) -> None:
    job(101, f"{APP}:1.0.2")
    again = job(101, f"{APP}:1.0.2")
    gitops.merge(1)

    assert again["merge_request"]["action"] == "unchanged"
    assert job(101, f"{APP}:1.0.2")["status"] == "unchanged"


def test_a_newer_pipeline_that_asks_for_the_same_counts(gitops: Gitops, job: Pipelines) -> None:
    job(100, f"{APP}:1.0.2")
    job(102, f"{APP}:1.0.2")

    assert job(101, f"{APP}:1.0.1")["status"] == "superseded"
    gitops.merge(1)
    superseded(job(101, f"{APP}:1.0.1"), gitops, "1.0.2")


def test_it_counts_though_gitlab_lists_the_merge_request_as_it_was_before_the_comment(
    gitops: Gitops, job: Pipelines
) -> None:
    """What a list shows is kept until the merge request changes; a comment in the same minute is no change."""
    job(100, f"{APP}:1.0.2")
    gitops.api.get("/merge_requests/1")  # GitLab checks whether it can be merged
    job(100, f"{OTHER}:1.0.2", project="team/other")
    job(102, f"{APP}:1.0.2")

    assert job(101, f"{APP}:1.0.1")["status"] == "superseded"


def test_a_rollback_in_between_does_not_let_the_late_one_in(
    gitops: Gitops, job: Pipelines, bumper: CommandLine
) -> None:
    job(101, f"{APP}:1.0.2")
    gitops.merge(1)
    back = bumper("rollback", "staging", "--app", "app", "--no-verify", "--output", "json", code=0).json
    gitops.merge(back["merge_request"]["iid"])

    assert job(100, f"{APP}:1.0.1")["status"] == "superseded"
    assert job(102, f"{APP}:1.0.3")["status"] == "proposed"


@pytest.mark.usefixtures("gitops")
def test_another_image_has_its_own_order(job: Pipelines) -> None:
    job(101, f"{APP}:1.0.2")

    assert job(100, f"{OTHER}:1.0.1")["status"] == "proposed"


@pytest.mark.usefixtures("gitops")
def test_another_project_has_its_own_order(job: Pipelines) -> None:
    job(101, f"{APP}:1.0.2")

    assert job(100, f"{APP}:1.0.1", project="team/fork")["status"] == "proposed"


def test_the_images_that_are_not_late_go_on(gitops: Gitops, job: Pipelines) -> None:
    job(101, f"{APP}:1.0.2")
    gitops.merge(1)

    both = job(100, f"{APP}:1.0.1", f"{OTHER}:1.0.1")

    assert [change["app"] for change in both["changes"]] == ["other"]
    assert any("pipeline 101" in warning for warning in both["warnings"])


def at_once(*jobs: tuple[int, str]) -> list[Ran]:
    """Pipelines that bump the image to a tag, all at one moment, in processes of their own."""
    arguments = ("--no-verify", "--output", "json")
    running = [start("bump", "staging", f"{APP}:{tag}", *arguments, environ=pipeline(number)) for number, tag in jobs]
    return [finish(process) for process in running]


def test_two_commits_at_the_same_moment(committing: Gitops) -> None:
    older, newer = at_once((100, "1.0.1"), (101, "1.0.2"))

    assert (older.code, newer.code, newer.json["status"]) == (0, 0, "committed"), older.err + newer.err
    assert committing.read(STAGING_FILE) == values("1.0.2")


def test_no_state_is_kept_beside_git_and_gitlab(gitops: Gitops, job: Pipelines, sandbox: Sandbox) -> None:
    job(101, f"{APP}:1.0.2")
    gitops.merge(1)

    refs = gitops.git("for-each-ref", "--format=%(refname)").split()

    assert [ref for ref in refs if not ref.startswith("refs/merge-requests/")] == ["refs/heads/main"]
    asked = {path.partition("/api/v4/")[2].rstrip("0123456789") for _, path in sandbox.requests if "/api/v4/" in path}
    assert not any("variables" in path or "snippets" in path or "wikis" in path for path in asked)
