"""What status shows of all environments."""

import pytest

from tests.support.deployments import PROD, STAGING, Deployments, DeploymentsMaker, two_environments
from tests.support.gitops import APP, values

APP_STAGING, APP_PROD = STAGING.format("app"), PROD.format("app")
DEV = "apps/{}/envs/dev/values.yaml"


def config(*further: str) -> dict[str, str | bytes]:
    """A bumper.yaml in which staging is promoted from dev, and prod from staging."""
    lines = ["environments:"]
    for name, source in (("prod", "staging"), ("staging", "dev"), ("dev", None)):
        lines += [f"  {name}:", f"    values: apps/{{app}}/envs/{name}/values.yaml"]
        lines += [f"    promote_from: [{source}]"] if source else []
    return {"bumper.yaml": "\n".join([*lines, *further, ""])}


def text(made: Deployments, *arguments: str) -> list[str]:
    """The lines for people."""
    return made.bumper("status", *arguments, code=0).out.splitlines()


def test_the_json_is_the_contracts(make_deployments: DeploymentsMaker) -> None:
    made = make_deployments(
        {APP_STAGING: values("1.0.1"), APP_PROD: values("1.0.0 # bumper: hold OPS-7")}
        | two_environments("5", "5", "same")
    )
    proposed = made.run("bump", "staging", f"{APP}:1.0.2", "--app", "app")

    result = made.run("status")

    def row(app: str, file: str, tag: str, held: str | None = None) -> dict[str, str | None]:
        place = {"app": app, "file": file.format(app), "path": "image.tag", "image": APP}
        return {**place, "tag": tag, "digest": None, "held": held}

    assert result["environments"] == {
        "staging": [row("app", STAGING, "1.0.1"), row("same", STAGING, "5")],
        "prod": [row("app", PROD, "1.0.0", "OPS-7"), row("same", PROD, "5")],
    }
    assert result["drift"] == [{"app": "app", "image": APP, "tags": {"staging": "1.0.1", "prod": "1.0.0"}}]
    [request] = result["merge_requests"]
    assert (
        request
        | {
            "iid": 1,
            "url": proposed["merge_request"]["url"],
            "state": "opened",
            "command": "bump",
            "environment": "staging",
            "branch": proposed["branch"],
        }
        == request
    )
    assert [(change["app"], change["to"]["tag"]) for change in request["changes"]] == [("app", "1.0.2")]


def test_an_environment_that_is_read_in_parts_is_shown_as_a_whole(
    make_deployments: DeploymentsMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = {"apps/broken/envs/prod/values.yaml": "a: [", "apps/same/values.yaml": "idle: 1 # bumper: hold\n"}
    made = make_deployments(two_environments() | two_environments("5", "5", "same") | broken)
    whole = made.run("status")
    monkeypatch.setattr("bumper.environments.repository._PART", 1)

    assert made.run("status") == whole
    assert [row["app"] for row in whole["environments"]["prod"]] == ["app", "same"]
    assert len(whole["warnings"]) > 1


def test_the_table_shows_what_differs(make_deployments: DeploymentsMaker) -> None:
    made = make_deployments(two_environments() | two_environments("5", "5", "same"))

    assert text(made) == [
        "APP  IMAGE  STAGING  PROD",
        "app  app    1.0.1    1.0.0",
        "1 of 2 rows is the same everywhere; --all shows it.",
    ]
    assert text(made, "--all") == [
        "APP   IMAGE  STAGING  PROD",
        "app   app    1.0.1    1.0.0",
        "same  app    5        5",
    ]


def test_holds_and_open_merge_requests_are_named(make_deployments: DeploymentsMaker) -> None:
    made = make_deployments(
        two_environments("1.0.0 # bumper: hold OPS-7", "1.0.0")
        | two_environments("5", "5", "proposed")
        | two_environments("6", "6", "same")
    )
    url = made.run("bump", "prod", f"{APP}:7", "--app", "proposed")["merge_request"]["url"]

    shown = text(made)

    assert [line.split()[0] for line in shown[:4]] == ["APP", "app", "proposed", "1"]
    assert "1.0.0*   1.0.0" in shown[1]
    assert shown[4:] == [f"held in staging: app {APP} (OPS-7)", f"!1 proposed 5 -> 7 in prod: {url}"]


def test_it_stays_readable_with_200_applications(make_deployments: DeploymentsMaker) -> None:
    alike = {f"app{number}": two_environments("1.0.0", "1.0.0", f"app{number}") for number in range(200)}
    made = make_deployments(
        {path: content for files in alike.values() for path, content in files.items()} | two_environments()
    )

    shown, everything = text(made), text(made, "--all")

    assert [line.split()[0] for line in shown] == ["APP", "app", "200"]
    assert len(everything) == 202
    assert max(map(len, everything)) < 80
    assert len(made.run("status")["environments"]["prod"]) == 201


def test_environments_follow_the_way_to_production(make_deployments: DeploymentsMaker) -> None:
    made = make_deployments(two_environments() | {DEV.format("app"): values("1.0.2")})

    assert text(made)[0].split() == ["APP", "IMAGE", "DEV", "STAGING", "PROD"]
    assert list(made.run("status")["environments"]) == ["dev", "staging", "prod"]


def test_bumper_yaml_has_its_own_order(make_deployments: DeploymentsMaker) -> None:
    made = make_deployments(config() | two_environments() | {DEV.format("app"): values("1.0.2")})

    assert list(made.run("status")["environments"]) == ["prod", "staging", "dev"]


def test_drift_is_against_the_environment_it_is_promoted_from(make_deployments: DeploymentsMaker) -> None:
    made = make_deployments(
        config()
        | two_environments("1.0.0", "1.0.0", "app", "other")
        | {DEV.format("app"): values("1.0.1"), PROD.format("other"): values("0.9.0")}
    )

    drift = made.run("status")["drift"]

    assert [(one["app"], one["tags"]) for one in drift] == [
        ("app", {"dev": "1.0.1", "staging": "1.0.0"}),
        ("other", {"staging": "1.0.0", "prod": "0.9.0"}),
    ]


def test_some_environments_are_still_held_against_their_sources(make_deployments: DeploymentsMaker) -> None:
    made = make_deployments(config() | two_environments())

    result = made.run("status", "prod")

    assert list(result["environments"]) == ["prod"]
    assert [one["tags"] for one in result["drift"]] == [{"staging": "1.0.1", "prod": "1.0.0"}]


def test_one_environment_alone_is_shown_in_full(make_deployments: DeploymentsMaker) -> None:
    made = make_deployments(two_environments())
    made.run("bump", "staging", f"{APP}:1.0.2")

    assert text(made, "prod") == [
        "APP  IMAGE  PROD",
        "app  app    1.0.0",
    ]
    assert made.run("status", "prod")["merge_requests"] == []


def test_an_application_of_one_environment_does_not_drift(make_deployments: DeploymentsMaker) -> None:
    made = make_deployments(two_environments("1", "1") | {PROD.format("only"): values("2")})

    assert made.run("status")["drift"] == []
    assert "only  app    -        2" in text(made, "--all")


def test_registries_that_hold_the_same_images_are_one_row(make_deployments: DeploymentsMaker) -> None:
    same_as = "same_as:\n  - [registry.example.com/dev, registry.example.com/prod]\n"
    dev, prod = (values(tag, f"registry.example.com/{name}/app") for name, tag in (("dev", "2"), ("prod", "1")))
    made = make_deployments({"bumper.yaml": same_as, APP_STAGING: dev, APP_PROD: prod})

    assert text(made) == [
        "APP  IMAGE  STAGING  PROD",
        "app  app    2        1",
    ]


def test_a_tag_in_a_base_counts_where_nothing_overrides_it(make_deployments: DeploymentsMaker) -> None:
    base = "apps/app/values.yaml"
    made = make_deployments({base: values("1.0.0"), APP_STAGING: "image:\n  tag: 1.0.1\n", APP_PROD: "replicas: 1\n"})

    result = made.run("status")

    assert [(row["file"], row["tag"]) for row in result["environments"]["prod"]] == [(base, "1.0.0")]
    assert result["drift"][0]["tags"] == {"staging": "1.0.1", "prod": "1.0.0"}


def test_a_file_that_cannot_be_read_is_a_warning(make_deployments: DeploymentsMaker) -> None:
    made = make_deployments(two_environments() | {PROD.format("broken"): "image: [\n"})

    ran = made.bumper("status", "--output", "json", code=0)

    assert ran.json["warnings"][0].startswith(PROD.format("broken"))
    assert ran.err.startswith("warning: ")


@pytest.mark.parametrize(("files", "said"), [({"README.md": "x"}, "bumper.yaml"), (two_environments(), "'prd'")])
def test_environments_that_are_not_there(
    make_deployments: DeploymentsMaker, files: dict[str, str | bytes], said: str
) -> None:
    arguments = ["prd"] if len(files) > 1 else []

    assert said in make_deployments(files).refused("status", *arguments)
