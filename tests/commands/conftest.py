from collections.abc import Iterator
from pathlib import Path

import pytest

from bumper.http.transport import Limits
from tests.support.argocd import TOKEN, ArgoCd
from tests.support.gitops import STAGING_FILE, Gitops, GitopsMaker, values
from tests.support.sshd import SshServer, serve_ssh


@pytest.fixture
def without_token(make_gitops: GitopsMaker, monkeypatch: pytest.MonkeyPatch) -> Gitops:
    """A repository for which bumper has no token."""
    made = make_gitops({STAGING_FILE: values("1.0.0")})
    monkeypatch.delenv("BUMPER_TOKEN")
    monkeypatch.setenv("BUMPER_GITLAB_URL", made.sandbox.url)
    return made


@pytest.fixture
def ssh(without_token: Gitops, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SshServer]:
    """The same over SSH, with a deploy key."""
    with serve_ssh(without_token.sandbox, tmp_path / "ssh", without_token.project, "bumper") as server:
        monkeypatch.setenv("BUMPER_REPO", server.url)
        monkeypatch.setenv("GIT_SSH_COMMAND", server.command)
        yield server


@pytest.fixture
def argocd(monkeypatch: pytest.MonkeyPatch) -> Iterator[ArgoCd]:
    """Argo CD with a token that is set; nobody waits long for its refresh."""
    monkeypatch.setenv("ARGOCD_AUTH_TOKEN", TOKEN)
    monkeypatch.setattr("bumper.argocd.server.REFRESH_LIMITS", Limits(tries=1, timeouts=(1, 0.05)))
    with ArgoCd() as server:
        yield server
