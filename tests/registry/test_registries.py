"""One algorithm, every registry: the rows of fake_registry.BEHAVIOURS."""

from collections.abc import Callable

import pytest

from bumper.errors import Refused, Unavailable
from bumper.registry.resolve import RegistryAccess, resolve_all
from tests.registry.asking import docker_auth, image, login, resolve
from tests.registry.fake_registry import (
    BEHAVIOURS,
    DIGEST,
    IDENTITY_TOKEN,
    PASSWORD,
    TOKEN,
    Behaviour,
    FakeRegistry,
    basic,
)

Serve = Callable[..., FakeRegistry]
every_registry = pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda row: row.name)
OTHER = f"sha256:{'0' * 64}"


def access_to(registry: FakeRegistry, password: str = PASSWORD) -> RegistryAccess:
    return RegistryAccess(login(registry.host, registry.behaviour.user, password))


@every_registry
def test_tag_is_resolved(behaviour: Behaviour, serve: Serve) -> None:
    registry = serve(behaviour)
    assert resolve(image(registry), access_to(registry)) == DIGEST


@every_registry
def test_password_goes_only_to_the_one_who_must_have_it(behaviour: Behaviour, serve: Serve) -> None:
    registry = serve(behaviour)
    resolve(image(registry), access_to(registry))
    password = basic(behaviour.user, PASSWORD)
    got_it = {seen.path.partition("?")[0] for seen in registry.seen if seen.authorization == password}
    asked = f"/v2/{behaviour.repository}/manifests/1.0.0"
    assert got_it == ({behaviour.realm.partition("?")[0]} if behaviour.scheme == "Bearer" else {asked})


@every_registry
def test_missing_image_is_refused(behaviour: Behaviour, serve: Serve) -> None:
    registry = serve(behaviour)
    with pytest.raises(Refused) as refusal:
        resolve(image(registry, ":9.9.9"), access_to(registry))
    assert f"{registry.host}/{behaviour.repository}:9.9.9" in str(refusal.value)


@every_registry
def test_wrong_password_is_told_without_showing_it(behaviour: Behaviour, serve: Serve) -> None:
    registry = serve(behaviour)
    with pytest.raises(Unavailable) as failure:
        resolve(image(registry), access_to(registry, "wr0ng-guess"))
    told = str(failure.value)
    assert "DOCKER_AUTH_CONFIG" in told
    assert "--no-verify" in told
    assert "wr0ng-guess" not in told
    assert basic(behaviour.user, "wr0ng-guess").removeprefix("Basic ") not in told


@every_registry
def test_image_by_digest_alone_is_looked_for(behaviour: Behaviour, serve: Serve) -> None:
    registry = serve(behaviour)
    assert resolve(image(registry, f"@{DIGEST}"), access_to(registry)) == DIGEST
    with pytest.raises(Refused, match=OTHER):
        resolve(image(registry, f"@{OTHER}"), access_to(registry))


def test_tag_must_mean_the_digest_beside_it(serve: Serve) -> None:
    registry = serve(BEHAVIOURS[0])
    assert resolve(image(registry, f":1.0.0@{DIGEST}"), access_to(registry)) == DIGEST
    with pytest.raises(Refused) as refusal:
        resolve(image(registry, f":1.0.0@{OTHER}"), access_to(registry))
    assert DIGEST in str(refusal.value)
    assert OTHER in str(refusal.value)


def test_public_image_needs_no_login(serve: Serve) -> None:
    registry = serve(Behaviour("public", anonymous_token=True))
    assert resolve(image(registry), RegistryAccess({})) == DIGEST


def test_private_image_without_a_login_is_unavailable(serve: Serve) -> None:
    registry = serve(BEHAVIOURS[0])
    with pytest.raises(Unavailable, match="a request without a login"):
        resolve(image(registry), RegistryAccess({}))


def test_identity_token_is_exchanged(serve: Serve) -> None:
    registry = serve(Behaviour("Azure", realm="/oauth2/token", service="bank.azurecr.io", token_key="access_token"))
    environ = docker_auth({"auths": {registry.host: {"identitytoken": IDENTITY_TOKEN}}})
    assert resolve(image(registry), RegistryAccess(environ)) == DIGEST
    assert [seen.method for seen in registry.seen if seen.path == "/oauth2/token"] == ["POST"]
    assert not any(IDENTITY_TOKEN in seen.path for seen in registry.seen)


def test_each_image_is_asked_for_once_and_told_in_order(serve: Serve) -> None:
    registry = serve(Behaviour("open", scheme=""))
    closed = serve(BEHAVIOURS[0])
    wanted = [image(registry, ":2"), image(closed), image(registry), image(registry, ":2")]
    found = resolve_all(wanted, RegistryAccess({}))
    assert list(found) == wanted[:3]
    assert [type(one).__name__ for one in found.values()] == ["Refused", "Unavailable", "str"]
    assert [seen.method for seen in registry.seen if seen.path.endswith("/1.0.0")] == ["HEAD"]


def test_secrets_are_in_no_repr(serve: Serve) -> None:
    registry = serve(BEHAVIOURS[0])
    assert PASSWORD not in repr(access_to(registry))
    assert "DOCKER_AUTH_CONFIG" not in repr(access_to(registry))
    assert TOKEN not in repr(access_to(registry))
