"""Environments and their files, by the patterns of bumper.yaml."""

import json

import pytest

from bumper.environments.applications import AppFiles
from bumper.environments.config import parse_config
from bumper.environments.layout import Layout, read_layout
from bumper.environments.path_pattern import Identity, claim_paths
from bumper.errors import Refused


def layout(environments: dict[str, object], paths: list[str]) -> Layout:
    config = parse_config(json.dumps({"environments": environments}).encode())
    return read_layout(config, paths, "gitops")


def files(values: object, paths: list[str], base: object = None) -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    """The values and the bases of each application in an environment of these patterns."""
    keys = {"values": values} if base is None else {"values": values, "base": base}
    apps = layout({"prod": keys}, paths).environment("prod").apps
    return {app.app: (app.values, app.bases) for app in apps}


@pytest.mark.parametrize(
    ("pattern", "path", "app"),
    [
        ("apps/{app}/prod/values.yaml", "apps/backend/prod/values.yaml", "backend"),
        ("apps/{app}/prod/values.yaml", "apps/a/b/prod/values.yaml", None),
        ("apps/{app}/prod/values.yaml", "x/apps/a/prod/values.yaml", None),
        ("apps/{app}/prod/values.yaml", "apps/a/prod/valuesXyaml", None),
        ("values-{app}.yaml", "values-a-b.yaml", "a-b"),
        ("values-{app}.yaml", "values-.yaml", None),
        ("prod/values.yaml", "prod/values.yaml", "gitops"),
        ("prod/*.yaml", "prod/a.yaml", "gitops"),
        ("prod/*.yaml", "prod/a/b.yaml", None),
        ("prod/**/*.yaml", "prod/b.yaml", "gitops"),
        ("prod/**/*.yaml", "prod/a/b/c.yaml", "gitops"),
        ("prod/**/**/v.yaml", "prod/v.yaml", "gitops"),
        ("**/{app}/v.yaml", "a/b/v.yaml", "b"),
        ("**/{app}/v.yaml", "a/v.yaml", "a"),
        ("prod/**", "prod/a/b", "gitops"),
        ("prod/**", "production", None),
        ("**", "a/b", "gitops"),
        ("v?.yaml", "v1.yaml", "gitops"),
        ("a?b", "a/b", None),
        ("v[0-9].yaml", "v1.yaml", "gitops"),
        ("v[!0-9].yaml", "v1.yaml", None),
        ("v[!0-9].yaml", "vx.yaml", "gitops"),
        ("a[!x]b", "a/b", None),
        ("v[9-0].yaml", "v5.yaml", None),
        ("v[a--b].yaml", "v-.yaml", "gitops"),
        ("v[&&].yaml", "v&.yaml", "gitops"),
        ("v[.yaml", "v[.yaml", "gitops"),
        ("v+(1).yaml", "v+(1).yaml", "gitops"),
        ("{app}/grüße.yaml", "ä ö/grüße.yaml", "ä ö"),
    ],
)
def test_patterns_are_globs_of_whole_paths(pattern: str, path: str, app: str | None) -> None:
    claims = claim_paths([pattern], [path], "gitops")

    assert {claimed: claim.app for claimed, claim in claims.items()} == ({} if app is None else {path: app})


def test_environments_stand_in_the_file_s_order() -> None:
    found = layout({"staging": {"values": "s/*.yaml"}, "dev": {"values": "d/*.yaml"}}, [])

    assert found.environments == ("staging", "dev")


def test_an_environment_brings_its_settings() -> None:
    environment = layout({"prod": {"values": "{app}/v.yaml", "tags": "v.*"}}, ["a/v.yaml"]).environment("prod")

    assert environment.name == "prod"
    assert environment.config.tags == "v.*"
    assert environment.apps == (AppFiles("a", ("a/v.yaml",), (), Identity("a")),)


def test_files_are_in_the_order_of_the_list_and_then_of_the_path() -> None:
    paths = ["a/z.yaml", "a/prod/2.yaml", "a/prod/1.yaml", "b/z.yaml", "a/other.txt"]

    assert files(["{app}/z.yaml", "{app}/prod/*.yaml"], paths) == {
        "a": (("a/z.yaml", "a/prod/1.yaml", "a/prod/2.yaml"), ()),
        "b": (("b/z.yaml",), ()),
    }


def test_a_file_of_two_patterns_counts_once_where_helm_reads_it_last() -> None:
    found = files(["{app}/a.yaml", "{app}/b.yaml", "{app}/*.yaml"], ["x/a.yaml", "x/b.yaml", "x/c.yaml"])
    assert found == {"x": (("x/a.yaml", "x/b.yaml", "x/c.yaml"), ())}

    found = files(["{app}/*.yaml", "{app}/a.yaml"], ["x/a.yaml", "x/b.yaml"])
    assert found == {"x": (("x/b.yaml", "x/a.yaml"), ())}


def test_applications_of_one_name_have_the_folders_before_it_in_their_names() -> None:
    assert files("*/{app}/v.yaml", ["b/x/v.yaml", "a/x/v.yaml", "a/y/v.yaml"]) == {
        "a/x": (("a/x/v.yaml",), ()), "b/x": (("b/x/v.yaml",), ()), "y": (("a/y/v.yaml",), ()),
    }  # fmt: skip
    deep = ["eu/red/x.yaml", "us/red/x.yaml", "eu/blue/x.yaml"]
    assert list(files("*/*/{app}.yaml", deep)) == ["blue/x", "eu/red/x", "us/red/x"]
    assert list(files("**/{app}.yaml", ["x.yaml", "a/b/x.yaml"])) == ["x", "a/b/x"]
    assert list(files("*/v.yaml", ["a/v.yaml", "b/v.yaml"])) == ["a/gitops", "b/gitops"]


def test_bases_are_the_application_s_own_and_everybody_s() -> None:
    paths = [
        "a/prod.yaml",
        "b/prod.yaml",
        "a/base.yaml",
        "b/base.yaml",
        "c/base.yaml",
        "common/1.yaml",
        "common/2.yaml",
    ]

    assert files("{app}/prod.yaml", paths, ["common/*.yaml", "{app}/base.yaml"]) == {
        "a": (("a/prod.yaml",), ("common/1.yaml", "common/2.yaml", "a/base.yaml")),
        "b": (("b/prod.yaml",), ("common/1.yaml", "common/2.yaml", "b/base.yaml")),
    }


def test_a_file_that_an_application_owns_is_not_its_base() -> None:
    assert files("{app}/*.yaml", ["a/1.yaml", "a/base.yaml"], "{app}/base.yaml") == {
        "a": (("a/1.yaml", "a/base.yaml"), ())
    }


def test_bases_of_named_applications_are_none_of_the_repository_s_own() -> None:
    found = files(["v.yaml", "{app}/v.yaml"], ["v.yaml", "a/v.yaml", "a/base.yaml"], "{app}/base.yaml")

    assert sorted(found.values()) == [(("a/v.yaml",), ("a/base.yaml",)), (("v.yaml",), ())]


def test_a_base_is_no_application_though_the_pattern_matches_it() -> None:
    assert files("prod/{app}.yaml", ["prod/a.yaml", "prod/common.yaml"], "prod/common.yaml") == {
        "a": (("prod/a.yaml",), ("prod/common.yaml",))
    }


def test_a_base_without_an_application_s_values_makes_none() -> None:
    assert set(files("{app}/v.yaml", ["a/v.yaml", "b/base.yaml"], "{app}/base.yaml")) == {"a"}


def test_an_unknown_environment_is_told_with_the_known_ones() -> None:
    found = layout({"staging": {"values": "s.yaml"}, "prod": {"values": "p.yaml"}}, ["s.yaml", "p.yaml"])

    with pytest.raises(Refused, match=r"no environment 'stagin'; did you mean staging\? Known: staging, prod\.$"):
        found.environment("stagin")
    with pytest.raises(Refused, match=r"no environment 'xyz'; known: staging, prod\.$"):
        found.environment("xyz")


def test_an_environment_without_files_is_told_with_its_patterns() -> None:
    found = layout({"prod": {"values": ["apps/{app}/prod.yaml", "x.yaml"]}}, ["apps/a/prod.yml"])

    with pytest.raises(
        Refused, match=r"^environment prod has no file: nothing matches apps/\{app\}/prod\.yaml, x\.yaml;"
    ):
        found.environment("prod")


def test_a_file_of_two_environments_is_refused_for_both_and_no_other() -> None:
    patterns: dict[str, object] = {
        "dev": {"values": "{app}/d*.yaml"},
        "demo": {"values": "{app}/de*.yaml"},
        "prod": {"values": "{app}/p.yaml"},
    }
    found = layout(patterns, ["a/dev.yaml", "a/demo.yaml", "a/p.yaml"])

    with pytest.raises(Refused, match=r"^a/demo\.yaml belongs to two environments, dev and demo; "):
        found.environment("dev")
    with pytest.raises(Refused, match=r"^a/demo\.yaml belongs to two environments, dev and demo; "):
        found.environment("demo")
    assert found.environment("prod").apps == (AppFiles("a", ("a/p.yaml",), (), Identity("a")),)


def test_thousands_of_applications_have_each_their_files() -> None:
    paths = [
        f"apps/app-{n}/{file}" for n in range(5_000) for file in ("values.yaml", "envs/prod/values.yaml", "Chart.yaml")
    ]
    found = files("apps/{app}/envs/prod/values.yaml", paths, "apps/{app}/values.yaml")

    assert len(found) == 5_000
    assert found["app-4999"] == (("apps/app-4999/envs/prod/values.yaml",), ("apps/app-4999/values.yaml",))


def test_without_environments_in_bumper_yaml_the_usual_layouts_are_read() -> None:
    config = parse_config(b"branch_prefix: x/\n")

    assert read_layout(config, ["prod/a/values.yaml"], "gitops").environments == ("prod",)
