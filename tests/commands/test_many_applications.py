"""Environments with hundreds of applications: nothing is missed, and the order is kept."""

import json

import pytest

from tests.support.command_line import Ran, finish, start
from tests.support.gitops import APP, Gitops, GitopsMaker, values

MANY = 270
STAGING, PROD = "apps/{}/envs/staging/values.yaml", "apps/{}/envs/prod/values.yaml"
NAMES = [f"a{number:03d}" for number in range(MANY)]


@pytest.fixture
def many(make_gitops: GitopsMaker) -> Gitops:
    """Two applications are newer in staging, one is held in prod, one cannot be read, one has its tag in a base."""
    files = {pattern.format(name): values("1.0.0", f"{APP}-{name}") for pattern in (STAGING, PROD) for name in NAMES}
    files |= {STAGING.format(name): values("1.1.0", f"{APP}-{name}") for name in ("a001", "a100", "a269")}
    files[PROD.format("a269")] = values("1.0.0  # bumper: hold night shift", f"{APP}-a269")
    files[PROD.format("a200")] = "image: [\n"
    files[PROD.format("a150")] = "replicas: 1\n"
    files["apps/a150/values.yaml"] = values("0.9.0", f"{APP}-a150")
    return make_gitops(files)


def run(*arguments: str) -> Ran:
    return finish(start(*arguments, "--output", "json"))


@pytest.mark.usefixtures("many")
def test_the_status_has_every_row_in_its_order() -> None:
    ran = run("status")

    prod = ran.json["environments"]["prod"]
    assert sorted(row["app"] for row in prod) == [name for name in NAMES if name != "a200"]
    assert [row["app"] for row in ran.json["environments"]["staging"]] == NAMES
    assert [(row["app"], row["held"]) for row in prod if row["held"]] == [("a269", "night shift")]
    assert {one["app"] for one in ran.json["drift"]} == {"a001", "a100", "a150", "a269"}
    assert ran.said.count("warning: apps/a200/envs/prod/values.yaml:2: the file is not valid YAML") == 1
    assert ran.said.count("what prod runs of a200 is not known") == 1


def test_a_promotion_changes_what_differs(many: Gitops) -> None:
    ran = run("promote", "staging", "prod", "--no-verify")

    assert [change["app"] for change in ran.json["changes"]] == ["a001", "a100"]
    assert [(held["app"], held["reason"]) for held in ran.json["held"]] == [("a269", "night shift")]
    branch = ran.json["branch"]
    assert many.git("diff", "--name-only", "main", branch).split() == [PROD.format("a001"), PROD.format("a100")]
    assert many.read(PROD.format("a100"), branch) == values("1.1.0", f"{APP}-a100")


@pytest.mark.usefixtures("many")
def test_an_unknown_image_is_answered_with_the_nearest_of_all() -> None:
    ran = run("bump", "staging", f"{APP}-a26:1", "--no-verify")

    assert ran.code == 1
    assert f"{APP}-a26" in json.loads(ran.out)["error"]["message"]
