"""bumper.yaml: what it says, and what its mistakes are told like."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bumper.environments.config import config_schema, parse_config
from bumper.environments.config_models import Config, EnvironmentConfig
from bumper.errors import Refused

CONTRACT = r"""
environments:
  staging:
    values: apps/{app}/envs/staging/values.yaml
    base: apps/{app}/values.yaml
    delivery: merge-request
    auto_merge: true
    argocd: {server: https://argocd.tbank.local, application: "{app}-staging"}
  prod:
    values: [apps/{app}/envs/prod/values.yaml]
    promote_from: [staging]
    tags: 'v?\d+\.\d+\.\d+|[0-9a-f]{40}'
    require_healthy: true
    digests: true
    labels: [deploy, prod]
    reviewers: [alice]
images:
  - image: registry.tbank.local/backend/worker
    path: worker.image.tag
    apps: [backend]
same_as:
  - [registry.tbank.local/dev, registry.tbank.local/prod]
ignore: [docker.io/library/redis]
registries:
  registry.internal:5000: {insecure: true}
branch_prefix: bumper/
commit_message: "{default} [OPS-1]"
author: "bumper <bumper@tbank.local>"
"""


def test_every_key_of_the_contract_is_read() -> None:
    config = parse_config(CONTRACT.encode())

    staging, prod = config.environments["staging"], config.environments["prod"]
    assert list(config.environments) == ["staging", "prod"]
    assert staging.values == ("apps/{app}/envs/staging/values.yaml",)
    assert staging.base == ("apps/{app}/values.yaml",)
    assert staging.delivery == "merge-request"
    assert staging.auto_merge
    assert staging.argocd is not None
    assert staging.argocd.server == "https://argocd.tbank.local"
    assert staging.argocd.application == ("{app}-staging",)
    assert prod.values == ("apps/{app}/envs/prod/values.yaml",)
    assert prod.promote_from == ("staging",)
    assert prod.require_healthy
    assert prod.digests
    assert prod.labels == ("deploy", "prod")
    assert prod.reviewers == ("alice",)
    assert (config.images[0].image, config.images[0].path) == (
        ("registry.tbank.local/backend/worker",),
        "worker.image.tag",
    )
    assert (config.images[0].apps, config.images[0].environments) == (("backend",), None)
    assert config.same_as == (("registry.tbank.local/dev", "registry.tbank.local/prod"),)
    assert config.ignore == ("docker.io/library/redis",)
    assert config.registries["registry.internal:5000"].insecure
    assert config.branch_prefix == "bumper/"
    assert config.commit_message == "{default} [OPS-1]"
    assert config.author == "bumper <bumper@tbank.local>"


@pytest.mark.parametrize("source", [b"", b"\n", b"# only a comment\n", b"---\n", b"\xef\xbb\xbf", b"{}", b"---\n...\n"])
def test_a_file_that_says_nothing_gives_the_defaults(source: bytes) -> None:
    assert parse_config(source) == Config()


def test_an_environment_that_says_nothing_more_restricts_nothing() -> None:
    staging = parse_config(b"environments: {staging: {values: staging/values.yaml}}").environments["staging"]

    assert (staging.delivery, staging.promote_from, staging.tags, staging.argocd) == (None, None, None, None)
    assert (staging.auto_merge, staging.digests, staging.require_healthy) == (False, False, False)
    assert staging.admits("anything")


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("15m", 900), ("90", 90), ("90s", 90), ("'90'", 90), ("1.5h", 5400), ("1d", 86400), ("0", 0)],
)
def test_durations_are_seconds_or_carry_a_unit(written: str, seconds: float) -> None:
    config = parse_config(f"environments: {{prod: {{values: v.yaml, steady: {written}}}}}".encode())

    assert config.environments["prod"].steady == seconds


@pytest.mark.parametrize(
    ("tag", "admitted"),
    [("1.2.3", True), ("v1.2.3", True), ("1.2.3-rc1", False), ("x1.2.3", False), ("1.2.3\n", False), ("a" * 40, True)],
)
def test_tags_are_matched_as_a_whole(tag: str, *, admitted: bool) -> None:
    assert parse_config(CONTRACT.encode()).environments["prod"].admits(tag) is admitted


def prod_with_tags(expression: str) -> EnvironmentConfig:
    return parse_config(
        json.dumps({"environments": {"prod": {"values": "v.yaml", "tags": expression}}}).encode()
    ).environments["prod"]


def test_digits_in_tags_are_ascii_s_and_python_s_syntax_stays() -> None:
    assert not prod_with_tags(r"\d+").admits("\u0663")
    assert prod_with_tags(r"(?P<v>v?)\d+(?i:-RC)?").admits("v3-rc")


def test_an_expression_that_would_hang_is_refused_with_the_tag() -> None:
    with pytest.raises(
        Refused, match=r"'\(\?:a\|aa\)\+\[bc\]' \(tags in bumper.yaml\) needs more than 1 s .*; write it"
    ):
        prod_with_tags("(?:a|aa)+[bc]").admits("a" * 100)


@pytest.mark.parametrize("expression", ["(a{60000}){60000}", "((a{900}){900}){900}", "(" * 5_000 + ")" * 5_000])
def test_an_expression_that_would_fill_the_memory_is_a_mistake(expression: str) -> None:
    with pytest.raises(Refused, match="is not a regular expression"):
        prod_with_tags(expression)


@pytest.mark.parametrize(
    "values", ["{app}/values.yaml", "'{app}/values.yaml'", "[{app}/values.yaml]", '["{app}/values.yaml"]']
)
def test_a_placeholder_needs_no_quotes(values: str) -> None:
    config = parse_config(f"environments: {{dev: {{values: {values}, digests: true}}}}".encode())

    assert config.environments["dev"].values == ("{app}/values.yaml",)
    assert config.environments["dev"].digests


def test_line_endings_and_a_byte_order_mark_do_not_matter() -> None:
    source = b"\xef\xbb\xbf" + CONTRACT.replace("\n", "\r\n").encode()

    assert parse_config(source) == parse_config(CONTRACT.encode())


@pytest.mark.parametrize("prefix", ["bumper/", "feature/bumper-", "a"])
def test_a_prefix_need_not_end_in_a_slash(prefix: str) -> None:
    assert parse_config(f"branch_prefix: {prefix}".encode()).branch_prefix == prefix


@settings(deadline=None)
@given(st.binary())
def test_any_bytes_are_a_configuration_or_refused(source: bytes) -> None:
    assert_read_or_refused(source)


KEYS = st.sampled_from([*Config.model_fields, "prod", "values", "promote_from", "image", "path", "0", "", "<<"])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
TREES = st.recursive(
    SCALARS, lambda nodes: st.lists(nodes, max_size=3) | st.dictionaries(KEYS, nodes, max_size=3), max_leaves=12
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)  # a busy machine is no failure
@given(st.dictionaries(KEYS, TREES, max_size=4))
def test_any_values_are_a_configuration_or_refused(data: dict[str, object]) -> None:
    assert_read_or_refused(json.dumps(data).encode())


def assert_read_or_refused(source: bytes) -> None:
    try:
        config = parse_config(source)
    except Refused as refused:
        assert str(refused).startswith("bumper.yaml:")  # noqa: PT017 - both ends are right
    else:
        assert isinstance(config, Config)


def test_the_schema_knows_and_describes_every_key() -> None:
    schema = config_schema()

    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["title"] == "bumper.yaml"
    assert list(schema["properties"]) == list(Config.model_fields)
    for model in (schema, *schema["$defs"].values()):
        assert model["additionalProperties"] is False
        assert all(key["description"] for key in model["properties"].values())


def test_the_schema_takes_one_pattern_or_a_list_and_no_empty_key() -> None:
    keys = config_schema()["$defs"]["EnvironmentConfig"]["properties"]

    assert [choice["type"] for choice in keys["values"]["anyOf"]] == ["string", "array"]
    assert keys["delivery"]["enum"] == ["merge-request", "commit"]
    assert "null" not in json.dumps(config_schema())


def test_the_schema_s_examples_are_right() -> None:
    everywhere = {"values": "{app}/{env}.yaml"}
    for name, key in config_schema()["properties"].items():
        for example in key.get("examples", []):
            parse_config(json.dumps({**everywhere, name: example}).encode())
    for name, key in config_schema()["$defs"]["EnvironmentConfig"]["properties"].items():
        for example in key.get("examples", []):
            written = {"values": "prod/values.yaml", name: example}
            parse_config(json.dumps({"environments": {"prod": written, "staging": {"values": "s.yaml"}}}).encode())
