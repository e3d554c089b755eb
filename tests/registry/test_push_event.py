"""Push notifications, as they stand in fixtures/push_events with what is read from them."""

import base64
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from bumper.errors import Refused
from bumper.image import Repository
from bumper.registry.events import read_push_event
from bumper.registry.pushed_image import PushedImage, match_pushed

_SAMPLES = Path(__file__).parents[2] / "fixtures" / "push_events"
_NAMES = sorted(path.name.removesuffix(".expected.json") for path in _SAMPLES.glob("*.expected.json"))
DIGEST = f"sha256:{'1' * 64}"


def encode(body: Any) -> bytes:  # noqa: ANN401 - any JSON
    return json.dumps(body).encode()


def test_every_sample_has_its_expected_result() -> None:
    bodies = {path.name.removesuffix(".json") for path in _SAMPLES.glob("*.json")}
    assert {name for name in bodies if not name.endswith(".expected")} == set(_NAMES)
    assert len(_NAMES) > 40


@pytest.mark.parametrize("name", _NAMES)
def test_sample_is_read(name: str) -> None:
    expected = json.loads((_SAMPLES / f"{name}.expected.json").read_text())
    found = read_push_event((_SAMPLES / f"{name}.json").read_bytes())
    assert [asdict(pushed) for pushed in found] == expected


@pytest.mark.parametrize(
    "body",
    [b"", b"push!", b"\xff\xfe\xfa", b"[" * 200_000, b'"text"', b"7", b"null", b"[[[[[[[]]]]]]]", b'{"events": [}'],
    ids=["empty", "text", "binary", "deep", "string", "number", "null", "lists", "broken"],
)
def test_what_is_no_notification_is_refused(body: bytes) -> None:
    with pytest.raises(Refused, match="give --event the body"):
        read_push_event(body)


def test_large_body_is_refused() -> None:
    with pytest.raises(Refused, match="larger than 1048576 bytes"):
        read_push_event(b'{"events": []}' + b" " * 1024 * 1024)


def test_no_events_are_no_mistake() -> None:
    assert read_push_event(b'{"events": []}') == ()
    assert read_push_event(b"\xef\xbb\xbf[]") == ()


def test_unknown_body_is_refused_by_its_keys_alone() -> None:
    with pytest.raises(Refused, match="'object_kind', 'token'") as refusal:
        read_push_event(encode({"object_kind": "push", "token": "s3cret"}))
    assert "s3cret" not in str(refusal.value)
    assert "Input should" not in str(refusal.value)


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"events": "s3cret"}, "Distribution.*events"),
        ({"events": [{"action": ["s3cret"], "target": {}}]}, r"Distribution.*events\.0\.action"),
        ({"push_data": {"tag": 103}, "repository": {"repo_name": "s3cret"}}, r"DockerHub.*push_data\.tag"),
        ({"type": "PUSH_ARTIFACT", "event_data": "s3cret"}, "Harbor.*event_data"),
        ({"source": "s3cret", "detail": {}}, "Ecr.*source"),
        ({"domain": "s3cret", "event_type": "pushed", "data": {}}, "Artifactory.*domain"),
        ({"specversion": "1.0", "type": "com.amazon.ecr.image.push", "source": "s3cret", "data": {}}, "EcrCloudEvent"),
        ({"message": {"data": "%s3cret"}}, "base64"),
        ({"message": {"data": base64.b64encode(b"s3cret").decode()}}, "base64"),
        ({"specversion": "1.0", "type": "s3cret"}, "not from a registry that bumper knows"),
        ({"specversion": "1.0", "type": "x", "data": "s3cret"}, "not a JSON object"),
    ],
)  # fmt: skip
def test_known_form_with_a_mistake_says_where(body: object, where: str) -> None:
    with pytest.raises(Refused, match=where) as refusal:
        read_push_event(encode(body))
    assert "s3cret" not in str(refusal.value)
    assert "Input should" not in str(refusal.value)


@pytest.mark.parametrize(
    ("path", "tag", "digest"),
    [
        ("../../etc", "1", DIGEST),
        ("backend/App", "1", DIGEST),
        ("backend/app", "-rf", DIGEST),
        ("backend/app", "1\n2", DIGEST),
        ("backend/app", "1", "sha256:short"),
        ("", "1", DIGEST),
    ],
)
def test_what_cannot_be_an_image_is_refused(path: str, tag: str, digest: str) -> None:
    target = {"repository": path, "tag": tag, "digest": digest}
    event = {"action": "push", "target": target, "request": {"host": "registry.tbank.local"}}
    with pytest.raises(Refused, match="not an image reference"):
        read_push_event(encode(event))


LOANS = PushedImage(None, "backend/loans", "7.2.0", None, "docker-local")


def match(pushed: PushedImage, *pins: str, registry: str | None = "a.local") -> str | None:
    found = match_pushed(pushed, [Repository(*pin.split("/", 1)) for pin in pins], registry)
    return None if found is None else str(found)


def test_host_and_path_must_both_be_the_pins() -> None:
    pushed = PushedImage("registry.tbank.local", "backend/app", "1.0.3", DIGEST)
    assert match(pushed, "registry.tbank.local/backend/app") == f"registry.tbank.local/backend/app:1.0.3@{DIGEST}"
    assert match(pushed, "other.local/backend/app", "registry.tbank.local/x/backend/app") is None
    assert match(pushed) is None


@pytest.mark.parametrize(
    ("pins", "meant"),
    [
        (["a.local/backend/loans"], "a.local/backend/loans"),
        (["a.local/docker/backend/loans"], "a.local/docker/backend/loans"),
        (["a.local/docker-local/backend/loans", "a.local/dev/backend/loans"], "a.local/docker-local/backend/loans"),
        (["a.local/backend/loans", "b.local/docker-local/backend/loans"], "a.local/backend/loans"),
        (["a.local/x/docker-local/backend/loans", "a.local/backend/loans"], "a.local/x/docker-local/backend/loans"),
        (["a.local/backend/loans", "a.local/docker/backend/loans"], "a.local/backend/loans"),
        (["a.local/backend/loans", "a.local/backend/loans"], "a.local/backend/loans"),
    ],
)  # fmt: skip
def test_path_alone_means_the_pin_that_fits_best(pins: list[str], meant: str) -> None:
    assert match(LOANS, *pins) == f"{meant}:7.2.0"


@pytest.mark.parametrize("pin", ["a.local/old-backend/loans", "a.local/loans", "a.local/backend/loans/api"])
def test_path_is_compared_by_whole_segments(pin: str) -> None:
    assert match(LOANS, pin) is None


@pytest.mark.parametrize(
    ("registry", "pin", "is_it"),
    [
        ("docker-local.a.local", "docker-local.a.local/backend/loans", True),
        ("a.local", "docker-local.a.local/backend/loans", False),
        ("a.local/team", "a.local/team/backend/loans", True),
        ("a.local/team", "a.local/teams/backend/loans", False),
        ("A.local", "a.local/backend/loans", True),
    ],
)
def test_path_alone_is_of_the_registry_that_is_named(registry: str, pin: str, is_it: bool) -> None:  # noqa: FBT001
    assert match(LOANS, pin, registry=registry) == (f"{pin}:7.2.0" if is_it else None)


def test_path_alone_without_a_registry_is_refused() -> None:
    with pytest.raises(Refused, match=r"give --event-registry HOST, or name it as registry in bumper.yaml"):
        match(LOANS, "a.local/backend/loans", registry=None)


def test_path_that_fits_several_pins_is_refused() -> None:
    pins = ["a.local/docker-dev/backend/loans", "a.local/docker-prod/backend/loans"]
    with pytest.raises(Refused) as refusal:
        match(LOANS, *pins)
    assert all(pin in str(refusal.value) for pin in pins)
