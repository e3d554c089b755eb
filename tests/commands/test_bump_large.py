"""A large environment: only the files that can name the image are parsed, and nothing that names it is missed."""

import pytest

from tests.support.command_line import CommandLine
from tests.support.gitops import APP, Gitops, GitopsMaker, values

FILLER = "".join(f"key_{number}: some words to make this file longer\n" for number in range(1000))
FILE = "apps/{}/envs/staging/values.yaml"


@pytest.fixture
def large(make_gitops: GitopsMaker) -> Gitops:
    """More than is read whole: applications that name the image in every way, and others that do not."""
    others = {FILE.format(f"other-{number}"): values("1.0.0", f"{APP}-{number}") + FILLER for number in range(8)}
    return make_gitops(
        {
            **others,
            FILE.format("plain"): values("1.0.0"),
            FILE.format("split"): "image:\n  registry: registry.example.com\n  repository: team/app\n  tag: 1.0.0\n",
            FILE.format("escaped"): 'image:\n  repository: "registry.example.com/team/\\x61pp"\n  tag: 1.0.0\n',
            FILE.format("overlay"): "image:\n  tag: 1.0.0\n",
            "apps/overlay/values.yaml": values("0.9.0"),
            FILE.format("encrypted"): "image:\n  tag: x\nsops:\n  mac: ENC[x]\n",
        }
    )


def test_every_application_that_uses_the_image_is_found(large: Gitops, bumper: CommandLine) -> None:
    done = bumper.bump("staging", f"{APP}:1.0.1")

    assert [change["app"] for change in done["changes"]] == ["escaped", "overlay", "plain", "split"]
    assert any("SOPS" in warning for warning in done["warnings"])
    assert len(large.merge_requests()) == 1


@pytest.mark.usefixtures("large")
def test_an_unknown_image_is_answered_with_the_nearest_of_all(bumper: CommandLine) -> None:
    assert f"{APP}-1" in bumper.refused("staging", f"{APP}-11:1.0.1")


@pytest.mark.usefixtures("large")
def test_only_the_applications_that_are_asked_for_are_read(bumper: CommandLine) -> None:
    done = bumper.bump("staging", f"{APP}:1.0.1", "--app", "pl*")

    assert [change["app"] for change in done["changes"]] == ["plain"]
    assert done["warnings"] == []
    assert "no application of staging is called" in bumper.refused("staging", f"{APP}:1.0.1", "--app", "nobody")
