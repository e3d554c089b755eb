from pathlib import Path

import pytest

from tests.ci.job import Runner
from tests.support.gitops import Gitops


@pytest.fixture
def runner(gitops: Gitops, tmp_path: Path, quick_bumper: Path) -> Runner:
    """Of a project whose CI/CD variables name the sample repository."""
    folder = tmp_path / "job"
    folder.mkdir()
    return Runner(folder, quick_bumper, {"BUMPER_REPO": gitops.url, "BUMPER_TOKEN": gitops.sandbox.token})
