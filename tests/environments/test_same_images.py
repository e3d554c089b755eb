"""Registries that hold the same images."""

import pytest

from bumper.environments.config_models import Config
from bumper.environments.selection import canonical
from bumper.image import read_repository

SAME_AS = (
    ("registry.example.com/dev", "registry.example.com/prod"),
    ("ghcr.io/team", "registry.example.com/prod/mirror", "mirror.example.com"),
)


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("registry.example.com/dev/app", "registry.example.com/dev/app"),
        ("registry.example.com/prod/app", "registry.example.com/dev/app"),
        ("registry.example.com/prod/group/app", "registry.example.com/dev/group/app"),
        ("registry.example.com/prod", "registry.example.com/dev"),
        ("registry.example.com/production/app", "registry.example.com/production/app"),
        ("registry.example.com/prod/mirror/app", "ghcr.io/team/app"),
        ("mirror.example.com/app", "ghcr.io/team/app"),
        ("other.example.com/prod/app", "other.example.com/prod/app"),
    ],
)
def test_one_name_for_all_of_them(image: str, name: str) -> None:
    repository = read_repository(image)
    assert repository is not None

    assert canonical(Config(same_as=SAME_AS), repository) == name
