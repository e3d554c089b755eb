"""What somebody with Developer rights on the GitOps project can and cannot make bumper do."""

import pytest

from tests.support.command_line import CommandLine
from tests.support.gitops import APP, STAGING_FILE, Gitops, GitopsMaker, values
from tests.support.people import Person, person
from tests.support.pipelines import pipeline

OTHER = "registry.example.com/team/other"
OTHER_FILE = "apps/other/envs/staging/values.yaml"
CONFIG = "environments: {staging: {values: 'apps/{app}/envs/staging/values.yaml'}}\n"


@pytest.fixture
def gitops(make_gitops: GitopsMaker) -> Gitops:
    return make_gitops({STAGING_FILE: values("1.0.0"), OTHER_FILE: values("1.0.0", OTHER)})


@pytest.fixture
def mallory(gitops: Gitops) -> Person:
    return person(gitops, "mallory")


def in_pipeline(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in pipeline(number).items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(
    ("path", "text"),
    [(STAGING_FILE, values("6.6.6")), (STAGING_FILE, values("1.0.1") + "args: [--evil]\n"), ("extra.yaml", "x: 1\n")],
    ids=["another tag", "one more key", "one more file"],
)
def test_an_amended_branch_is_not_the_proposal(
    gitops: Gitops, bumper: CommandLine, mallory: Person, path: str, text: str
) -> None:
    branch = bumper.bump("staging", f"{APP}:1.0.1")["branch"]
    mallory.amend(text, path, branch)

    again = bumper.bump("staging", f"{APP}:1.0.1", "--auto-merge", "--wait", "60")

    assert (again["status"], again["merge_request"]["action"]) == ("merged", "updated")
    assert gitops.read(STAGING_FILE) == values("1.0.1")
    assert "extra.yaml" not in gitops.git("ls-tree", "-r", "--name-only", "main").splitlines()


def test_a_fork_with_bumpers_branch_name_is_left_alone(gitops: Gitops, bumper: CommandLine, mallory: Person) -> None:
    branch = bumper.bump("staging", f"{APP}:1.0.1", "--dry-run")["branch"]
    foreign = mallory.open_from_fork(values("6.6.6"), STAGING_FILE, branch)

    made = bumper.bump("staging", f"{APP}:1.0.1", "--auto-merge", "--wait", "60")

    assert made["merge_request"]["action"] == "opened"
    assert made["merge_request"]["iid"] != foreign
    assert gitops.read(STAGING_FILE) == values("1.0.1")
    assert [one["iid"] for one in gitops.merge_requests()] == [foreign]


def test_a_copied_record_makes_no_bump_give_way(
    gitops: Gitops, bumper: CommandLine, mallory: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_pipeline(100, monkeypatch)
    iid = bumper.bump("staging", f"{APP}:1.0.1", f"{OTHER}:1.0.1")["merge_request"]["iid"]
    [shown] = gitops.merge_requests()
    mallory.describe(iid, shown["description"].replace("100", "999"))
    mallory.comment(iid, "<!-- bumper: pipeline 999 team/app -->")
    mallory.push(values("1.0.1"), STAGING_FILE, mallory_branch(mallory))
    mallory.open("bumper/mine", description=shown["description"].replace("100", "999"))

    in_pipeline(101, monkeypatch)

    assert bumper.bump("staging", f"{APP}:1.0.2")["status"] == "proposed"


def mallory_branch(mallory: Person) -> str:
    clone = mallory.clone()
    clone.git("push", "--quiet", "origin", "HEAD:refs/heads/bumper/mine")
    return "bumper/mine"


@pytest.mark.parametrize(("bots", "status"), [("bots: [release-bot]\n", "superseded"), ("", "proposed")])
def test_whose_merge_requests_count_is_said_by_bumper_yaml(
    make_gitops: GitopsMaker, bumper: CommandLine, monkeypatch: pytest.MonkeyPatch, bots: str, status: str
) -> None:
    files = {STAGING_FILE: values("1.0.0"), OTHER_FILE: values("1.0.0", OTHER)}
    gitops = make_gitops({"bumper.yaml": CONFIG + bots, **files})
    with monkeypatch.context() as patch:
        in_pipeline(101, patch)
        patch.setenv("BUMPER_TOKEN", person(gitops, "release-bot").token)
        bumper.bump("staging", f"{APP}:1.0.2", f"{OTHER}:1.0.2")

    in_pipeline(100, monkeypatch)

    assert bumper.bump("staging", f"{APP}:1.0.1")["status"] == status
