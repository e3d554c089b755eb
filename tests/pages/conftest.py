import os
from collections.abc import Iterator

import pytest

from .browser import CHROMIUM, DRIVER, Browser, started


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One browser for all tests of a module."""
    missing = [str(program) for program in (CHROMIUM, DRIVER) if not program.exists()]
    if missing:
        told = f"{' and '.join(missing)} are not installed: apt-get install chromium chromium-driver"
        if os.environ.get("CI") == "true":
            pytest.fail(told)
        pytest.skip(told)
    with started(tmp_path_factory.mktemp("profile")) as one:
        yield one
