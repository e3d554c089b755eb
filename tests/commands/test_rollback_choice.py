"""A rollback to a tag, and of one merge request."""

import pytest

from tests.support.deployments import PROD, Deployments, DeploymentsMaker, moves, two_environments
from tests.support.gitops import APP, values

APP_PROD, OTHER_PROD = PROD.format("app"), PROD.format("other")
WEB, JOB = "registry.example.com/team/web", "registry.example.com/team/job"


@pytest.fixture
def one(make_deployments: DeploymentsMaker) -> Deployments:
    """One application in prod, deployed twice by merge requests !1 and !2."""
    made = make_deployments({APP_PROD: values("1.0.0")})
    made.merged("bump", "prod", f"{APP}:1.0.1")
    made.merged("bump", "prod", f"{APP}:1.0.2")
    return made


def two_images(web: str, job: str) -> str:
    return f"web:\n  image: {WEB}:{web}\njob:\n  image: {JOB}:{job}\n"


def test_to_a_tag_that_ran_before(one: Deployments) -> None:
    result = one.merged("rollback", "prod", "--to", "1.0.0")

    assert moves(result) == [("app", "1.0.2", "1.0.0")]
    assert one.gitops.merge_requests("merged")[0]["description"].count("\n- **Undoes** !") == 2
    assert "nothing left to undo: !3 already undid !2, !1; use" in one.refused("rollback", "prod")


def test_to_a_tag_that_never_ran(one: Deployments) -> None:
    assert moves(one.run("rollback", "prod", "--to", "0.9.0")) == [("app", "1.0.2", "0.9.0")]


def test_to_the_tag_that_runs(one: Deployments) -> None:
    assert one.run("rollback", "prod", "--to", "1.0.2")["status"] == "unchanged"


def test_to_a_tag_with_the_digest_that_it_had(make_deployments: DeploymentsMaker) -> None:
    first, second, third = (f"sha256:{digit * 64}" for digit in "123")
    made = make_deployments({APP_PROD: values(f"1.0.0@{first}")})
    made.tag(APP_PROD, f"1.0.1@{second}")
    made.tag(APP_PROD, f"1.0.2@{third}")

    result = made.run("rollback", "prod", "--to", "1.0.0")

    assert made.gitops.read(APP_PROD, result["branch"]) == values(f"1.0.0@{first}")


def test_only_an_image_of_the_application(make_deployments: DeploymentsMaker) -> None:
    made = make_deployments({APP_PROD: two_images("1.0.0", "7")})
    made.commit({APP_PROD: two_images("1.0.1", "7")})
    made.commit({APP_PROD: two_images("1.0.1", "8")})

    result = made.run("rollback", "prod", "--image", "*/web")

    assert made.gitops.read(APP_PROD, result["branch"]) == two_images("1.0.0", "8")
    assert "no image of prod matches '*/other'" in made.refused("rollback", "prod", "--image", "*/other")


def test_to_sets_the_images_that_ran_the_tag(make_deployments: DeploymentsMaker) -> None:
    made = make_deployments({APP_PROD: two_images("1.0.0", "7")})
    made.commit({APP_PROD: two_images("1.0.1", "7")})
    made.commit({APP_PROD: two_images("1.0.1", "8")})

    result = made.run("rollback", "prod", "--to", "1.0.0")

    assert made.gitops.read(APP_PROD, result["branch"]) == two_images("1.0.0", "8")


def test_to_a_tag_that_none_of_several_images_ran(make_deployments: DeploymentsMaker) -> None:
    made = make_deployments({APP_PROD: two_images("1.0.0", "7")})

    message = made.refused("rollback", "prod", "--to", "3.0.0")

    assert f"({JOB}, {WEB})" in message
    assert "`bumper bump prod IMAGE:3.0.0`" in message


def test_to_for_all_applications_that_ran_the_tag(make_deployments: DeploymentsMaker) -> None:
    third = PROD.format("third")
    made = make_deployments({path: values("1.0.0") for path in (APP_PROD, OTHER_PROD)} | {third: values("5")})
    made.tag(APP_PROD, "1.0.1")
    made.tag(OTHER_PROD, "1.0.2")
    made.tag(third, "6")

    result = made.run("rollback", "prod", "--all-apps", "--to", "1.0.0")

    assert sorted(moves(result)) == [("app", "1.0.1", "1.0.0"), ("other", "1.0.2", "1.0.0")]


def test_to_obeys_tags_of_bumper_yaml(make_deployments: DeploymentsMaker) -> None:
    config = "environments:\n  prod:\n    values: apps/{app}/envs/prod/values.yaml\n    tags: '[0-9.]+'\n"
    made = make_deployments({"bumper.yaml": config, APP_PROD: values("1.0.0")})

    assert "latest" in made.refused("rollback", "prod", "--to", "latest")


def test_a_merge_request_is_undone(one: Deployments) -> None:
    assert moves(one.merged("rollback", "prod", "--mr", "2")) == [("app", "1.0.2", "1.0.1")]
    assert moves(one.run("rollback", "prod")) == [("app", "1.0.1", "1.0.0")]


def test_a_pin_that_moved_on_is_refused_by_name_unless_forced(one: Deployments) -> None:
    message = one.refused("rollback", "prod", "--mr", "1")

    assert f"{APP_PROD}: image.tag has moved on: it is at 1.0.2, not at 1.0.1" in message
    assert "--force" in message
    assert moves(one.run("rollback", "prod", "--mr", "1", "--force")) == [("app", "1.0.2", "1.0.0")]


def test_a_pin_whose_digest_alone_moved_on_is_refused_too(make_deployments: DeploymentsMaker) -> None:
    first, second, third = (f"sha256:{digit * 64}" for digit in "123")
    made = make_deployments({APP_PROD: values(f"main@{first}")})
    made.merged("bump", "prod", f"{APP}:main@{second}")
    made.merged("bump", "prod", f"{APP}:main@{third}")

    assert "has moved on" in made.refused("rollback", "prod", "--mr", "1")
    result = made.run("rollback", "prod", "--mr", "2")
    assert made.gitops.read(APP_PROD, result["branch"]) == values(f"main@{second}")


def test_a_merge_request_of_several_applications(make_deployments: DeploymentsMaker) -> None:
    made = make_deployments(two_environments("1.0.1", "1.0.0", "app", "other"))
    made.merged("promote", "staging", "prod")
    made.tag(APP_PROD, "1.0.2")

    message = made.refused("rollback", "prod", "--mr", "1")
    result = made.run("rollback", "prod", "--mr", "1", "--app", "other")

    assert APP_PROD in message
    assert OTHER_PROD not in message
    assert moves(result) == [("other", "1.0.1", "1.0.0")]


@pytest.mark.parametrize("merge_method", ["merge", "rebase_merge", "ff"])
def test_a_persons_merge_request_of_two_commits(make_deployments: DeploymentsMaker, merge_method: str) -> None:
    made = make_deployments({APP_PROD: values("1.0.0"), OTHER_PROD: values("1.0.0")})
    made.gitops.api.put("", merge_method=merge_method)
    clone = made.gitops.person()
    clone.push_branch("by-hand", values("1.0.1"), path=APP_PROD)
    clone.commit(values("1.0.2"), OTHER_PROD)
    clone.git("push", "--quiet", "origin", "by-hand")
    made.gitops.merge(made.gitops.api.open("by-hand")["iid"])

    result = made.merged("rollback", "prod", "--mr", "1")

    assert sorted(moves(result)) == [("app", "1.0.1", "1.0.0"), ("other", "1.0.2", "1.0.0")]
    assert "nothing left to undo: !2 already undid !1; use" in made.refused("rollback", "prod", "--all-apps")


def test_a_merge_request_from_before_a_rename(one: Deployments) -> None:
    one.commit({APP_PROD: None, PROD.format("backend"): values("1.0.2")})

    assert moves(one.run("rollback", "prod", "--mr", "2")) == [("backend", "1.0.2", "1.0.1")]


def test_an_open_merge_request(one: Deployments) -> None:
    iid = one.run("bump", "prod", f"{APP}:1.0.3")["merge_request"]["iid"]

    assert f"!{iid} is opened, not merged" in one.refused("rollback", "prod", "--mr", str(iid))


def test_a_merge_request_that_is_not_there(one: Deployments) -> None:
    assert "!99" in one.refused("rollback", "prod", "--mr", "99", code=1)


def test_a_merge_request_that_changed_no_tag_of_the_environment(one: Deployments) -> None:
    one.gitops.person().push_branch("docs", "text\n", path="docs/a.txt")
    iid = one.gitops.api.open("docs")["iid"]
    one.gitops.merge(iid)

    assert f"!{iid} changed no tag of prod" in one.refused("rollback", "prod", "--mr", str(iid))
