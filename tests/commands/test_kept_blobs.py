"""What many values files held is kept between runs: of a large environment only what is new is fetched."""

from pathlib import Path

import pytest

from tests.support.command_line import CommandLine, finish, start
from tests.support.gitops import APP, Gitops, GitopsMaker, values

MANY = 210
FILE = "apps/{}/envs/staging/values.yaml"


@pytest.fixture
def large(make_gitops: GitopsMaker) -> Gitops:
    """Enough files for the cache, and more than is read whole."""
    words = "words: " + "some of them " * 120
    files = {FILE.format(f"a{number}"): values("1.0.0", f"{APP}-{number}") + words + "\n" for number in range(MANY)}
    return make_gitops(files)


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where bumper keeps it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "bumper" / "blobs"


def bump(gitops: Gitops, bumper: CommandLine, tag: str) -> int:
    """Show the bump of one of the applications; how often the server was asked for objects."""
    before = len(gitops.sandbox.requests)
    done = bumper.bump("staging", f"{APP}-7:{tag}", "--dry-run")
    assert [change["app"] for change in done["changes"]] == ["a7"]
    assert f"+  tag: {tag}\n" in done["diff"]
    return sum(path.endswith("/git-upload-pack") for _, path in gitops.sandbox.requests[before:])


def test_a_second_run_fetches_no_file_again(large: Gitops, bumper: CommandLine, kept: Path) -> None:
    first = bump(large, bumper, "1.0.1")

    assert bump(large, bumper, "1.0.2") == first - 1
    assert kept.stat().st_mode & 0o777 == 0o600
    assert kept.parent.stat().st_mode & 0o777 == 0o700


def test_the_proposal_of_what_was_kept_is_as_any_other(large: Gitops, bumper: CommandLine, kept: Path) -> None:
    bump(large, bumper, "1.0.1")

    done = bumper.bump("staging", f"{APP}-7:1.0.2")

    assert kept.exists()
    assert large.git("diff", "--name-only", "main", done["branch"]).split() == [FILE.format("a7")]
    assert large.read(FILE.format("a7"), done["branch"]) == large.read(FILE.format("a7")).replace("1.0.0", "1.0.2")


@pytest.mark.usefixtures("kept")
def test_what_changed_meanwhile_is_seen(large: Gitops, bumper: CommandLine) -> None:
    bump(large, bumper, "1.0.1")
    large.push(values("2.0.0", f"{APP}-8"), FILE.format("a7"))

    done = bumper.bump("staging", f"{APP}-8:2.0.1")
    assert [change["app"] for change in done["changes"]] == ["a7", "a8"]


def test_what_was_damaged_is_fetched_again(large: Gitops, bumper: CommandLine, kept: Path) -> None:
    first = bump(large, bumper, "1.0.1")
    kept.write_bytes(kept.read_bytes().replace(b"some of them", b"some of THEM"))

    assert bump(large, bumper, "1.0.2") == first
    assert bump(large, bumper, "1.0.3") == first - 1


def test_in_ci_only_the_folder_that_is_named_is_used(
    large: Gitops, bumper: CommandLine, kept: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CI", "true")
    first = bump(large, bumper, "1.0.1")
    assert not kept.exists()

    monkeypatch.setenv("BUMPER_CACHE", str(tmp_path / "named"))
    bump(large, bumper, "1.0.2")
    (tmp_path / "named").chmod(0o777)
    (tmp_path / "named" / "blobs").chmod(0o666)  # as a CI cache may be restored

    assert bump(large, bumper, "1.0.3") == first - 1
    assert not kept.exists()


def test_a_folder_that_cannot_be_written_does_no_harm(
    large: Gitops, bumper: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null")
    first = bump(large, bumper, "1.0.1")

    assert bump(large, bumper, "1.0.2") == first


def test_without_a_home_nothing_is_kept(large: Gitops, bumper: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.delenv("HOME")

    bump(large, bumper, "1.0.1")

    assert not Path("relative").exists()


def test_many_at_once_share_it(large: Gitops, kept: Path) -> None:
    running = [start("bump", "staging", f"{APP}-{number}:1.0.1", "--no-verify") for number in range(4)]
    ended = [finish(process) for process in running]

    assert [(ran.code, ran.said) for ran in ended] == [(0, "")] * 4
    assert kept.exists()
    assert len(large.merge_requests()) == 4
