from collections.abc import Iterator
from pathlib import Path

import pytest

from bumper.sandbox import Sandbox
from tests.sandbox.client import Api, Clone, run_git, with_token
from tests.support.gitops import AT_ONCE


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    """Jobs are done at once, and Developers may push and merge; the rest is as by default."""
    settings = AT_ONCE | {"push_access": "developers", "merge_access": "developers"}
    with Sandbox(tmp_path / "sandbox", settings=settings) as server:
        yield server


@pytest.fixture
def bot(sandbox: Sandbox) -> Api:
    return Api(sandbox, sandbox.token)


@pytest.fixture
def alice(sandbox: Sandbox) -> Api:
    return Api(sandbox, sandbox.create_token("alice", role="maintainer", kind="personal"))


@pytest.fixture
def clone(sandbox: Sandbox, tmp_path: Path) -> Clone:
    folder = tmp_path / "clone"
    done = run_git("clone", "--quiet", with_token(sandbox.repo_url, sandbox.token), str(folder))
    assert done.returncode == 0, done.stderr
    return Clone(folder)
