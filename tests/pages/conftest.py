from collections.abc import Iterator

import pytest

from tests.pages.browser import CHROMIUM, DRIVER, Browser, started
from tests.support.programs import need


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One browser for all tests of a module."""
    need(str(CHROMIUM), "chromium")
    need(str(DRIVER), "chromium-driver")
    with started(tmp_path_factory.mktemp("profile")) as one:
        yield one
