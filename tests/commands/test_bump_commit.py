"""``delivery: commit``: straight to the branch, however many do it at once."""

import pytest

from tests.support.command_line import CommandLine
from tests.support.gitops import Gitops, GitopsMaker, values

CONFIG = """\
environments:
  staging:
    values: apps/{app}/envs/staging/values.yaml
    delivery: commit
"""
APPS = ("one", "two", "three", "four", "five")


def image(app: str) -> str:
    return f"registry.example.com/team/{app}"


def file(app: str) -> str:
    return f"apps/{app}/envs/staging/values.yaml"


@pytest.fixture
def gitops(make_gitops: GitopsMaker) -> Gitops:
    return make_gitops({"bumper.yaml": CONFIG, **{file(app): values("1.0.0", image(app)) for app in APPS}})


def test_the_commit_is_the_branchs_new_tip(gitops: Gitops, bumper: CommandLine) -> None:
    before = gitops.tip()

    result = bumper.bump("staging", f"{image('one')}:1.0.1")

    assert (result["status"], result["branch"], result["merge_request"]) == ("committed", "main", None)
    assert result["commit"] == gitops.tip()
    assert gitops.git("rev-parse", "main^").strip() == before
    assert gitops.read(file("one")) == values("1.0.1", image("one"))
    assert gitops.branches() == []
    assert gitops.merge_requests("all") == []


def test_the_text_names_the_commit(gitops: Gitops, bumper: CommandLine) -> None:
    ran = bumper("bump", "staging", f"{image('one')}:1.0.1", "--no-verify", code=0)

    assert ran.out.splitlines()[-1] == f"commit {gitops.tip()[:12]} pushed to main"


def test_the_same_again_makes_no_second_commit(gitops: Gitops, bumper: CommandLine) -> None:
    first = bumper.bump("staging", f"{image('one')}:1.0.1")

    again = bumper.bump("staging", f"{image('one')}:1.0.1")

    assert (again["status"], again["commit"]) == ("unchanged", None)
    assert gitops.tip() == first["commit"]


def test_a_commit_closes_the_merge_request_that_it_replaces(gitops: Gitops, bumper: CommandLine) -> None:
    bumper.bump("staging", f"{image('one')}:1.0.1", "--delivery", "merge-request")

    bumper.bump("staging", f"{image('one')}:1.0.2")

    assert [one["iid"] for one in gitops.merge_requests("closed")] == [1]


def test_a_branch_that_is_protected_says_so(gitops: Gitops, bumper: CommandLine) -> None:
    gitops.api("PATCH", "/protected_branches/main", allowed_to_push=[{"access_level": 40}])
    before = gitops.tip()

    message = bumper.refused("staging", f"{image('one')}:1.0.1")

    assert "not allowed to push code to protected branches" in message
    assert gitops.tip() == before
