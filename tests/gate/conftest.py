from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.checkouts import CONFIG, PROD, STAGING, LocalCheckout, Made, pinned
from tests.support.command_line import CommandLine


@pytest.fixture
def make_checkout(bumper: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Made:
    """Makes a checkout with staging at 1.1.0, after 1.0.0, and prod at 1.0.0."""

    def make(files: Mapping[str, str] | None = None) -> LocalCheckout:
        folder = tmp_path / "gitops"
        folder.mkdir()
        checkout = LocalCheckout(folder, bumper)
        checkout.git("init", "--quiet", "--initial-branch", "main")
        start = {"bumper.yaml": CONFIG, STAGING: pinned("1.0.0"), PROD: pinned("1.0.0", more="replicas: 2\n")}
        checkout.commit(files if files is not None else start, "Begin")
        if files is None:
            checkout.commit({STAGING: pinned("1.1.0")}, "Bump staging")
        checkout.git("checkout", "--quiet", "-B", "change")
        monkeypatch.chdir(folder)
        return checkout

    return make


@pytest.fixture
def checkout(make_checkout: Made) -> LocalCheckout:
    return make_checkout()
