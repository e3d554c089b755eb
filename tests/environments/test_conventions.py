"""Environments and their files without bumper.yaml: the usual layouts."""

from typing import TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bumper.environments.layout import Environment, read_layout
from bumper.errors import Refused

Files: TypeAlias = dict[str, list[tuple[str, tuple[str, ...], tuple[str, ...]]]]


def read(*paths: str) -> Files:
    """Of each environment its applications, with values and bases."""
    layout = read_layout(None, paths, "gitops")
    return {name: apps_of(layout.environment(name)) for name in layout.environments}


def apps_of(environment: Environment) -> list[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    return [(app.app, app.values, app.bases) for app in environment.apps]


def owners(*paths: str) -> set[tuple[str, str, str]]:
    """Which environment and application each file belongs to."""
    return {(path, name, app) for name, apps in read(*paths).items() for app, values, _ in apps for path in values}


@pytest.mark.parametrize(
    ("path", "environment", "app"),
    [
        # a folder after envs or environments
        ("apps/backend/envs/staging/values.yaml", "staging", "backend"),
        ("apps/backend/environments/prod/values.yml", "prod", "backend"),
        ("apps/backend/environments/prod/values-extra.yaml", "prod", "backend"),
        ("envs/prod/backend/values.yaml", "prod", "backend"),
        ("envs/prod-eu/backend/values.yaml", "prod-eu", "backend"),
        ("envs/prod/values.yaml", "prod", "gitops"),
        # a folder anywhere
        ("staging/backend/values.yaml", "staging", "backend"),
        ("clusters/prod/team/backend/values.yaml", "prod", "backend"),
        ("backend/prod/values.yaml", "prod", "backend"),
        ("backend/prod_eu/values.yaml", "prod_eu", "backend"),
        ("prod/values.yaml", "prod", "gitops"),
        ("prod/backend/values-extra.yaml", "prod", "backend"),
        ("backend/values/prod/values.yaml", "prod", "backend"),
        # the file's name
        ("charts/backend/values-staging.yaml", "staging", "backend"),
        ("charts/backend/values.staging.yaml", "staging", "backend"),
        ("charts/backend/staging-values.yml", "staging", "backend"),
        ("backend/values-prod-eu.yaml", "prod-eu", "backend"),
        ("backend/values/values-prod.yaml", "prod", "backend"),
        ("envs/prod/values-prod.yaml", "prod", "gitops"),
        ("values-qa.yaml", "qa", "gitops"),
        # a file named as the environment in a folder for it
        ("backend/envs/uat.yaml", "uat", "backend"),
        ("backend/environments/uat.yml", "uat", "backend"),
        ("backend/values/prod-us.yaml", "prod-us", "backend"),
        ("values/prod.yaml", "prod", "gitops"),
    ],
)
def test_the_usual_layouts_name_environment_and_application(path: str, environment: str, app: str) -> None:
    assert owners(path) == {(path, environment, app)}


@pytest.mark.parametrize(
    "name",
    ["dev", "development", "test", "qa", "uat", "stage", "staging", "preprod", "preview", "prod", "production"],
)
def test_the_usual_names_are_environments(name: str) -> None:
    assert set(read(f"envs/{name}/values.yaml", f"envs/{name}-2/values.yaml")) == {name, f"{name}-2"}


@pytest.mark.parametrize(
    "path",
    [
        "apps/backend/values.yaml",
        "envs/live/values.yaml",
        "envs/Prod/values.yaml",
        "envs/products/values.yaml",
        "envs/prod/config.yaml",
        "envs/prod/values.json",
        "envs/prod/values",
        "backend/prod.yaml",
        "backend/values-prod.sops.yaml",
        "backend/values-prod.yaml.bak",
        "backend/myvalues-prod.yaml",
        "chart/templates/prod/values.yaml",
        "chart/templates/values-prod.yaml",
        "values.yaml",
        "prod",
    ],
)
def test_other_files_belong_to_no_environment(path: str) -> None:
    assert read(path) == {}


def test_a_chart_s_own_charts_are_left_out_and_a_folder_of_charts_is_not() -> None:
    found = owners(
        "app/Chart.yaml", "app/charts/redis/values-prod.yaml", "app/values-prod.yaml", "charts/web/values-prod.yaml"
    )

    assert found == {("app/values-prod.yaml", "prod", "app"), ("charts/web/values-prod.yaml", "prod", "web")}


def test_a_chart_at_the_root_has_its_own_charts_too() -> None:
    assert owners("Chart.yaml", "charts/redis/values-prod.yaml", "values-prod.yaml") == {
        ("values-prod.yaml", "prod", "gitops")
    }


def test_a_file_that_only_ends_like_a_chart_s_makes_no_chart() -> None:
    assert owners("MyChart.yaml", "charts/web/values-prod.yaml") == {("charts/web/values-prod.yaml", "prod", "web")}


def test_environments_are_in_the_order_in_which_changes_travel() -> None:
    assert read_layout(None, ["test/values.yaml", "dev/values.yaml", "prod/values.yaml"], "x").environments == (
        "dev",
        "test",
        "prod",
    )


def test_an_environment_that_nobody_configured_takes_merge_requests_only() -> None:
    config = read_layout(None, ["dev/values.yaml"], "x").environment("dev").config

    assert (config.delivery, config.promote_from, config.tags) == ("merge-request", None, None)


@pytest.mark.parametrize(
    "path",
    ["staging/backend/values-prod.yaml", "prod/staging/values.yaml", "apps/test/envs/prod/values.yaml"],
)
def test_a_file_that_two_environments_claim_is_refused(path: str) -> None:
    layout = read_layout(None, [path, "dev/values.yaml"], "x")
    first, second = (name for name in layout.environments if name != "dev")

    with pytest.raises(Refused, match=f"^{path} belongs to two environments, {first} and {second}; .* bumper.yaml"):
        layout.environment(first)
    with pytest.raises(Refused, match=f"^{path} belongs to two environments, {first} and {second}; "):
        layout.environment(second)
    assert layout.environment("dev").apps


def test_an_application_named_like_an_environment_with_a_suffix_is_none() -> None:
    found = read(
        "apps/dev-portal/envs/prod/values.yaml",
        "apps/dev-portal/values.yaml",
        "staging/test-runner/values.yaml",
        "charts/qa-tool/values-staging.yaml",
        "charts/qa-tool/values.yaml",
    )

    assert found == {
        "prod": [("dev-portal", ("apps/dev-portal/envs/prod/values.yaml",), ("apps/dev-portal/values.yaml",))],
        "staging": [
            ("qa-tool", ("charts/qa-tool/values-staging.yaml",), ("charts/qa-tool/values.yaml",)),
            ("test-runner", ("staging/test-runner/values.yaml",), ()),
        ],
    }


def test_folders_of_applications_tools_and_charts_are_no_environments() -> None:
    found = read(
        "apps/api/dev/values.yaml",
        "apps/api/prod/values.yaml",
        "apps/test-runner/values.yaml",
        "apps/production-tools/values.yaml",
        "charts/dex/Chart.yaml",
        "charts/dex/values.yaml",
        "charts/dex/ci/test-values.yaml",
        "hack/test-appset/values.yaml",
    )

    assert found == {
        "dev": [("api", ("apps/api/dev/values.yaml",), ())],
        "prod": [("api", ("apps/api/prod/values.yaml",), ())],
    }


def test_a_place_makes_an_environment_of_a_folder_among_applications() -> None:
    assert set(read("apps/prod-eu/values.yaml", "apps/prod-tools/values.yaml")) == {"prod-eu"}


def test_helm_s_order_is_values_first_and_the_environment_s_own_name_last() -> None:
    found = read("a/prod/values-a.yaml", "a/prod/values.yaml", "a/prod/values-prod.yaml", "a/prod/values-z.yaml")

    assert found["prod"] == [
        (
            "a",
            ("a/prod/values.yaml", "a/prod/values-a.yaml", "a/prod/values-z.yaml", "a/prod/values-prod.yaml"),
            (),
        )
    ]


def test_applications_of_one_name_in_two_folders_stay_apart() -> None:
    found = read("teamB/backend/prod/values.yaml", "teamA/backend/prod/values.yaml", "teamA/backend/values.yaml")

    assert found["prod"] == [
        ("teamA/backend", ("teamA/backend/prod/values.yaml",), ("teamA/backend/values.yaml",)),
        ("teamB/backend", ("teamB/backend/prod/values.yaml",), ()),
    ]


def test_bases_stand_beside_the_file_and_above_it_up_to_the_application() -> None:
    found = read(
        "values.yaml",
        "apps/values.yaml",
        "apps/web/values.yaml",
        "apps/web/envs/values.yml",
        "apps/web/envs/prod/values-prod.yaml",
        "apps/web/other/values.yaml",
    )

    assert found["prod"] == [
        ("web", ("apps/web/envs/prod/values-prod.yaml",), ("apps/web/values.yaml", "apps/web/envs/values.yml"))
    ]


def test_without_an_application_s_folder_the_bases_go_up_to_the_root() -> None:
    assert read("values.yaml", "values-prod.yaml", "envs/values.yaml", "envs/dev/values.yaml") == {
        "dev": [("gitops", ("envs/dev/values.yaml",), ("values.yaml", "envs/values.yaml"))],
        "prod": [("gitops", ("values-prod.yaml",), ("values.yaml",))],
    }


def test_a_repository_without_environments_is_told_how_to_name_them() -> None:
    with pytest.raises(
        Refused, match=r"^there is no environment 'prod'; no path here|^there is no environment 'prod': "
    ):
        read_layout(None, ["README.md"], "x").environment("prod")


def test_thousands_of_applications_have_each_their_files() -> None:
    paths = [
        f"apps/app-{n}/{file}"
        for n in range(5_000)
        for file in ("values.yaml", "envs/prod/values.yaml", "envs/staging/values.yaml", "Chart.yaml")
    ]
    found = read_layout(None, paths, "x").environment("prod").apps

    assert len(found) == 5_000
    assert ("app-4999", ("apps/app-4999/envs/prod/values.yaml",), ("apps/app-4999/values.yaml",)) in [
        (app.app, app.values, app.bases) for app in found
    ]


PARTS = ["apps", "charts", "envs", "values", "prod", "dev-portal", "staging", "templates", "web", "Chart.yaml"]
NAMES = ["values.yaml", "values-prod.yaml", "prod.yml", "staging-values.yaml", "Chart.yaml", "values.yml"]
PATHS = st.builds(
    lambda folders, name: "/".join([*folders, name]),
    st.lists(st.sampled_from(PARTS), max_size=5),
    st.sampled_from(NAMES),
)


@settings(deadline=None)
@given(st.lists(PATHS, max_size=12, unique=True))
def test_of_any_paths_each_file_is_in_one_place_only(paths: list[str]) -> None:
    layout = read_layout(None, paths, "gitops")
    for name in layout.environments:
        try:
            apps = layout.environment(name).apps
        except Refused as refused:
            assert "belongs to two environments" in str(refused)  # noqa: PT017 - both ends are right
            continue
        values = [path for app in apps for path in app.values]
        assert len(values) == len(set(values)) > 0
        assert all(set(app.bases).isdisjoint(app.values) and set(app.bases) <= set(paths) for app in apps)
