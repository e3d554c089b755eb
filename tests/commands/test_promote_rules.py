"""What bumper.yaml demands of a promotion, and what is asked in a terminal."""

import pytest

from tests.support.command_line import in_a_terminal
from tests.support.deployments import PROD, STAGING, DeploymentsMaker, moves, two_environments
from tests.support.gitops import APP, values

APP_STAGING, APP_PROD = STAGING.format("app"), PROD.format("app")
DIGEST = f"sha256:{'1' * 64}"


def config(*prod: str) -> dict[str, str | bytes]:
    """A bumper.yaml of dev, staging and prod, in which prod has these further keys."""
    lines = ["environments:"]
    for name in ("dev", "staging", "prod"):
        lines += [f"  {name}:", f"    values: apps/{{app}}/envs/{name}/values.yaml"]
    return {"bumper.yaml": "\n".join([*lines, *(f"    {line}" for line in prod), ""])}


def test_promote_from(make_deployments: DeploymentsMaker) -> None:
    dev = {"apps/app/envs/dev/values.yaml": values("1.0.2")}
    made = make_deployments(config("promote_from: [staging]") | two_environments() | dev)

    message = made.refused("promote", "dev", "prod")

    assert "prod takes promotions from staging only" in message
    assert made.run("promote", "staging", "prod")["status"] == "proposed"


def test_a_health_gate_that_nobody_watches_stays_shut(make_deployments: DeploymentsMaker) -> None:
    made = make_deployments(config("require_healthy: true") | two_environments())

    assert "require_healthy in bumper.yaml" in made.refused("promote", "staging", "prod")


@pytest.mark.parametrize("held", ["", " # bumper: hold"])
def test_a_tag_that_may_not_enter_refuses_the_whole_request(make_deployments: DeploymentsMaker, held: str) -> None:
    files = two_environments("1.0.1", "1.0.0", "app", "other")
    made = make_deployments(
        config("tags: '[0-9.]+'") | files | {APP_STAGING: values("main"), APP_PROD: values(f"1.0.0{held}")}
    )

    message = made.refused("promote", "staging", "prod")

    assert f"{APP}:main may not enter prod" in message
    assert made.gitops.branches() == []


def test_digests_refuse_one_that_is_not_known(make_deployments: DeploymentsMaker) -> None:
    made = make_deployments(config("digests: true") | two_environments())

    assert f"the digest of {APP}:1.0.1 is not known" in made.refused("promote", "staging", "prod")


def test_digests_are_written(make_deployments: DeploymentsMaker) -> None:
    files = {APP_STAGING: values("1.0.1") + f"  digest: {DIGEST}\n", APP_PROD: values("1.0.0")}
    made = make_deployments(config("digests: true") | files)

    result = made.run("promote", "staging", "prod")

    assert made.gitops.read(APP_PROD, result["branch"]) == values(f"1.0.1@{DIGEST}")


def test_labels_and_reviewers(make_deployments: DeploymentsMaker) -> None:
    made = make_deployments(config("labels: [prod]", "reviewers: [alice]") | two_environments())

    made.run("promote", "staging", "prod", "--label", "urgent")

    [request] = made.gitops.merge_requests()
    assert sorted(request["labels"]) == ["prod", "urgent"]
    assert [person["username"] for person in request["reviewers"]] == ["alice"]


def test_straight_to_the_branch(make_deployments: DeploymentsMaker) -> None:
    made = make_deployments(config("delivery: commit") | two_environments())

    result = made.run("promote", "staging", "prod")

    assert (result["status"], result["merge_request"]) == ("committed", None)
    assert made.gitops.read(APP_PROD) == values("1.0.1")
    assert moves(made.run("rollback", "prod")) == [("app", "1.0.1", "1.0.0")]


def test_in_a_terminal_no_is_no(make_deployments: DeploymentsMaker) -> None:
    made = make_deployments(two_environments())

    code, out, err = in_a_terminal("promote", "staging", "prod", "--no-verify", answer="n\n")

    assert code == 1
    assert out == ""
    assert "  app  app  1.0.0 -> 1.0.1\nprod: 1 image in 1 application\nPropose these" in err.replace("\r", "")
    assert "Propose these changes? [y/N]" in err
    assert "error: not confirmed; nothing was changed." in err
    assert made.gitops.branches() == []


def test_in_a_terminal_yes_is_yes(make_deployments: DeploymentsMaker) -> None:
    made = make_deployments(two_environments())

    code, out, err = in_a_terminal("promote", "staging", "prod", "--no-verify", answer="y\n")

    assert (code, out.splitlines()[0]) == (0, "prod: proposed")
    assert "[y/N]" in err
    assert len(made.gitops.merge_requests()) == 1


def test_with_yes_nothing_is_asked(make_deployments: DeploymentsMaker) -> None:
    made = make_deployments(two_environments())

    code, _, err = in_a_terminal("promote", "staging", "prod", "--yes", "--no-verify", answer="")

    assert code == 0
    assert "[y/N]" not in err
    assert len(made.gitops.merge_requests()) == 1
