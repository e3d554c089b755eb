from collections.abc import Iterator
from pathlib import Path

import pytest

from bumper.sandbox import Sandbox
from tests.faults.proxy import Proxy
from tests.faults.trial import Trials


@pytest.fixture
def proxy(sandbox: Sandbox) -> Iterator[Proxy]:
    with Proxy(sandbox.url) as between:
        yield between


@pytest.fixture
def trials(sandbox: Sandbox, proxy: Proxy, temporary_folder: Path) -> Trials:
    """Runs through the proxy."""
    return Trials(sandbox, proxy, temporary_folder)
