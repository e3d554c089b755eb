"""Helm for real: what it renders from the merged values is the image that was pushed, as the registry itself has it."""

import pytest

from bumper.registry.resolve import RegistryAccess
from tests.registry.asking import login, reference, resolve
from tests.registry.distribution import PASSWORD, USER, Distribution
from tests.support.command_line import CommandLine
from tests.support.gitops import Gitops, GitopsMaker
from tests.support.helm import Helm

BASE = "apps/app/values.yaml"
STAGING, PROD = "apps/app/envs/staging/values.yaml", "apps/app/envs/prod/values.yaml"
CONFIG = """\
environments:
  staging: {values: "apps/{app}/envs/staging/values.yaml", base: "apps/{app}/values.yaml"}
  prod: {values: "apps/{app}/envs/prod/values.yaml", base: "apps/{app}/values.yaml", digests: true}
"""
OLD = f"sha256:{'1' * 64}"


@pytest.fixture
def login_of_the_job(distribution: Distribution, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in login(distribution.host, USER, PASSWORD).items():
        monkeypatch.setenv(name, value)


def in_registry(distribution: Distribution, image: str) -> str:
    """The digest under which the registry has a rendered image."""
    return resolve(reference(image), RegistryAccess(login(distribution.host, USER, PASSWORD)))


def deploy(gitops: Gitops, bumper: CommandLine, *arguments: str) -> None:
    """Run a command, with the registry asked, and merge what it proposes."""
    result = bumper(*arguments, "--output", "json", code=0).json
    gitops.merge(result["merge_request"]["iid"])


def test_helm_is_the_one_that_argo_cd_brings(helm: Helm) -> None:
    assert helm.version().startswith("v4.")


@pytest.mark.usefixtures("login_of_the_job")
def test_the_whole_way_of_an_image(
    make_gitops: GitopsMaker, bumper: CommandLine, distribution: Distribution, helm: Helm
) -> None:
    digest = distribution.push("helm/app", "1.10")
    gitops = make_gitops(
        {
            "bumper.yaml": CONFIG,
            BASE: f"image:\n  registry: {distribution.host}\n  repository: helm/app\n  tag: 0.9.0\n",
            STAGING: "image:\n  tag: 0.9.0  # by bumper\n",
            PROD: 'image:\n  tag: 0.9.0\n  digest: ""\n',
        }
    )
    name = f"{distribution.host}/helm/app:1.10"

    deploy(gitops, bumper, "bump", "staging", name)
    rendered = helm.image(gitops.read(BASE), gitops.read(STAGING))
    assert rendered == name
    assert in_registry(distribution, rendered) == digest

    deploy(gitops, bumper, "promote", "staging", "prod")
    rendered = helm.image(gitops.read(BASE), gitops.read(PROD))
    assert rendered == f"{name}@{digest}"
    assert in_registry(distribution, rendered) == digest

    distribution.push("helm/app", "1.10", '{"os": "other"}')  # the tag moves; what is pinned does not
    assert in_registry(distribution, rendered.replace(":1.10@", "@")) == digest
    assert in_registry(distribution, name) != digest


@pytest.mark.usefixtures("login_of_the_job")
@pytest.mark.parametrize("tag", ["1.10", "12e4567", "20240115", "0x1F", "yes"])
def test_a_tag_is_a_text_to_helm(
    make_gitops: GitopsMaker, bumper: CommandLine, distribution: Distribution, helm: Helm, tag: str
) -> None:
    digest = distribution.push("helm/tags", tag)
    image = f"image:\n  registry: {distribution.host}\n  repository: helm/tags\n"
    gitops = make_gitops({STAGING: f"{image}  tag: main\n"})

    deploy(gitops, bumper, "bump", "staging", f"{distribution.host}/helm/tags:{tag}")

    rendered = helm.image(gitops.read(STAGING))
    assert rendered == f"{distribution.host}/helm/tags:{tag}"
    assert in_registry(distribution, rendered) == digest


@pytest.mark.usefixtures("login_of_the_job")
@pytest.mark.parametrize("pin", [f"tag: 0.9.0@{OLD}", f'tag: "0.9.0"\n  digest: {OLD}'])
def test_a_pinned_digest_is_that_of_the_tag(
    make_gitops: GitopsMaker, bumper: CommandLine, distribution: Distribution, helm: Helm, pin: str
) -> None:
    digest = distribution.push("helm/pinned", "1.0.0")
    gitops = make_gitops({STAGING: f"image:\n  registry: {distribution.host}\n  repository: helm/pinned\n  {pin}\n"})
    before = helm.image(gitops.read(STAGING))

    deploy(gitops, bumper, "bump", "staging", f"{distribution.host}/helm/pinned:1.0.0")

    rendered = helm.image(gitops.read(STAGING))
    assert before == f"{distribution.host}/helm/pinned:0.9.0@{OLD}"
    assert rendered == f"{distribution.host}/helm/pinned:1.0.0@{digest}"
    assert in_registry(distribution, rendered) == digest
