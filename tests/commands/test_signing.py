"""Commits are signed where git is told to sign."""

import subprocess
from pathlib import Path

import pytest

from tests.support.command_line import CommandLine
from tests.support.gitops import APP, STAGING_FILE, Gitops, GitopsMaker, values
from tests.support.programs import need
from tests.support.sshd import make_key


@pytest.fixture
def gitops(make_gitops: GitopsMaker) -> Gitops:
    return make_gitops({STAGING_FILE: values("1.0.0")})


def _configure(**settings: str) -> None:
    for name, value in settings.items():
        subprocess.run(["git", "config", "--global", name.replace("_", "."), value], check=True)


def _signature(gitops: Gitops, commit: str) -> str:
    """What git says of it with the machine's configuration: G good, U good by an unknown, N none."""
    repository = str(gitops.sandbox.repository_path(gitops.project))
    command = ["git", "-C", repository, "log", "-1", "--format=%G?", commit]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_with_an_ssh_key(gitops: Gitops, bumper: CommandLine, tmp_path: Path) -> None:
    need("ssh-keygen", "openssh-client")
    key = make_key(tmp_path / "signing")
    allowed = tmp_path / "allowed"
    allowed.write_text(f"bumper@localhost {(tmp_path / 'signing.pub').read_text()}")
    _configure(gpg_format="ssh", user_signingkey=str(key), commit_gpgsign="true")
    _configure(gpg_ssh_allowedSignersFile=str(allowed))

    done = bumper.bump("staging", f"{APP}:1.0.1")

    assert _signature(gitops, done["commit"]) == "G"
    assert gitops.read(STAGING_FILE, done["branch"]) == values("1.0.1")
    message = gitops.git("log", "-1", "--format=%B", done["commit"])
    assert "Bumper-Environment: staging" in message
    again = bumper.bump("staging", f"{APP}:1.0.1")
    assert again["merge_request"]["action"] == "unchanged"


def test_with_an_openpgp_key(
    gitops: Gitops, bumper: CommandLine, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    need("gpg", "gpg")
    home = tmp_path_factory.mktemp("g")  # gpg-agent's socket needs a short path
    home.chmod(0o700)
    monkeypatch.setenv("GNUPGHOME", str(home))
    subprocess.run(
        ["gpg", "--batch", "--quiet", "--passphrase", "", "--quick-generate-key", "bumper@localhost", "ed25519"],
        check=True, capture_output=True,
    )  # fmt: skip
    _configure(user_signingkey="bumper@localhost", commit_gpgsign="true")

    done = bumper.bump("staging", f"{APP}:1.0.1")

    signature = _signature(gitops, done["commit"])
    subprocess.run(["gpgconf", "--kill", "gpg-agent"], check=True)
    assert signature in {"G", "U"}


def test_a_key_that_is_not_there_is_refused_before_anything_is_pushed(gitops: Gitops, bumper: CommandLine) -> None:
    _configure(gpg_format="ssh", user_signingkey="/nowhere/key", commit_gpgsign="true")

    message = bumper.refused("staging", f"{APP}:1.0.1")

    assert "commit.gpgsign" in message
    assert "user.signingkey" in message
    assert gitops.branches() == []


def test_not_where_git_is_not_told_to(gitops: Gitops, bumper: CommandLine) -> None:
    assert _signature(gitops, bumper.bump("staging", f"{APP}:1.0.1")["commit"]) == "N"
