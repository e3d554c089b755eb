"""What is published: the distribution holds the whole project, the wheel a README that works where it is shown."""

import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from email import message_from_bytes
from pathlib import Path

import pytest

from bumper import __version__
from tests.ci.components import ROOT

GRAFTED = ("bumper", "docs", "examples", "fixtures", "templates", "tests")
HOMEPAGE = "https://gitlab.example.com/platform/bumper"


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a distribution, and of the wheel that was built from it."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def project_files() -> Iterator[str]:
    yield from (path.name for path in ROOT.iterdir() if path.is_file() and path.name not in {".git", ".gitignore"})
    for folder in GRAFTED:
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                yield str(path.relative_to(ROOT))


def test_the_distribution_holds_the_whole_project(dist: Path) -> None:
    [file] = dist.glob("*.tar.gz")
    with tarfile.open(file) as opened:
        held = {name.partition("/")[2] for name in opened.getnames()}

    assert file.name == f"gitops_bumper-{__version__}.tar.gz"
    assert sorted(set(project_files()) - held) == []


def test_the_wheel_introduces_the_project_where_it_is_published(dist: Path) -> None:
    [file] = dist.glob("*.whl")
    with zipfile.ZipFile(file) as opened:
        metadata = message_from_bytes(opened.read(f"gitops_bumper-{__version__}.dist-info/METADATA"))
    readme = str(metadata.get_payload())
    links = re.findall(r"\]\(([^)\s]+)", readme)

    assert {f"{HOMEPAGE}/-/blob/HEAD/docs/tutorial.md", f"{HOMEPAGE}/-/blob/HEAD/README.ru.md"} <= set(links)
    assert [link for link in links if "://" not in link and not link.startswith("#")] == []
    assert "Programming Language :: Python :: 3.14" in metadata.get_all("Classifier", [])
    assert f"Homepage, {HOMEPAGE}" in metadata.get_all("Project-URL", [])
    assert metadata["Author"]
