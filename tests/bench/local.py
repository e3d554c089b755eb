"""The measurements without a server: start-up, set, pins, installing."""

import json
import random
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.bench.jobs import new_tag
from tests.bench.repositories import BUMPER, PYTHON, built_wheels
from tests.bench.rows import Row, amount, rate, shown
from tests.bench.timing import Figure, Ran, alternate, check, figure, run, seconds

_START_UP = 110  # ms
_IMAGE = "registry.example.com/team/app-{}"
_RUAMEL = """\
import sys
from ruamel.yaml import YAML
yaml = YAML()
with open(sys.argv[1], "rb") as source:
    values = yaml.load(source)
values["section_0"]["image"]["tag"] = sys.argv[2]
with open(sys.argv[1], "wb") as target:
    yaml.dump(values, target)
"""


def values_text(size: int, chance: random.Random) -> str:
    """A values file of about so many bytes: sections with an image, settings and comments."""
    sections: list[str] = []
    length = 0
    while length < size:
        number = len(sections)
        settings = "".join(f'    SETTING_{at}: "{chance.random()}"   # note {at}\n' for at in range(60))
        sections.append(
            f"# Section {number}\nsection_{number}:\n  replicas: {chance.randint(1, 9)}\n  image:\n"
            f"    repository: {_IMAGE.format(number)}\n    tag: 1.0.{number}  # bumped by CI\n"
            f"  ports: [8080, {chance.randint(1024, 65535)}]\n  env:\n{settings}\n"
        )
        length += len(sections[-1])
    return "".join(sections)


def _is_bumpers(path: Path, packages: Path) -> bool:
    """Whether bumper needs it: an environment has pip and setuptools of its own."""
    return path.relative_to(packages).parts[0].partition("-")[0] not in {"pip", "setuptools", "_distutils_hack"}


@dataclass(frozen=True)
class Local:
    """A folder of its own, and a corpus where one is given."""

    folder: Path
    corpus: Path | None
    environ: Mapping[str, str]
    runs: int

    def rows(self) -> list[Row]:
        """Every row."""
        return [self._start_up(), *self._set(), self._pins(), *self._install()]

    def _run(self, *command: str | Path, folder: Path | None = None) -> Ran:
        return run(command, self.environ, folder)

    def _start_up(self) -> Row:
        started, bare = alternate(
            3 * self.runs, lambda: self._run(BUMPER, "--version"), lambda: self._run(PYTHON, "-c", "pass")
        )
        beyond = [1000 * (one.seconds - other.seconds) for one, other in zip(started, bare, strict=True)]
        median = 1000 * (seconds(started).median - seconds(bare).median)
        measured = Figure(median, min(beyond), max(beyond)).text("ms", 0)
        return Row("start-up (bumper --version) beyond bare python", "at most 110 ms", measured, median <= _START_UP)

    def _set(self) -> list[Row]:
        ours, theirs = self.folder / "ours.yaml", self.folder / "theirs.yaml"
        for file in (ours, theirs):
            file.write_text(values_text(270_000, random.Random(7)))  # noqa: S311 - to be the same each time

        def edited(file: Path, *command: str | Path) -> Ran:
            tag = command[-1] if file == theirs else str(command[2]).rpartition(":")[2]
            before = file.stat().st_size
            ran = self._run(*command)
            after = file.read_text()
            check(f"tag: {tag} " in after and len(after) > 0.9 * before, f"{file} was not edited")
            return ran

        took, ruamel_took = alternate(
            max(self.runs // 2, 3),
            lambda: edited(ours, BUMPER, "set", f"{_IMAGE.format(0)}:{new_tag()}", ours),
            lambda: edited(theirs, PYTHON, "-c", _RUAMEL, theirs, new_tag()),
        )
        what = "a 270 kB values file edited"
        return [
            amount(f"{what}: bumper set, the whole process", 0.4, "s", seconds(took), 2),
            shown(f"{what}: ruamel.yaml's load and dump, the whole process", seconds(ruamel_took).text("s")),
        ]

    def _install(self) -> list[Row]:
        """What a job waits for that installs bumper: from files that are here, into a new environment."""
        wheels, target = built_wheels(), self.folder / "installed"

        def installed() -> Ran:
            shutil.rmtree(target, ignore_errors=True)
            self._run(sys.executable, "-m", "venv", target)
            pip: list[str | Path] = [
                target / "bin" / "pip",
                "--quiet",
                "--disable-pip-version-check",
                "install",
                "--no-index",
            ]
            return self._run(*pip, "--find-links", wheels, "gitops-bumper")

        (ran,) = alternate(3, installed)
        packages = next(target.glob("lib/python*/site-packages"))
        size = sum(
            path.stat().st_size for path in packages.rglob("*") if path.is_file() and _is_bumpers(path, packages)
        )
        return [
            shown("pip install of the wheel and its dependencies, from wheels that are there", seconds(ran).text("s")),
            shown("what it installs", f"{size / 1e6:.0f} MB"),
        ]

    def _pins(self) -> Row:
        corpus = self.corpus or self._generated()
        files = sorted(path for path in corpus.rglob("*.y*ml") if path.is_file())
        size = sum(path.stat().st_size for path in files) / 1e6
        names = [str(path.relative_to(corpus)) for path in files]

        def listed() -> Ran:
            ran = self._run(BUMPER, "pins", *names, "--output", "json", folder=corpus)
            check(json.loads(ran.out)["pins"], "no pin was found")
            return ran

        (ran,) = alternate(self.runs, listed)
        what = f"pins over {len(files):,} files ({'CORPUS' if self.corpus else 'generated'}), {size:.1f} MB"
        return rate(what, 4, "MB/s", figure([size / one.seconds for one in ran]))

    def _generated(self) -> Path:
        folder, chance = self.folder / "corpus", random.Random(7)  # noqa: S311 - to be the same each time
        folder.mkdir()
        for number in range(1500):
            size = chance.choice([1_000, 3_000, 6_000, 30_000])
            (folder / f"values-{number}.yaml").write_text(values_text(size, chance))
        return folder
