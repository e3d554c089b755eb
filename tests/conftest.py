import gc
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from bumper.sandbox import Sandbox
from tests.support.command_line import CommandLine
from tests.support.deployments import Deployments, DeploymentsMaker
from tests.support.gitops import AT_ONCE, SET_UP, Gitops, GitopsMaker
from tests.support.verified import Serve, VerifiedMaker

# A busy machine is no failure; the stress run looks at many more examples.
settings.register_profile("suite", max_examples=40, deadline=None)
settings.load_profile("suite")

# What a shell starts in the background ignores ^C, and so would every bumper that a test interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)
# So does SIGHUP below nohup: with a handler that does nothing the tests go on, and the bumpers that they start hear it.
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, lambda _number, _frame: None)

pytest_plugins = ["tests.registry.fixtures", "tests.support.forking", "tests.support.helm"]
_FOREIGN = (
    "ARGOCD_", "BUMPER_", "CI", "COLUMNS", "DOCKER_", "GITLAB_", "GIT_", "REQUESTS_CA_BUNDLE", "SSH_", "SSL_CERT_",
    "XDG_",
)  # fmt: skip
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def _own_environment(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the machine's settings reaches a test; what a test leaves behind is not on the machine."""
    for name in list(os.environ):
        if name.startswith(_FOREIGN) or name.lower() in _PROXIES:
            monkeypatch.delenv(name)
    home = tmp_path_factory.mktemp("home")
    (home / "tmp").mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("TMPDIR", str(home / "tmp"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setattr(tempfile, "tempdir", None)


@pytest.fixture
def temporary_folder() -> Path:
    """Where every temporary file of the test is made."""
    return Path(os.environ["TMPDIR"])


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with Sandbox(tmp_path / "sandbox", settings=AT_ONCE | SET_UP) as server:
        yield server


@pytest.fixture
def gitops(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gitops:
    """The sample repository, named to bumper by the environment."""
    monkeypatch.setenv("BUMPER_REPO", sandbox.repo_url)
    monkeypatch.setenv("BUMPER_TOKEN", sandbox.token)
    return Gitops(sandbox, tmp_path)


@pytest.fixture
def make_gitops(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GitopsMaker:
    return GitopsMaker(sandbox, tmp_path, monkeypatch)


@pytest.fixture
def bumper(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """The command line, run in this process."""
    return CommandLine(capsys, monkeypatch)


@pytest.fixture
def deployments(gitops: Gitops, bumper: CommandLine) -> Deployments:
    """Deployments of the sample repository."""
    return Deployments(gitops, bumper)


@pytest.fixture
def make_deployments(make_gitops: GitopsMaker, bumper: CommandLine) -> DeploymentsMaker:
    return DeploymentsMaker(make_gitops, bumper)


@pytest.fixture
def make_verified(make_gitops: GitopsMaker, bumper: CommandLine, serve: Serve) -> VerifiedMaker:
    return VerifiedMaker(make_gitops, bumper, serve)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest tests first, so that no worker is left with one of them when the others are done."""
    longest = ("test_demo", "test_rivals", "test_state_machine", "test_layout_machine", "test_faults", "test_loop")
    items.sort(key=lambda item: not item.nodeid.partition(".py")[0].endswith(longest))


def pytest_collection_finish() -> None:
    """All that was imported stays: to look through it for garbage again and again would be a tenth of Python's time."""
    gc.freeze()
