"""Who and when, as history prints it."""

import time
from collections.abc import Iterator

import pytest

from tests.support.deployments import PROD, Deployments, DeploymentsMaker, two_environments
from tests.support.gitops import APP


@pytest.fixture
def made(make_deployments: DeploymentsMaker) -> Deployments:
    return make_deployments(two_environments("1.0.1", "1.0.0"))


@pytest.fixture
def in_moscow(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Moscow")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def who(made: Deployments) -> list[str]:
    return [one["author"] for one in made.run("history", "prod")["deployments"]]


@pytest.mark.usefixtures("in_moscow")
def test_times_are_local_with_their_zone_and_since_takes_them_back(made: Deployments) -> None:
    made.tag(PROD.format("app"), "1.0.1")
    [deployment] = made.run("history", "prod")["deployments"]

    line = made.bumper("history", "prod", code=0).out.splitlines()[1]
    when = line.partition("  ")[0]

    assert deployment["at"].endswith("Z")
    assert when.endswith("+03:00")
    assert when[:10] >= deployment["at"][:10]
    assert len(made.run("history", "prod", "--since", when)["deployments"]) == 1
    assert len(made.run("history", "prod", "--since", when[:10])["deployments"]) == 1
    assert len(made.run("history", "prod", "--since", "2100-01-01")["deployments"]) == 0


def test_what_a_person_did_by_hand_has_the_person_s_name(made: Deployments, monkeypatch: pytest.MonkeyPatch) -> None:
    made.merged("bump", "prod", f"{APP}:1.0.1")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "user.name")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "Dora Dean")
    made.merged("rollback", "prod")
    monkeypatch.setenv("GITLAB_USER_LOGIN", "erin")
    made.merged("bump", "prod", f"{APP}:1.0.2")
    monkeypatch.delenv("GITLAB_USER_LOGIN")
    monkeypatch.setenv("CI", "true")
    made.merged("bump", "prod", f"{APP}:1.0.3")

    assert who(made) == ["bumper", "erin", "Dora Dean", "bumper"]
    assert "Bumper-Requested-By: Dora Dean\n" in made.gitops.git("log", "main")
