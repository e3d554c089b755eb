"""How much of a large repository's past is fetched."""

import subprocess
from pathlib import Path

import pytest

from tests.support.deployments import PROD, Deployments, DeploymentsMaker
from tests.support.gitops import values

APPS, COMMITS = 200, 2000
BUSY, QUIET = PROD.format("app0"), PROD.format("app1")


def fast_import(repository: Path, stream: str) -> None:
    subprocess.run(["git", "-C", str(repository), "fast-import", "--quiet"], input=stream.encode(), check=True)


def commit(number: int, files: dict[str, str]) -> str:
    written = "".join(f"M 100644 inline {path}\ndata {len(text)}\n{text}\n" for path, text in files.items())
    start = "from refs/heads/main^0\n" if number in {0, COMMITS} else ""
    head = f"commit refs/heads/main\ncommitter Dora <d@example.org> {1780000000 + number} +0000\ndata 2\nX\n"
    return f"{head}{start}{written}"


@pytest.fixture
def large(make_deployments: DeploymentsMaker) -> Deployments:
    """2,000 commits, all but three of them to other applications than the quiet one."""
    made = make_deployments({path: values("0") for path in map(PROD.format, (f"app{one}" for one in range(APPS)))})
    stream = []
    for number in range(COMMITS):
        deployed = {QUIET: values(f"1.0.{number}")} if number in {1, 1000, 1001} else {}
        busy = PROD.format(f"app{number % (APPS - 2) + 2}") if number % 2 else BUSY
        stream.append(commit(number, deployed or {busy: values(f"1.0.{number}")}))
    fast_import(made.gitops.sandbox.repository_path(made.gitops.project), "".join(stream))
    return made


def received(large: Deployments, folder: Path, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> tuple[int, int]:
    """Bytes that a command fetched, and those of the whole repository."""
    packs = folder / "received.pack"
    with monkeypatch.context() as patched:
        patched.setenv("GIT_TRACE_PACKFILE", str(packs))
        large.run(*arguments)
    repository = large.gitops.sandbox.repository_path(large.gitops.project)
    command = ["git", "-C", str(repository), "pack-objects", "--all", "--stdout", "-q"]
    whole = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=True).stdout
    return packs.stat().st_size, len(whole)


@pytest.mark.parametrize(
    "arguments",
    [
        ("history", "prod", "--app", "app1"),
        ("rollback", "prod", "--app", "app1", "--steps", "2", "--dry-run"),
        ("rollback", "prod", "--all-apps", "--dry-run"),
    ],
)
def test_little_of_it_is_fetched(
    large: Deployments, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    fetched, whole = received(large, tmp_path, monkeypatch, *arguments)

    assert 0 < fetched < whole / 10


def test_one_application_is_followed_to_its_beginning(large: Deployments) -> None:
    assert large.history("prod", "--app", "app1")[-1] == ("app1", "0", "1.0.1")


def test_nobody_waits_for_a_past_without_end(large: Deployments) -> None:
    """GitLab is asked for ten pages of its list of commits, of which the first, a short one, is asked for again."""
    before = len(large.gitops.sandbox.requests)

    found = large.run("history", "prod", "--app", "app0", "--since", "1970-01-01")

    asked = [path for _, path in large.gitops.sandbox.requests[before:] if "/repository/commits?" in path]
    assert (len(found["deployments"]), found["complete"]) == (900, False)
    assert len(asked) <= 10
