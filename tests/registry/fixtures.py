"""Registries on this machine, for every test: fakes that behave as their makers' do, and Docker Distribution itself."""

from collections.abc import Callable, Iterator

import pytest

from tests.registry.distribution import Distribution
from tests.registry.fake_registry import Behaviour, FakeRegistry
from tests.support.programs import need
from tests.support.tls import Tls


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that fails is asked again at once."""
    monkeypatch.setattr("bumper.http.transport.sleep", lambda _: None)


@pytest.fixture
def serve(tls: Tls) -> Iterator[Callable[..., FakeRegistry]]:
    started: list[FakeRegistry] = []

    def start(behaviour: Behaviour, *, https: bool = False, name: str = "127.0.0.1") -> FakeRegistry:
        registry = FakeRegistry(behaviour, tls.server() if https else None, name)
        started.append(registry.__enter__())
        return registry

    yield start
    for registry in started:
        registry.__exit__(None, None, None)


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    return Tls(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="session")
def distribution(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Distribution]:
    need("docker-registry", "docker-registry")
    with Distribution(tmp_path_factory.mktemp("distribution")) as running:
        yield running
