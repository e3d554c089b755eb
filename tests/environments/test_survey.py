"""What bumper init finds, and that what it writes means the same as what bumper reads without it."""

import time
from collections.abc import Mapping
from typing import TypeAlias

import pytest
from bumper.environments.survey import FoundEnvironment, Survey, survey
from hypothesis import given
from hypothesis import strategies as st

from bumper.environments.config import parse_config
from bumper.environments.discovery.init_text import write_config
from bumper.environments.discovery.manifests import read_manifests
from bumper.environments.layout import Layout, read_layout
from bumper.errors import Refused
from tests.environments.test_conventions import PATHS

# Of each environment its applications with values and bases.
Apps: TypeAlias = dict[str, list[tuple[str, tuple[str, ...], tuple[str, ...]]]]


def look(*paths: str, manifests: Mapping[str, str] | None = None) -> dict[str, FoundEnvironment]:
    return {one.name: one for one in find(*paths, manifests=manifests).environments}


def find(*paths: str, manifests: Mapping[str, str] | None = None) -> Survey:
    sources = {path: text.encode() for path, text in (manifests or {}).items()}
    return survey((*paths, *sources), read_manifests(sources), "gitops")


def written(found: Survey, paths: tuple[str, ...]) -> Layout:
    """The environments by the bumper.yaml that init would write."""
    return read_layout(parse_config(write_config(found).encode()), paths, "gitops")


def apps_of(layout: Layout) -> Apps:
    environments = [layout.environment(name) for name in layout.environments]
    return {one.name: [(app.app, app.values, app.bases) for app in one.apps] for one in environments}


LAYOUTS = [
    ("apps/a/envs/staging/values.yaml", "apps/b/envs/staging/values.yaml", "apps/a/envs/prod/values.yaml",
     "apps/a/values.yaml", "apps/b/values.yaml", "apps/a/Chart.yaml"),
    ("staging/a/values.yaml", "staging/b/values.yaml", "prod/a/values.yaml", "values.yaml"),
    ("charts/a/values-staging.yaml", "charts/a/values.yaml", "charts/b/values-prod-eu.yaml", "charts/b/values.yaml"),
    ("charts/a/values.staging.yml", "charts/a/staging-values.yaml", "charts/a/values.yml"),
    ("values-dev.yaml", "values-prod.yaml", "values.yaml", "Chart.yaml", "charts/redis/values-prod.yaml"),
    ("envs/dev/values.yaml", "envs/values.yaml", "values.yaml"),
    ("a/values/prod.yaml", "a/environments/uat.yml", "values/prod.yaml"),
    ("a/prod/values.yaml", "a/prod/values-a.yaml", "a/prod/values-prod.yaml", "a/prod/values-z.yaml", "a/values.yaml"),
    ("clusters/prod/team1/a/values.yaml", "clusters/prod/team2/b/values.yaml", "clusters/prod/team3/c/values.yaml"),
    ("apps/web/values.yaml", "apps/web/envs/values.yml", "apps/web/envs/prod/values-prod.yaml"),
    ("apps/dev-portal/envs/prod/values.yaml", "staging/test-runner/values.yaml", "apps/dev-portal/values.yaml"),
    ("we [ird/*?/envs/prod/values.yaml", "{app}/{x}/envs/prod/values.yaml", "ä ö/ü/envs/prod/values.yaml"),
    ("line\nend/a/envs/prod/values.yaml", " blank/a/envs/prod/values.yaml", "\udcff/b/envs/prod/values.yaml"),
    ('quo"te\\s/a/envs/prod/values.yaml', "#hash: x/a/envs/prod/values.yaml", "\U0001f600/a/envs/prod/values.yaml"),
]  # fmt: skip


@pytest.mark.parametrize("paths", LAYOUTS)
def test_what_is_written_means_the_same_as_without_it(paths: tuple[str, ...]) -> None:
    found = find(*paths)
    with_it = apps_of(written(found, paths))

    names = {(name, app): 0 for name, apps in with_it.items() for app, _, _ in apps}
    if len(names) == sum(len(apps) for apps in with_it.values()) and not found.warnings:
        assert dict(sorted(with_it.items())) == apps_of(read_layout(None, paths, "gitops"))
    assert files_of(with_it) == files_of(apps_of(read_layout(None, paths, "gitops")))


def files_of(apps: Apps) -> dict[str, set[str]]:
    return {name: {path for _, values, _ in listed for path in values} for name, listed in apps.items()}


@pytest.mark.parametrize("paths", LAYOUTS[:11])
def test_usual_layouts_leave_nothing_unsaid(paths: tuple[str, ...]) -> None:
    assert [warning for warning in find(*paths).warnings if "is not written as a base" not in warning] == []


@given(st.lists(PATHS, max_size=12, unique=True))
def test_of_any_paths_the_same_files_are_each_environment_s(paths: list[str]) -> None:
    found = find(*paths)
    if not found.environments:
        return
    layout, usual = written(found, tuple(paths)), read_layout(None, paths, "gitops")
    for name in layout.environments:
        layout.environment(name)  # no file is in two of them
    for name in usual.environments:
        try:
            expected = usual.environment(name).apps
        except Refused:  # another environment claims one of its files too: settled, or left out with a warning
            continue
        apps = layout.environment(name).apps
        assert {path for app in apps for path in app.values} == {path for app in expected for path in app.values}
        if not found.warnings:
            assert apps == expected


def test_one_pattern_stands_for_all_applications() -> None:
    paths = [f"apps/{app}/envs/{name}/values.yaml" for app in ("a", "b", "c") for name in ("prod", "dev")]

    found = look(*paths, "apps/a/values.yaml")

    assert list(found) == ["dev", "prod"]
    assert (found["prod"].values, found["prod"].base) == (
        ("apps/{app}/envs/prod/values.yaml",), ("apps/{app}/values.yaml",),
    )  # fmt: skip
    assert (found["prod"].apps, found["prod"].bases) == (("a", "b", "c"), ("apps/a/values.yaml",))


def test_many_teams_become_a_star_and_two_stay_as_they_are() -> None:
    teams = [f"prod/team{n}/app{n}/values.yaml" for n in range(3)]

    assert look(*teams)["prod"].values == ("prod/*/{app}/values.yaml",)
    assert look(*teams[:2])["prod"].values == ("prod/team0/{app}/values.yaml", "prod/team1/{app}/values.yaml")


def test_further_values_files_become_a_star_in_helm_s_order() -> None:
    found = look("a/prod/values.yaml", "a/prod/values-x.yaml", "a/prod/values-y.yaml", "a/prod/values-prod.yaml")

    assert found["prod"].values == (
        "{app}/prod/values.yaml", "{app}/prod/values-*.yaml", "{app}/prod/values-prod.yaml",
    )  # fmt: skip


def test_a_pattern_that_would_match_more_is_not_written() -> None:
    found = find("x/Chart.yaml", "x/other/values-prod.yaml", "x/charts/values-prod.yaml")

    assert found.environments[0].values == ("x/other/values-prod.yaml",)
    (warning,) = found.warnings
    assert warning == (
        "x/other/values-prod.yaml of prod is written as it is: no pattern tells its application other apart from files "
        "beside it, so that it counts as gitops's."
    )


def test_a_base_of_some_applications_only_is_not_given_to_all() -> None:
    found = find("values.yaml", "values-prod.yaml", "apps/a/values-prod.yaml")

    assert found.environments[0].base == ()
    assert found.warnings == (
        "values.yaml is not written as a base of prod, because it is not one of all its applications.",
    )


def test_a_file_of_two_environments_goes_where_envs_says_else_nowhere() -> None:
    found = find("apps/test/envs/prod/values.yaml", "staging/a/values-dev.yaml", "qa/a/values.yaml")

    assert {one.name: one.files for one in found.environments} == {
        "qa": ("qa/a/values.yaml",), "prod": ("apps/test/envs/prod/values.yaml",),
    }  # fmt: skip
    assert found.warnings == (
        "staging/a/values-dev.yaml may belong to dev or to staging and was left out; add it to the right one's values.",
    )


def test_two_applications_of_one_name_are_told() -> None:
    assert find("x/a/envs/prod/values.yaml", "y/a/envs/prod/values.yaml").warnings == (
        "prod has an application a in x/a and in y/a, which bumper.yaml takes for one.",
    )


def application(name: str, path: str, *value_files: str) -> str:
    listed = "".join(f"        - '{file}'\n" for file in value_files)
    return (
        f"apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata:\n  name: '{name}'\nspec:\n  source:\n"
        f"    path: '{path}'\n    helm:\n      valueFiles:\n{listed}"
    )


def test_a_manifest_adds_files_of_its_environment_in_helm_s_order() -> None:
    paths = ("charts/a/values.yaml", "charts/a/values-prod.yaml", "charts/a/eu.yaml", "charts/a/first.yaml")
    manifest = application("a-prod", "charts/a", "values.yaml", "first.yaml", "values-prod.yaml", "eu.yaml")
    found = find(*paths, manifests={"argocd/a.yaml": manifest})

    (prod,) = found.environments

    assert prod.values == ("charts/{app}/first.yaml", "charts/{app}/values-prod.yaml", "charts/{app}/eu.yaml")
    assert (prod.base, prod.argocd) == (("charts/{app}/values.yaml",), ("{app}-prod",))
    assert apps_of(written(found, paths)) == {
        "prod": [
            (
                "a",
                ("charts/a/first.yaml", "charts/a/values-prod.yaml", "charts/a/eu.yaml"),
                ("charts/a/values.yaml",),
            )
        ]
    }


def test_manifests_tell_helm_s_order_of_what_the_layouts_find() -> None:
    paths = ("a/prod/values-x.yaml", "a/prod/values-prod.yaml")
    manifest = application("a", "a", "prod/values-prod.yaml", "prod/values-x.yaml")

    found = look(*paths, manifests={"argocd/a.yaml": manifest})

    assert found["prod"].values == ("{app}/prod/values-prod.yaml", "{app}/prod/values-x.yaml")


def test_bases_are_in_the_manifests_order_too() -> None:
    paths = ("a/values.yaml", "a/common.yaml", "a/values-prod.yaml", "a/values-dev.yaml")
    manifests = {
        f"{name}.yaml": application(f"a-{name}", "a", "values.yaml", "common.yaml", f"values-{name}.yaml")
        for name in ("dev", "prod")
    }

    found = find(*paths, manifests=manifests)

    assert apps_of(written(found, paths))["prod"] == [
        ("a", ("a/values-prod.yaml",), ("a/values.yaml", "a/common.yaml"))
    ]


def test_of_many_open_questions_some_are_written() -> None:
    many = [f"staging/a{number}/values-dev.yaml" for number in range(30)]

    text = write_config(find(*many, "qa/a/values.yaml"))

    assert text.count("was left out") == 20
    assert "#   and 10 more\n" in text


def test_manifests_that_contradict_one_another_change_no_order() -> None:
    paths = ("a/prod/values-x.yaml", "a/prod/values-prod.yaml")
    files = ("prod/values-prod.yaml", "prod/values-x.yaml")
    manifests = {"1.yaml": application("1", "a", *files), "2.yaml": application("2", "a", *reversed(files))}

    assert look(*paths, manifests=manifests)["prod"].values == (
        "{app}/prod/values-x.yaml", "{app}/prod/values-prod.yaml",
    )  # fmt: skip


def test_a_file_of_several_environments_is_their_base() -> None:
    paths = ("a/common.yaml", "a/values-prod.yaml", "a/values-dev.yaml")
    manifests = {
        f"{name}.yaml": application(f"a-{name}", "a", "common.yaml", f"values-{name}.yaml") for name in ("dev", "prod")
    }

    found = look(*paths, manifests=manifests)

    assert {name: (one.values, one.base) for name, one in found.items()} == {
        "dev": (("{app}/values-dev.yaml",), ("{app}/common.yaml",)),
        "prod": (("{app}/values-prod.yaml",), ("{app}/common.yaml",)),
    }


def test_a_file_outside_the_applications_is_a_base_where_all_read_it() -> None:
    paths = ("shared/p.yaml", "a/values-prod.yaml", "b/values-prod.yaml")
    manifests = {
        f"{app}.yaml": application(f"{app}-prod", app, "/shared/p.yaml", "values-prod.yaml") for app in ("a", "b")
    }

    assert look(*paths, manifests=manifests)["prod"].base == ("shared/p.yaml",)
    one_reads_it = find(*paths, manifests={"a.yaml": manifests["a.yaml"]})
    assert (one_reads_it.environments[0].base, one_reads_it.unplaced) == ((), {"shared/p.yaml": "a.yaml"})


def test_the_manifest_s_name_tells_the_environment_where_nothing_else_does() -> None:
    found = find("charts/a/live.yaml", manifests={"argocd/x.yaml": application("a-prod-eu", "charts/a", "live.yaml")})

    assert [(one.name, one.values) for one in found.environments] == [("prod", ("charts/{app}/live.yaml",))]


def test_a_file_of_nobody_knows_what_environment_is_listed() -> None:
    manifests = {"argocd/x.yaml": application("a", "charts/a", "live.yaml", "missing.yaml")}
    found = find("charts/a/live.yaml", "b/values-dev.yaml", manifests=manifests)

    assert found.unplaced == {"charts/a/live.yaml": "argocd/x.yaml"}
    assert "#   charts/a/live.yaml (by argocd/x.yaml)" in write_config(found).splitlines()


def test_an_application_set_s_placeholders_find_its_files() -> None:
    manifest = application("{{.app}}-all", "apps/{{.app}}", "common.yaml", "envs/{{.env}}/values.yaml").replace(
        "kind: Application\n", "kind: ApplicationSet\n"
    ).replace("spec:\n  source", "spec:\n template:\n  spec:\n   source").replace("\n    ", "\n      ")  # fmt: skip
    paths = [f"apps/{app}/envs/{env}/values.yaml" for app in "ab" for env in ("dev", "prod")]

    found = look(*paths, "apps/a/common.yaml", "apps/b/common.yaml", manifests={"set.yaml": manifest})

    assert {one.base for one in found.values()} == {("apps/{app}/common.yaml",)}


def test_suggestions_are_what_bumper_reads_once_the_hash_is_gone() -> None:
    paths = [
        f"{app}/envs/{name}/values.yaml" for app in ("a", "b") for name in ("dev", "staging-eu", "staging", "prod")
    ]
    lines = write_config(find(*paths)).splitlines()
    keys = ("delivery", "auto_merge", "argocd", "promote_from", "tags", "digests", "labels", "images", "- image",
            "path", "same_as", "- [", "ignore", "registries", "registry.internal", "commit_message")  # fmt: skip
    taken = [
        line.replace("# ", "", 1) if line.strip("# ").startswith(keys) and "(what" not in line else line
        for line in lines
    ]

    config = parse_config("\n".join(taken).encode())

    assert (config.environments["prod"].promote_from, config.environments["staging"].promote_from) == (
        ("staging",), None,
    )  # fmt: skip
    assert config.environments["dev"].delivery == "commit"
    assert config.environments["dev"].argocd is not None
    assert config.environments["dev"].argocd.application == ("{app}-dev",)
    assert (len(config.images), len(config.same_as), len(config.registries)) == (1, 1, 1)


def test_production_is_promoted_from_the_environment_of_its_region() -> None:
    names = ("dev", "staging-eu", "staging-us", "prod-eu", "prod-us")
    lines = write_config(find(*(f"{name}/a/values.yaml" for name in names))).splitlines()

    assert [line.strip().split("  #")[0] for line in lines if "promote_from" in line] == [
        '# promote_from: ["staging-eu"]', '# promote_from: ["staging-us"]',
    ]  # fmt: skip


def test_thousands_of_applications_are_found_in_seconds() -> None:
    paths = [
        f"apps/app-{n}/{file}"
        for n in range(3_000)
        for file in ("values.yaml", "envs/prod/values.yaml", "envs/dev/values.yaml", "Chart.yaml")
    ]
    manifests = {
        f"argocd/app-{n}.yaml": application(f"app-{n}-prod", f"apps/app-{n}", "values.yaml", "envs/prod/values.yaml")
        for n in range(3_000)
    }
    began = time.monotonic()

    found = look(*paths, manifests=manifests)

    assert found["prod"].values == ("apps/{app}/envs/prod/values.yaml",)
    assert found["prod"].argocd == ("{app}-prod",)
    assert time.monotonic() - began < 30
