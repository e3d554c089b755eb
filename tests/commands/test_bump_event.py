"""A registry's push notification in the place of arguments."""

import json
from pathlib import Path

import pytest

from tests.support.gitops import values
from tests.support.verified import DIGEST, MOVED, REPOSITORY, STAGING, Verified, VerifiedMaker

SAMPLES = Path(__file__).parents[2] / "fixtures" / "push_events"
EVENT = ("bump", "staging", "--event", "-")


@pytest.fixture
def made(make_verified: VerifiedMaker) -> Verified:
    return make_verified({STAGING: values("0.9.0", "{image}")})


def with_config(make: VerifiedMaker, *lines: str) -> Verified:
    config = ["environments:", "  staging:", "    values: apps/{app}/envs/staging/values.yaml"]
    text = "\n".join([*config, *(f"    {line}" for line in lines), ""])
    return make({"bumper.yaml": text, STAGING: values("0.9.0", "{image}")})


def pushed(made: Verified, *tags: str, digest: str = DIGEST, **more: object) -> bytes:
    """Docker Distribution's notification of pushes to the registry."""
    events = [
        {
            "action": "push",
            "target": {"repository": REPOSITORY, "tag": tag, "digest": digest},
            "request": {"host": made.registry.host},
        }
        for tag in tags or ("1.0.0",)
    ]
    return json.dumps({"events": events, **more}).encode()


def test_the_image_that_was_pushed_is_bumped(made: Verified, tmp_path: Path) -> None:
    (tmp_path / "event.json").write_bytes(pushed(made))

    result = made.run("bump", "staging", "--event", str(tmp_path / "event.json"))

    assert (result["status"], result["changes"][0]["to"]) == ("proposed", {"tag": "1.0.0", "digest": DIGEST})
    assert made.gitops.read(STAGING, result["branch"]) == values("1.0.0", made.image)


def test_it_is_the_same_request_as_by_its_name(made: Verified) -> None:
    first = made.run(*EVENT, stdin=pushed(made))
    again = made.run("bump", "staging", f"{made.image}:1.0.0")

    assert again == first | {"merge_request": first["merge_request"] | {"action": "unchanged"}}


def test_gitlabs_trigger_adds_its_own_parameters_to_the_body(made: Verified) -> None:
    payload = pushed(made, id="42", ref="main", variables={})

    assert made.run(*EVENT, stdin=payload)["status"] == "proposed"


NEXUS = json.dumps(
    {
        "repositoryName": "docker-hosted",
        "action": "CREATED",
        "component": {"format": "docker", "name": REPOSITORY, "version": "1.0.0"},
    }
).encode()


def test_a_notification_without_a_host_is_of_the_registry_that_is_named(make_verified: VerifiedMaker) -> None:
    made = make_verified({STAGING: values("0.9.0", "{image}")})

    unknown = made.refused(*EVENT, stdin=NEXUS)
    other = made.refused(*EVENT, "--event-registry", "registry.example.com", stdin=NEXUS)
    by_option = made.run(*EVENT, "--event-registry", made.registry.host, "--dry-run", stdin=NEXUS)
    made.gitops.push(f"registry: {made.registry.host}\n", "bumper.yaml")
    by_config = made.run(*EVENT, stdin=NEXUS)

    assert "does not say which registry it is from; give --event-registry HOST" in unknown
    assert "nothing in staging uses" in other
    assert by_option["changes"][0]["image"] == by_config["changes"][0]["image"] == made.image


@pytest.mark.parametrize(
    "arguments", [("--event-registry", "a.local", "a.local/app:1"), (*EVENT[2:], "--event-registry", "a")]
)
def test_the_registry_of_a_notification_is_a_host_beside_one(made: Verified, arguments: tuple[str, ...]) -> None:
    assert "--event-registry works only with" in made.refused("bump", "staging", *arguments, code=2, stdin=NEXUS)


@pytest.mark.parametrize("sample", ["distribution-delete", "distribution-pull", "harbor-delete", "ecr-untagged"])
def test_what_pushes_no_tag_is_left_alone(made: Verified, sample: str) -> None:
    result = made.run(*EVENT, stdin=(SAMPLES / f"{sample}.json").read_bytes())

    assert (result["status"], result["changes"], result["merge_request"]) == ("unchanged", [], None)
    assert result["warnings"] == ["the notification is not about the push of a tag; nothing was done."]
    assert made.gitops.branches() == []


@pytest.mark.parametrize("body", [b"", b"no JSON", b"[]]", b'{"object_kind": "push"}'])
def test_an_unknown_body_is_refused(made: Verified, body: bytes) -> None:
    assert "give --event the body of a registry's push notification" in made.refused(*EVENT, stdin=body)


def test_a_file_that_is_not_there_is_named(made: Verified, tmp_path: Path) -> None:
    missing = str(tmp_path / "event.json")

    assert missing in made.refused("bump", "staging", "--event", missing)


@pytest.mark.parametrize("arguments", [("--event", "-", "registry.example.com/app:1"), ()])
def test_images_or_a_notification_and_not_both(made: Verified, arguments: tuple[str, ...]) -> None:
    message = made.refused("bump", "staging", *arguments, code=2, stdin=pushed(made))

    assert message == "bump takes either images or a notification; name the images, or give --event FILE."


def test_an_image_that_nothing_uses(made: Verified) -> None:
    body = (SAMPLES / "distribution.json").read_bytes()

    message = made.refused(*EVENT, stdin=body)

    assert "nothing in staging uses registry.tbank.local:5000/backend/app:1.0.3" in message
    assert made.run(*EVENT, "--allow-missing", stdin=body)["status"] == "unchanged"


def test_of_several_tags_the_one_that_may_enter(make_verified: VerifiedMaker) -> None:
    made = with_config(make_verified, r"tags: '\d+\.\d+\.\d+'")

    result = made.run(*EVENT, stdin=pushed(made, "latest", "1.0.0", "main"))

    assert result["changes"][0]["to"]["tag"] == "1.0.0"


def test_of_several_tags_none_is_guessed(made: Verified) -> None:
    message = made.refused(*EVENT, stdin=pushed(made, "latest", "1.0.0"))

    assert "several tags (latest, 1.0.0)" in message
    assert "set `tags` of staging in bumper.yaml" in message


def test_rules_hold_for_notifications_too(make_verified: VerifiedMaker) -> None:
    made = with_config(make_verified, r"tags: 'v\d+'")

    assert "may not enter staging" in made.refused(*EVENT, stdin=pushed(made))


def test_a_notification_that_the_registry_contradicts_is_refused(made: Verified) -> None:
    message = made.refused(*EVENT, stdin=pushed(made, digest=MOVED))

    assert DIGEST in message
    assert MOVED in message
