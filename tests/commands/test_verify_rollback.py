"""A rollback tells what the registry says and goes on: at night it must not stop at a registry that is down."""

import pytest

from tests.support.gitops import values
from tests.support.verified import DIGEST, MOVED, STAGING, Verified, VerifiedMaker

ROLLBACK = ("rollback", "staging")


@pytest.fixture
def two(make_verified: VerifiedMaker) -> Verified:
    """1.0.0 ran, then 2.0.0, which the registry does not have."""
    made = make_verified({STAGING: values("0.9.0", "{image}")})
    made.merged("bump", "staging", f"{made.image}:1.0.0")
    made.merged("bump", "staging", f"{made.image}:2.0.0", "--no-verify")
    made.registry.seen.clear()
    return made


def test_an_image_that_is_there_gives_no_warning(two: Verified) -> None:
    result = two.run(*ROLLBACK)

    assert (result["status"], result["changes"][0]["to"]["tag"], result["warnings"]) == ("proposed", "1.0.0", [])
    assert two.was_asked


def test_a_missing_image_is_a_warning(two: Verified) -> None:
    result = two.run(*ROLLBACK, "--steps", "2")

    assert (result["status"], result["changes"][0]["to"]["tag"]) == ("proposed", "0.9.0")
    assert result["warnings"] == [
        f"the registry has no {two.image}:0.9.0; check the tag, or push the image first."
    ]  # fmt: skip
    assert two.gitops.read(STAGING, result["branch"]) == values("0.9.0", two.image)


def test_a_registry_that_is_down_is_a_warning(two: Verified) -> None:
    two.go_away()

    ran = two.bumper(*ROLLBACK, code=0)

    assert "staging: proposed" in ran.out
    assert f"warning: http://{two.registry.host} broke off its answer" in ran.err


def test_digests_are_written_where_they_are_demanded_now(make_verified: VerifiedMaker) -> None:
    """What ran before that has none, and `bumper check` would stop it."""
    made = make_verified({STAGING: values("1.0.0", "{image}")})
    config = f"environments: {{staging: {{values: '{STAGING}', digests: true}}}}\n"
    made.gitops.commit({STAGING: values(f"2.0.0@{MOVED}", made.image), "bumper.yaml": config})

    for selector in ([], ["--to", "1.0.0"]):
        result = made.run(*ROLLBACK, *selector)
        assert made.gitops.read(STAGING, result["branch"]) == values(f"1.0.0@{DIGEST}", made.image)
        assert result["changes"][0]["to"] == {"tag": "1.0.0", "digest": DIGEST}


def test_no_verify_asks_nobody(two: Verified) -> None:
    assert two.run(*ROLLBACK, "--steps", "2", "--no-verify")["warnings"] == []
    assert not two.was_asked
