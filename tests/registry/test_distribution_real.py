"""Docker Distribution itself."""

import pytest

from bumper.errors import Refused, Unavailable
from bumper.registry.events import read_push_event
from bumper.registry.pushed_image import PushedImage
from bumper.registry.resolve import RegistryAccess
from tests.registry.asking import login, reference, resolve
from tests.registry.distribution import PASSWORD, USER, Distribution


def access_to(distribution: Distribution) -> RegistryAccess:
    return RegistryAccess(login(distribution.host, USER, PASSWORD))


def test_pushed_image_is_resolved(distribution: Distribution) -> None:
    digest = distribution.push("backend/app", "1.0.3")
    assert resolve(reference(f"{distribution.host}/backend/app:1.0.3"), access_to(distribution)) == digest


def test_moved_tag_is_another_digest(distribution: Distribution) -> None:
    before = distribution.push("backend/moved", "1.0.0", '{"os": "linux"}')
    after = distribution.push("backend/moved", "1.0.0", '{"os": "other"}')
    name = f"{distribution.host}/backend/moved"
    assert resolve(reference(f"{name}@{before}"), access_to(distribution)) == before
    with pytest.raises(Refused, match=f"is {after} in the registry, not {before}"):
        resolve(reference(f"{name}:1.0.0@{before}"), access_to(distribution))


@pytest.mark.parametrize("rest", ["backend/app:9.9.9", "nothing/here:1.0.3", f"backend/app@sha256:{'0' * 64}"])
def test_missing_image_is_refused(rest: str, distribution: Distribution) -> None:
    distribution.push("backend/app", "1.0.3")
    with pytest.raises(Refused, match="the registry has no"):
        resolve(reference(f"{distribution.host}/{rest}"), access_to(distribution))


def test_wrong_password_is_unavailable(distribution: Distribution) -> None:
    access = RegistryAccess(login(distribution.host, USER, "wr0ng-guess"))
    with pytest.raises(Unavailable) as failure:
        resolve(reference(f"{distribution.host}/backend/app:1.0.3"), access)
    assert "401 Unauthorized" in str(failure.value)
    assert "wr0ng-guess" not in str(failure.value)


def test_gitlabs_variables_log_in(distribution: Distribution) -> None:
    digest = distribution.push("backend/app", "1.0.4")
    environ = {"CI_REGISTRY": distribution.host, "CI_REGISTRY_USER": USER, "CI_REGISTRY_PASSWORD": PASSWORD}
    assert resolve(reference(f"{distribution.host}/backend/app:1.0.4"), RegistryAccess(environ)) == digest


def test_its_push_notifications_name_the_image(distribution: Distribution) -> None:
    digest = distribution.push("backend/notified", "2.0.0")
    named: list[PushedImage] = []
    while not named:  # blobs, and other tests' pushes, are told of too
        event = read_push_event(distribution.notifications.get(timeout=30))
        named = [pushed for pushed in event if pushed.path == "backend/notified"]
    assert [(pushed.host, pushed.tag, pushed.digest) for pushed in named] == [(distribution.host, "2.0.0", digest)]
