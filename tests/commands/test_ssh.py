"""A GitOps repository over SSH: with a deploy key alone, and with a token for the API beside it."""

from pathlib import Path

import pytest

from tests.support.command_line import CommandLine
from tests.support.gitops import APP, STAGING_FILE, Gitops, values
from tests.support.sshd import SshServer, make_key


@pytest.mark.usefixtures("ssh")
def test_a_deploy_key_opens_updates_and_finds_its_merge_request(without_token: Gitops, bumper: CommandLine) -> None:
    opened = bumper.bump("staging", f"{APP}:1.0.1")
    again = bumper.bump("staging", f"{APP}:1.0.1")
    newer = bumper.bump("staging", f"{APP}:1.0.2")

    actions = [one["merge_request"]["action"] for one in (opened, again, newer)]
    assert actions == ["opened", "unchanged", "updated"]
    [one] = without_token.merge_requests()
    assert opened["merge_request"]["url"] == again["merge_request"]["url"] == one["web_url"]
    assert one["title"] == "app 1.0.0 -> 1.0.2 in staging"
    assert any("push options" in warning for warning in opened["warnings"])


@pytest.mark.usefixtures("ssh")
def test_with_a_token_git_goes_over_ssh_and_the_rest_over_the_api(
    without_token: Gitops, bumper: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BUMPER_TOKEN", without_token.sandbox.create_token("bumper", project=without_token.project))
    before = len(without_token.sandbox.requests)

    done = bumper.bump("staging", f"{APP}:1.0.1", "--reviewer", "alice", "--auto-merge", "--wait", "30")

    assert done["merge_request"]["state"] == "merged"
    assert not any("push options" in warning for warning in done["warnings"])
    paths = [path for _, path in without_token.sandbox.requests[before:] if "/-/hooks/" not in path]
    assert paths
    assert all(path.startswith("/api/v4/") for path in paths)
    assert without_token.read(STAGING_FILE) == values("1.0.1")


def test_a_key_that_the_server_does_not_know(
    ssh: SshServer, without_token: Gitops, bumper: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_SSH_COMMAND", ssh.with_key(make_key(tmp_path / "strange")))

    message = bumper.refused("staging", f"{APP}:1.0.1", code=4)

    assert "refused the SSH key" in message
    assert without_token.branches() == []


def test_a_host_that_is_not_the_known_one(ssh: SshServer, bumper: CommandLine, tmp_path: Path) -> None:
    host = ssh.known_hosts.read_text().split()[0]
    make_key(tmp_path / "impostor")
    ssh.known_hosts.write_text(f"{host} {(tmp_path / 'impostor.pub').read_text()}")

    message = bumper.refused("staging", f"{APP}:1.0.1", code=4)

    assert "host key" in message.lower()
    assert "known_hosts" in message
