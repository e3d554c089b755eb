"""Over SSH a refusal comes from gitlab-shell, before git is started, and in a frame of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bumper.sandbox import Sandbox
from tests.sandbox.client import Clone
from tests.support.sshd import SshServer, serve_ssh


@pytest.fixture
def ssh(sandbox: Sandbox, tmp_path: Path) -> Iterator[SshServer]:
    with serve_ssh(sandbox, tmp_path / "ssh", "platform/gitops", "bob") as server:
        yield server


def push(clone: Clone, ssh: SshServer) -> str:
    clone.commit("changed: true\n")
    environment = {"GIT_SSH_COMMAND": ssh.command}
    return clone.run("push", ssh.url, "HEAD:refs/heads/deploy", environment=environment).stderr


def test_a_refusal_stands_between_rulers_behind_remote(sandbox: Sandbox, clone: Clone, ssh: SshServer) -> None:
    sandbox.choose(repository_read_only=True)

    lines = [line.rstrip() for line in push(clone, ssh).splitlines() if line.startswith("remote:")]

    ruler = f"remote: {'=' * 72}"
    error = "remote: ERROR: The repository is temporarily read-only. Please try again later."
    assert lines == ["remote:", ruler, "remote:", error, "remote:", ruler, "remote:"]


def test_the_old_path_of_a_moved_project_leads_to_it(sandbox: Sandbox, clone: Clone, ssh: SshServer) -> None:
    sandbox.move_project("platform/gitops", "moved")

    output = push(clone, ssh)

    assert "Project 'platform/gitops' was moved to 'moved'." in output
    assert "[new branch]" in output
