"""What a registry's clean-up must keep: everything that runs, and everything that could be rolled back to."""

from datetime import UTC, datetime, timedelta

import pytest

from bumper.clock import Clock
from tests.support.command_line import CommandLine
from tests.support.deployments import PROD, STAGING, Deployments, DeploymentsMaker, moves
from tests.support.gitops import APP, values
from tests.support.verified import DIGEST, VerifiedMaker
from tests.support.verified import STAGING as VERIFIED

APP_PROD, APP_STAGING = PROD.format("app"), STAGING.format("app")
WEB = "registry.example.com/team/web"


@pytest.fixture
def made(make_deployments: DeploymentsMaker) -> Deployments:
    """app has run 1.0 to 1.3 in prod, web one version alone; the tag of staging is in shared values."""
    config = (
        "environments:\n  staging: {values: 'apps/{app}/envs/staging/values.yaml', base: 'apps/{app}/values.yaml'}\n"
    )
    config += "  prod: {values: 'apps/{app}/envs/prod/values.yaml'}\n"
    files = {
        "bumper.yaml": config, APP_PROD: values("1.0"), PROD.format("web"): values("7", WEB),
        APP_STAGING: "replicas: 1\n", "apps/app/values.yaml": values("2.0"),
    }  # fmt: skip
    found = make_deployments(files)
    for tag in ("1.1", "1.2", "1.3"):
        found.tag(APP_PROD, tag)
    return found


def lines(made: Deployments, *arguments: str) -> list[str]:
    return made.bumper("images", *arguments, code=0).out.split()


def test_what_runs_and_what_could_run_again(made: Deployments) -> None:
    assert lines(made) == [f"{APP}:1.0", f"{APP}:1.1", f"{APP}:1.2", f"{APP}:1.3", f"{APP}:2.0", f"{WEB}:7"]
    assert lines(made, "prod", "--keep", "1") == [f"{APP}:1.2", f"{APP}:1.3", f"{WEB}:7"]
    assert lines(made, "staging", "--keep", "0") == [f"{APP}:2.0"]

    result = made.run("images", "prod", "--keep", "1")
    assert list(result) == ["images"]
    assert result["images"][0] == {
        "app": "app", "environment": "prod", "image": APP, "tag": "1.3", "digest": None, "reason": "runs",
    }  # fmt: skip
    assert [one["reason"] for one in result["images"]] == ["runs", "rollback target", "runs"]


def test_what_the_next_rollbacks_go_back_to(made: Deployments) -> None:
    """They pass over rollbacks and what these took back; and an application's other images go by their own past."""
    made.merged("rollback", "prod", "--app", "app", "--steps", "2")
    assert moves(made.run("rollback", "prod", "--app", "app")) == [("app", "1.1", "1.0")]
    assert lines(made, "prod", "--keep", "1")[:4] == [f"{APP}:1.0", f"{APP}:1.1", f"{APP}:1.2", f"{APP}:1.3"]

    for job in ("7", "8", "9"):
        made.commit({APP_PROD: values("1.1") + f"job:\n  repository: {WEB}\n  tag: {job}\n"})
    assert f"{APP}:1.0" in lines(made, "prod", "--keep", "1")


def test_the_last_days(made: Deployments) -> None:
    assert f"{APP}:1.0" in lines(made, "prod", "--days", "1")
    clock = Clock(now=lambda: datetime.now(UTC) + timedelta(days=10))
    later = Deployments(made.gitops, CommandLine(made.bumper._capsys, made.bumper._monkeypatch, clock))
    assert lines(later, "prod", "--days", "7") == [f"{APP}:1.3", f"{WEB}:7"]
    assert made.bumper("images", "--days", "1", "--keep", "1").code == 2


def test_a_list_that_may_lack_something_is_none(made: Deployments) -> None:
    made.commit({PROD.format("web"): "image: [\n"})

    assert f"{PROD.format('web')}:2: the file is not valid YAML" in made.bumper("images", code=1).err
    assert "there is no environment 'qa'" in made.bumper("images", "qa", code=1).err


def test_digests_from_records_and_a_doctor_that_misses_an_image(make_verified: VerifiedMaker) -> None:
    made = make_verified({VERIFIED: values("0.9.0", "{image}")})
    made.merged("bump", "staging", f"{made.image}:1.0.0")

    assert made.bumper("images", code=0).out.split() == [f"{made.image}:0.9.0", f"{made.image}:1.0.0@{DIGEST}"]
    checks = {one["name"]: one for one in made.run("doctor")["checks"]}
    assert checks["rollback targets"]["found"] == f"the registry no longer has {made.image}:0.9.0"
    assert "`bumper images`" in checks["rollback targets"]["mend"]
