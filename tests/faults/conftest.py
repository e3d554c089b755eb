from collections.abc import Iterator
from pathlib import Path

import pytest

from bumper.git import command as git_command
from bumper.sandbox import Sandbox
from tests.faults.proxy import Proxy
from tests.faults.trial import Trials


@pytest.fixture
def proxy(sandbox: Sandbox) -> Iterator[Proxy]:
    with Proxy(sandbox.url) as between:
        yield between


@pytest.fixture
def trials(sandbox: Sandbox, proxy: Proxy, monkeypatch: pytest.MonkeyPatch, temporary_folder: Path) -> Trials:
    """Runs through the proxy. As many tries as ever, with shorter pauses between them."""
    monkeypatch.setattr(git_command, "_PAUSES", tuple(pause / 20 for pause in git_command._PAUSES))
    return Trials(sandbox, proxy, temporary_folder)
