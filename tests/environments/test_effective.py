"""What an application runs is what Helm makes of its files: Helm itself is the witness."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bumper.environments.applications import AppFiles
from bumper.environments.config_models import Config, EnvironmentConfig
from bumper.environments.effective import Running, running
from bumper.environments.gather import gather
from bumper.environments.layout import Environment
from bumper.environments.path_pattern import Identity
from tests.support.helm import CHART, Helm

CHART_VALUES = (CHART / "values.yaml").read_text()


def run(*layers: str, bases: int = 1) -> Running:
    """What bumper says that an application of these files runs; the first are ``bases``."""
    names = [f"{number}.yaml" for number in range(len(layers))]
    app = AppFiles("app", tuple(names[bases:]), tuple(names[:bases]), Identity("app"))
    environment = Environment("prod", (app,), EnvironmentConfig(values=("*.yaml",)))
    sources = dict(zip(names, (layer.encode() for layer in layers), strict=True))
    return running(gather(environment, Config(), sources), "prod", Config())


def images(found: Running) -> list[str]:
    return sorted(
        f"{one.pin.repository}:{one.pin.tag}" for one in found.pins if one.pin.repository and one.pin.tag is not None
    )


KEYS = st.sampled_from(["repository: team/app", "repository: team/other", "registry: quay.io", "pullPolicy: Always"])
TAGS = st.sampled_from(["tag: v1", "tag: v2", 'tag: "1.10"', "tag: null", "tag: ~", "tag:", 'tag: ""'])
MAPPINGS = st.lists(KEYS | TAGS, min_size=1, max_size=4).map(
    lambda lines: "image:\n" + "".join(f"  {line}\n" for line in lines)
)
LAYERS = st.one_of(MAPPINGS, MAPPINGS, MAPPINGS, st.sampled_from(["image: null\n", "image: {}\n", "x: 1\n", ""]))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(LAYERS, min_size=1, max_size=4))
def test_it_is_the_image_that_helm_renders(helm: Helm, layers: list[str]) -> None:
    try:
        rendered = helm.image(CHART_VALUES, *layers, with_defaults=False)
    except AssertionError:  # the chart cannot do without what these values take away
        rendered = ""

    if rendered.startswith("%!s(<nil>)/"):  # this chart needs a registry, others take Docker Hub without one
        rendered = f"docker.io/{rendered.partition('/')[2]}"
    is_image = "<nil>" not in rendered and (":v" in rendered or ":1" in rendered)
    assert images(run(CHART_VALUES, *layers)) == ([rendered] if is_image else [])


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        (["image: {repository: a/b, tag: v1}", "image: 'c/d:v2'"], ["docker.io/c/d:v2"]),
        (["image: {repository: a/b, tag: v1}", "image: null"], []),
        (["image: {repository: a/b, tag: v1}", "image: {repository: c/d}"], ["docker.io/c/d:v1"]),
        (["image: {repository: a/b, tag: v1}", "image: {tag: v2}\nx: 1"], ["docker.io/a/b:v2"]),
        (["image: {repository: a/b, tag: v1, tag: v2}"], ["docker.io/a/b:v2"]),
        (["a: &a {tag: v1}\nimage: {tag: v2, <<: *a, repository: a/b}"], ["docker.io/a/b:v1"]),  # as Helm reads it
        (["jobs: [{image: a/b:v1}]", "jobs: []"], []),
        (["jobs: [{image: a/b:v1}]", "jobs: [{image: c/d:v2}]"], ["docker.io/c/d:v2"]),
        (["a: &a {image: {repository: a/b, tag: v1}}\nb: {<<: *a}", "x: 1"], ["docker.io/a/b:v1"]),
        (["image: {repository: a/b, tag: v1}", "# nothing"], ["docker.io/a/b:v1"]),
    ],
)
def test_later_files_replace_or_merge(layers: list[str], expected: list[str]) -> None:
    assert images(run(*layers, bases=0)) == expected


@pytest.mark.parametrize(
    ("later", "is_known"),
    [("image: [", False), ("image: {tag: ENC[x]}\nsops: {mac: x}", False), ("db: ENC[x]\nsops: {mac: x}", True)],
)
def test_a_later_file_that_cannot_be_read_leaves_it_unknown(later: str, *, is_known: bool) -> None:
    first = run("image: {repository: a/b, tag: v1}", later, bases=0)
    last = run(later, "image: {repository: a/b, tag: v1}", bases=0)

    assert images(run("image: {repository: a/b, tag: v1}", "image: {repository: c/d}")) == ["docker.io/c/d:v1"]
    assert (images(first) == ["docker.io/a/b:v1"], not first.unknown) == (is_known, is_known)
    assert images(last) == ["docker.io/a/b:v1"]
