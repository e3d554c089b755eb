"""Only what Argo CD reports healthy in the source environment is promoted."""

import pytest

from tests.support.argocd import ArgoCd, application
from tests.support.deployments import STAGING, Deployments, DeploymentsMaker, moves, two_environments
from tests.support.gitops import APP

RUNS = f"{APP}:1.0.1"


def config(url: str, prod: str = "    require_healthy: true\n") -> str:
    return (
        f"environments:\n  staging:\n    values: apps/{{app}}/envs/staging/values.yaml\n"
        f"    argocd: {{server: '{url}', application: '{{app}}-staging'}}\n"
        f"  prod:\n    values: apps/{{app}}/envs/prod/values.yaml\n{prod}"
    )


@pytest.fixture
def made(make_deployments: DeploymentsMaker, argocd: ArgoCd) -> Deployments:
    return make_deployments(two_environments("1.0.1", "1.0.0", "app", "other") | {"bumper.yaml": config(argocd.url)})


def test_what_is_healthy_and_runs_its_tag_is_promoted(made: Deployments, argocd: ArgoCd) -> None:
    argocd.tell("app-staging", application(RUNS))
    argocd.tell("other-staging", application(RUNS))

    done = made.run("promote", "staging", "prod")

    assert moves(done) == [("app", "1.0.0", "1.0.1"), ("other", "1.0.0", "1.0.1")]
    assert {path.rpartition("/")[2] for path, _ in argocd.requests} == {"app-staging", "other-staging"}


@pytest.mark.parametrize(
    ("health", "image", "said"),
    [
        ("Degraded", RUNS, "other-staging (Degraded)"),
        ("Progressing", RUNS, "other-staging (Progressing)"),
        ("Healthy", f"{APP}:1.0.0", "other-staging (Healthy, another commit or image runs)"),
    ],
)
def test_what_is_not_refuses_the_whole_request(
    made: Deployments, argocd: ArgoCd, health: str, image: str, said: str
) -> None:
    argocd.tell("app-staging", application(RUNS))
    argocd.tell("other-staging", application(image, health=health))

    message = made.refused("promote", "staging", "prod")

    assert said in message
    assert "app-staging" not in message
    assert made.gitops.branches() == []
    assert moves(made.run("promote", "staging", "prod", "--app", "app")) == [("app", "1.0.0", "1.0.1")]


def test_one_that_argocd_does_not_know_is_not_healthy(made: Deployments, argocd: ArgoCd) -> None:
    argocd.tell("app-staging", application(RUNS))

    assert "has no application other-staging" in made.refused("promote", "staging", "prod")


def test_synced_at_the_newest_commit_is_enough_where_no_pod_tells(made: Deployments, argocd: ArgoCd) -> None:
    argocd.tell("app-staging", application(revision=made.gitops.tip()))
    argocd.tell("other-staging", application(revision=made.gitops.tip()))

    assert made.run("promote", "staging", "prod")["status"] == "proposed"


def test_a_refused_token_is_no_mistake_of_the_request(made: Deployments, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARGOCD_AUTH_TOKEN", "wrong")

    assert "refused the token" in made.refused("promote", "staging", "prod", code=4)


def test_the_option_demands_it_where_bumper_yaml_does_not(make_deployments: DeploymentsMaker, argocd: ArgoCd) -> None:
    made = make_deployments(two_environments() | {"bumper.yaml": config(argocd.url, "")})
    argocd.tell("app-staging", application(RUNS, health="Missing"))

    assert "app-staging (Missing)" in made.refused("promote", "staging", "prod", "--require-healthy", "--dry-run")
    assert made.run("promote", "staging", "prod")["status"] == "proposed"


def test_nothing_to_promote_asks_nobody(make_deployments: DeploymentsMaker, argocd: ArgoCd) -> None:
    made = make_deployments(two_environments("1.0.0", "1.0.0") | {"bumper.yaml": config(argocd.url)})

    assert made.run("promote", "staging", "prod")["status"] == "unchanged"
    assert argocd.requests == []


def test_when_ready_promotes_what_is_healthy(made: Deployments, argocd: ArgoCd) -> None:
    argocd.tell("app-staging", application(RUNS))
    argocd.tell("other-staging", application(RUNS, health="Degraded"))

    done = made.run("promote", "staging", "prod", "--when-ready")

    assert moves(done) == [("app", "1.0.0", "1.0.1")]
    assert done["waiting"] == [
        {
            "app": "other",
            "reason": "Argo CD does not report as healthy in staging, running what the values say: other-staging "
            "(Degraded)",
            "until": None,
        }
    ]


def test_what_has_moved_on_since_it_was_tested_is_refused_by_name(made: Deployments, argocd: ArgoCd) -> None:
    tested = made.gitops.tip()
    made.tag(STAGING.format("other"), "1.0.2")
    argocd.tell("app-staging", application(RUNS))
    argocd.tell("other-staging", application(f"{APP}:1.0.2"))

    message = made.refused("promote", "staging", "prod", "--as-of", tested)

    assert message.startswith("other has moved on in staging since 1.0.1, so whether that is healthy is unknown; ")
    assert moves(made.run("promote", "staging", "prod", "--as-of", tested, "--when-ready")) == [
        ("app", "1.0.0", "1.0.1")
    ]


def test_status_shows_what_waits_for_health(made: Deployments, argocd: ArgoCd, monkeypatch: pytest.MonkeyPatch) -> None:
    made.commit({"bumper.yaml": config(argocd.url, "    require_healthy: true\n    promote_from: [staging]\n")})
    argocd.tell("app-staging", application(RUNS))
    argocd.tell("other-staging", application(RUNS, health="Degraded"))

    shown = made.bumper("status", code=0)
    monkeypatch.delenv("ARGOCD_AUTH_TOKEN")
    unknown = made.bumper("status", code=0)

    assert "waiting for prod: other: Argo CD does not report as healthy in staging" in " ".join(shown.out.split())
    assert "whether staging is healthy, as prod requires, is not known: " in unknown.err
