"""From where a fork's checkout gets the project that its change is to be merged into."""

import pytest

from bumper.git.span import _parent

TARGET = "https://gitlab.example.com/platform/gitops"


@pytest.mark.parametrize(
    ("remote", "parent"),
    [
        ("https://job:token@gitlab.example.com/platform/gitops.git", None),
        ("https://job:token@gitlab.internal/platform/gitops.git", None),  # as the runner reaches it
        (
            "https://job:token@gitlab.internal/dora/gitops.git",
            "https://job:token@gitlab.internal/platform/gitops.git",
        ),
        ("git@gitlab.example.com:platform/gitops.git", None),
        ("git@gitlab.example.com:dora/gitops.git", "git@gitlab.example.com:platform/gitops.git"),
        ("/srv/gitops", None),
        ("file:///srv/gitops.git", None),
        (None, None),
    ],
)
def test_the_parent_of_a_fork(remote: str | None, parent: str | None) -> None:
    assert _parent(TARGET, remote) == parent
