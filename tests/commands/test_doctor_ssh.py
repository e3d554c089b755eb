"""Doctor where git goes over SSH: the key's rights and the token's are two things."""

from pathlib import Path

import pytest

from tests.support.command_line import CommandLine
from tests.support.doctor import Doctor
from tests.support.gitops import Gitops
from tests.support.sshd import SshServer, make_key

CONFIG = "environments:\n  staging: {values: 'apps/{app}/envs/staging/values.yaml', delivery: commit}\n"


@pytest.fixture
def doctor(bumper: CommandLine, monkeypatch: pytest.MonkeyPatch) -> Doctor:
    return Doctor(bumper, monkeypatch)


@pytest.mark.usefixtures("ssh")
def test_a_deploy_key_is_enough(doctor: Doctor) -> None:
    found = doctor(code=0)

    assert "none for GitLab's API" in found.checks["token"]["found"]
    assert "with push options was accepted" in found.checks["may push"]["found"]


@pytest.mark.usefixtures("ssh")
def test_a_key_that_may_push_lends_its_role_to_no_token(without_token: Gitops, doctor: Doctor) -> None:
    token = without_token.sandbox.create_token("rita", role="reporter", project=without_token.project)

    found = doctor.with_token(token, code=4)

    assert found.bad == ["may open merge requests"]
    assert found.checks["target branch"]["found"] == "main is protected"


@pytest.mark.usefixtures("ssh")
def test_whether_the_key_may_push_to_the_branch_is_not_the_tokens_to_tell(
    without_token: Gitops, doctor: Doctor
) -> None:
    without_token.push(CONFIG, "bumper.yaml")
    token = without_token.sandbox.create_token("rita", role="reporter", project=without_token.project)

    found = doctor.with_token(token, code=0)

    assert "first push" in found.checks["delivery to staging"]["found"]


def test_a_key_that_the_server_does_not_know(ssh: SshServer, doctor: Doctor, tmp_path: Path) -> None:
    doctor.monkeypatch.setenv("GIT_SSH_COMMAND", ssh.with_key(make_key(tmp_path / "strange")))

    found = doctor(code=4)

    assert found.bad == ["repository"]
    assert "key" in found.mend("repository")
