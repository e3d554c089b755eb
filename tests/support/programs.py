"""Programs that tests need and that are not in every machine's path: never passed over in CI."""

import os
import shutil

import pytest

_IN_CI = os.environ.get("CI") == "true"  # read at once: no test sees the machine's variables


def need(program: str, package: str) -> None:
    """Fail in CI, and skip elsewhere, where ``program`` (a name or a path) of Debian's ``package`` is not installed."""
    if shutil.which(program) is not None:
        return
    told = f"{program} is not installed: apt-get install {package}"
    if _IN_CI:
        pytest.fail(told)
    pytest.skip(told)
