"""The repositories, made by the generator once, and bumper itself: kept below ``build``, as they take minutes."""

import hashlib
import re
import shutil
import subprocess
import sys
import tarfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from tests.bench.timing import check

_KEPT = Path("build/bench")
PYTHON = _KEPT.absolute() / "installed/bin/python"
BUMPER = PYTHON.with_name("bumper")
_DIRECT = b"""\
environments:
  staging:
    values: apps/{app}/envs/staging/values.yaml
    delivery: commit
"""
_VALUES = re.compile(r"apps/(?P<app>[^/]+)/envs/(?P<environment>staging|prod)/values\.yaml")


def generated(bench: Path, apps: int, commits: int) -> Path:
    """The generator's bare repository with so many applications and commits."""
    generator = bench / "make_gitops_repo.py"
    version = hashlib.sha256(generator.read_bytes()).hexdigest()[:8]

    def make(folder: Path) -> None:
        sys.stderr.write(f"making a repository with {apps} applications and {commits} commits ...\n")
        subprocess.run([sys.executable, generator, str(apps), str(commits), folder], check=True)

    return _housekept(_kept(f"{apps}-{commits}-{version}.git", make))


def with_promotable(source: Path, count: int) -> Path:
    """The same with one commit more: production runs what staging runs, but for this many applications."""

    def make(folder: Path) -> None:
        shutil.copytree(source, folder)
        _commit(folder, _aligned(folder, count))

    return _housekept(_kept(f"{source.stem}-promote-{count}.git", make))


def with_direct_delivery(source: Path) -> Path:
    """The same with one commit more: a bumper.yaml by which staging takes commits straight to the branch."""

    def make(folder: Path) -> None:
        shutil.copytree(source, folder)
        _commit(folder, [("bumper.yaml", _DIRECT)])

    return _housekept(_kept(f"{source.stem}-direct.git", make))


def _kept(name: str, make: Callable[[Path], None]) -> Path:
    """The folder of this name, made if it is not there; never half made."""
    folder = (_KEPT / name).absolute()
    if not folder.exists():
        draft = folder.with_suffix(".new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.parent.mkdir(parents=True, exist_ok=True)
        make(draft)
        draft.rename(folder)
    return folder


def _housekept(folder: Path) -> Path:
    """The repository with the index of changed paths that Gitaly's housekeeping writes, by the same options.

    (housekeeping/commit_graph.go; GitLab starts it after every so many pushes.)
    """
    if not (folder / "objects/info/commit-graphs").exists():
        options = ["--reachable", "--changed-paths", "--size-multiple=4", "--split=replace"]
        subprocess.run(["git", "-C", folder, "commit-graph", "write", *options], check=True)
    return folder


def _commit(folder: Path, files: Iterable[tuple[str, bytes]]) -> None:
    """Add a commit, file by file, as a large repository's values are not held in memory."""
    writing = subprocess.Popen(["git", "-C", folder, "fast-import", "--quiet"], stdin=subprocess.PIPE)
    assert writing.stdin is not None
    head = (
        "commit refs/heads/main\ncommitter a <a@localhost> 1700000000 +0000\ndata 6\nchange\nfrom refs/heads/main^0\n"
    )
    writing.stdin.write(head.encode())
    for path, content in files:
        writing.stdin.write(f"M 100644 inline {path}\ndata {len(content)}\n".encode() + content + b"\n")
    writing.stdin.close()
    check(writing.wait() == 0, "git fast-import failed")


def _aligned(folder: Path, count: int) -> Iterator[tuple[str, bytes]]:
    """Each values file of staging and production with its new tag."""
    newer: set[str] = set()
    reading = subprocess.Popen(["git", "-C", folder, "archive", "refs/heads/main"], stdout=subprocess.PIPE)
    assert reading.stdout is not None
    with tarfile.open(fileobj=reading.stdout, mode="r|") as archive:
        for member in archive:
            found, file = _VALUES.fullmatch(member.name), archive.extractfile(member)
            if not found or not file:
                continue
            if len(newer) < count:
                newer.add(found["app"])
            newest = found["app"] in newer and found["environment"] == "staging"
            yield member.name, re.sub(rb"tag: \S+", b"tag: 2.1.0" if newest else b"tag: 2.0.0", file.read())
    check(reading.wait() == 0, "git archive failed")


def deployed_in_the_middle(repository: Path) -> tuple[str, str]:
    """An application and an environment with a single deployment, nearest to the middle of the history."""
    done = subprocess.run(
        ["git", "-C", repository, "log", "--format=%s", "refs/heads/main"], stdout=-1, text=True, check=True
    )
    subjects = [tuple(line.split()[1:3]) for line in done.stdout.splitlines() if line.startswith("bump ")]
    times = Counter(subjects)
    middle = len(subjects) // 2
    near = sorted(range(len(subjects)), key=lambda place: abs(place - middle))
    app, environment = next(subjects[place] for place in near if times[subjects[place]] == 1)
    return app, environment


def install() -> None:
    """Bumper as a job has it: its wheel in an environment of its own.

    From a developer's environment, with an editable installation and 50 packages more, it imports 15 % more slowly.
    """
    wheels, target = built_wheels(), PYTHON.parents[1]
    subprocess.run([sys.executable, "-m", "venv", "--clear", target], check=True)
    # Isolated, because pip takes the .egg-info in this folder for an installed bumper.
    pip: list[str | Path] = [PYTHON, "-I", "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--no-index", "--find-links", wheels, "gitops-bumper"], check=True)


def built_wheels() -> Path:
    """A folder with bumper's wheel as it is now, and those of its dependencies as they are pinned for jobs."""

    def make(folder: Path) -> None:
        options = ["--quiet", "--only-binary", ":all:", "--requirement", "requirements.txt"]
        subprocess.run([sys.executable, "-m", "pip", "download", *options, "--dest", folder], check=True)

    pinned = hashlib.sha256(Path("requirements.txt").read_bytes()).hexdigest()[:8]
    folder = _kept(f"wheels-{pinned}", make)
    for old in folder.glob("gitops_bumper-*"):
        old.unlink()
    # By way of the sdist: from this folder, setuptools would add modules that an earlier build left in build/lib.
    subprocess.run(
        [sys.executable, "-m", "build", "--outdir", folder],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return folder
