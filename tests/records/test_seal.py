"""A seal tells what this token wrote from what somebody changed, and from what others wrote."""

import re

import pytest

from bumper.records.record import Sealed, Sealer, make_sealer
from bumper.settings import read_settings

MESSAGE = """\
Bump app to 1.0.1 in staging

app: 1.0.0 -> 1.0.1

Bumper-Command: bump
Bumper-Environment: staging
Bumper-Image: registry.example.com/team/app:1.0.1
Bumper-Order: 100 https://gitlab.example.com/team/app
"""


def sealer(value: str = "glpat-secret", branch: str = "main", project: str = "team/gitops") -> Sealer:
    environ = {"BUMPER_TOKEN": value}
    address = f"https://gitlab.example.com/{project}.git"
    return make_sealer(read_settings(environ, repo=address, branch=None, gitlab_url=None), branch)


def test_what_was_sealed_is_recognised_and_shows_no_token() -> None:
    sealed = sealer().seal(MESSAGE)

    assert re.fullmatch(re.escape(MESSAGE) + r"Bumper-Seal: [0-9a-f]{8}-[0-9a-f]{32}\n", sealed)
    assert sealer().check(sealed) is Sealed.OURS
    assert sealer().seal(MESSAGE) == sealed
    assert "secret" not in sealed


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("100 ", "999 "),
        ("1.0.1\nBumper-Order", "6.6.6\nBumper-Order"),
        ("Bumper-Order", "Bumper-Urgent: me\nBumper-Order"),
        ("Bumper-Environment: staging\n", ""),
        ("Bumper-Seal: ", "Bumper-Order: 999 x\nBumper-Seal: "),
    ],
)
def test_a_changed_trailer_breaks_it(old: str, new: str) -> None:
    changed = sealer().seal(MESSAGE).replace(old, new)

    assert sealer().check(changed) is Sealed.BROKEN


def test_what_merging_does_to_the_message_leaves_it_whole() -> None:
    sealed = sealer().seal(MESSAGE)
    merged = sealed.replace("\n\n", "\n\nSee merge request team/gitops!7\n\n", 1) + "Signed-off-by: A <a@example.com>\n"

    assert sealer().check(merged) is Sealed.OURS


@pytest.mark.parametrize(
    "other", [sealer("glpat-other"), sealer(branch="release"), sealer(project="team/other"), Sealer(None)]
)
def test_a_seal_of_another_token_or_place_says_nothing(other: Sealer) -> None:
    assert other.check(sealer().seal(MESSAGE)) is Sealed.UNKNOWN


@pytest.mark.parametrize("message", [MESSAGE, "", "By hand\n", f"{MESSAGE}Bumper-Seal: x\n"])
def test_no_seal_says_nothing(message: str) -> None:
    assert sealer().check(message) is Sealed.UNKNOWN


def test_a_jobs_token_seals_nothing() -> None:
    settings = read_settings({"CI_JOB_TOKEN": "x"}, repo="https://gitlab.example.com/g/p", branch=None, gitlab_url=None)

    assert make_sealer(settings, "main").seal(MESSAGE) == MESSAGE
