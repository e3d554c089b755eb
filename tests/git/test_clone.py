"""The clone: of the right repository, and without a trace."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command_line import CommandLine, Ran, finish, start
from tests.support.gitops import APP, STAGING_FILE, Gitops, GitopsMaker, values

BUMP = ("bump", "staging", f"{APP}:1.0.1", "--no-verify")


@pytest.fixture
def small(make_gitops: GitopsMaker) -> Gitops:
    return make_gitops({STAGING_FILE: values("1.0.0")})


def test_an_option_stands_before_the_environment(
    small: Gitops, make_gitops: GitopsMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = small.sandbox.create_token("everywhere", kind="personal")
    other = make_gitops({STAGING_FILE: values("2.0.0")}, project="team/other")
    monkeypatch.setenv("BUMPER_TOKEN", token)

    for repo in (("--repo", small.url), (f"--repo={small.url}",)):
        ran = finish(start(*BUMP, "--dry-run", *repo))
        assert ran.code == 0, ran
        assert "-  tag: 1.0.0" in ran.out

    assert not any(other.project in path for _, path in small.sandbox.requests)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("bump",), 2, "ENVIRONMENT"),
        (("bump", "staging", "no:image:at all"), 2, "error: "),
        (("promote", "staging", "staging"), 2, "cannot be promoted to itself"),
        (("bump", "nowhere", f"{APP}:1"), 1, "no environment 'nowhere'"),
        (("bump", "--unknown"), 2, "--unknown"),
    ],
)
@pytest.mark.usefixtures("small")
def test_a_mistake_leaves_nothing_behind(
    arguments: tuple[str, ...], code: int, said: str, temporary_folder: Path
) -> None:
    ran = finish(start(*arguments))

    assert ran.code == code
    assert said in ran.said
    assert list(temporary_folder.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "value", "code", "said"),
    [
        ("BUMPER_REPO", "", 2, "no GitOps repository is named"),
        ("BUMPER_REPO", "nonsense", 2, "error: "),
        ("BUMPER_TOKEN", "two words", 2, "BUMPER_TOKEN contains characters"),
        ("BUMPER_BRANCH", "../up", 2, "is not a branch name"),
        ("SSL_CERT_FILE", "/nowhere", 2, "which does not exist"),
        ("TMPDIR", "/nowhere", 0, ""),
        ("PATH", "/nowhere", 4, "git was not found"),
    ],
)
@pytest.mark.usefixtures("small")
def test_what_is_wrong_with_the_environment_is_told_once(name: str, value: str, code: int, said: str) -> None:
    ran = finish(start(*BUMP, "--dry-run", environ={name: value}))

    assert ran.code == code, ran
    assert said in ran.said
    assert ran.said.count("error:") == bool(code)


def test_init_without_git_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".git").mkdir()

    ran = finish(start("init", environ={"PATH": "/nowhere"}))

    assert (ran.code, ran.said) == (4, "error: git was not found; install git 2.31 or newer.\n")


# What people set for their own clones.
CONFIGURATION = """
[clone]
    defaultRemoteName = upstream
[color]
    ui = always
[core]
    abbrev = 4
[diff]
    renames = false
[fetch]
    prune = true
[log]
    showSignature = true
[push]
    default = nothing
    followTags = true
[remote]
    pushDefault = elsewhere
"""


def test_a_persons_configuration_changes_nothing(small: Gitops, bumper: CommandLine) -> None:
    (Path(os.environ["HOME"]) / ".gitconfig").write_text(CONFIGURATION)

    iid = bumper.bump("staging", f"{APP}:1.0.1")["merge_request"]["iid"]
    small.merge(iid)

    [deployment] = bumper("history", "staging", "--output", "json", code=0).json["deployments"]
    assert deployment["merge_request"] == iid


def run_after(script: str) -> Ran:
    """Bump in a process that runs ``script`` first."""
    code = f"{script}; import sys; from bumper.__main__ import process; sys.argv[1:] = {BUMP!r}; process()"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    return Ran(ran.returncode, ran.stdout, ran.stderr)


def test_without_a_home_and_under_no_name(small: Gitops) -> None:
    """As OpenShift runs containers: HOME is not set, and no file knows the user's id."""
    ran = run_after("import os, pwd; pwd.getpwuid = {}.__getitem__; os.environ.pop('HOME')")

    assert (ran.code, len(small.merge_requests())) == (0, 1), ran


@pytest.mark.usefixtures("small")
def test_without_a_thread_to_be_had() -> None:
    failing = '(_ for _ in ()).throw(RuntimeError("can\'t start new thread"))'
    ran = run_after(f"import threading; threading.Thread.start = lambda self: {failing}")

    assert ran.code in {0, 4}, ran
    assert "Traceback" not in ran.err
