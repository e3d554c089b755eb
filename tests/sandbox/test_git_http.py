import base64
import gzip
import os
import socket
import subprocess
import time
from pathlib import Path

import pytest
import requests

from bumper.sandbox import Sandbox
from tests.sandbox.client import STAGING, Clone, run_git, with_token


def test_the_sample_is_the_same_history_every_time(clone: Clone) -> None:
    assert clone.git("log", "--format=%an %s", "-2").splitlines() == [
        "Bob Baker backend: 1.0.3 in dev",
        "Alice Archer backend: more replicas in prod",
    ]
    assert "  tag: 1.0.2\n" in (clone.folder / STAGING).read_text(encoding="utf-8")
    assert clone.git("rev-list", "--count", "HEAD") == "6"


def test_a_partial_clone_fetches_single_blobs_later(sandbox: Sandbox, tmp_path: Path) -> None:
    folder = tmp_path / "partial"
    url = with_token(sandbox.repo_url, sandbox.token)
    run_git("clone", "--bare", "--depth=1", "--filter=blob:none", url, str(folder))

    missing = run_git("-C", str(folder), "rev-list", "--objects", "--missing=print", "HEAD").stdout.count("\n?")
    content = run_git("-C", str(folder), "cat-file", "blob", f"HEAD:{STAGING}").stdout

    assert missing > 5
    assert "tag: 1.0.2" in content


@pytest.mark.parametrize("buffer", ["1024", "100m"], ids=["chunked", "in one piece"])
def test_a_large_push_arrives(sandbox: Sandbox, clone: Clone, buffer: str) -> None:
    clone.git("checkout", "--quiet", "-b", "large")
    (clone.folder / "large.bin").write_bytes(os.urandom(3_000_000))
    clone.git("add", "large.bin")
    clone.git("commit", "--quiet", "-m", "Large")

    clone.git("-c", f"http.postBuffer={buffer}", "push", "--quiet", "origin", "large")

    pushed = run_git("-C", str(sandbox.repository_path()), "cat-file", "-s", "large:large.bin").stdout
    assert pushed == "3000000\n"


def test_a_compressed_request_is_understood(sandbox: Sandbox) -> None:
    body = gzip.compress(b"0014command=ls-refs\n00010009peel\n0000")
    answer = requests.post(
        f"{sandbox.repo_url}/git-upload-pack",
        data=body,
        headers={
            "Content-Type": "application/x-git-upload-pack-request",
            "Content-Encoding": "gzip",
            "Git-Protocol": "version=2",
        },
        auth=("anybody", sandbox.token),
        timeout=30,
    )

    assert answer.status_code == 200
    assert b"refs/heads/main" in answer.content


def test_without_a_token_git_is_asked_for_one(sandbox: Sandbox) -> None:
    answer = requests.get(f"{sandbox.repo_url}/info/refs?service=git-upload-pack", timeout=30)

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Basic realm=")


def test_a_project_out_of_reach_does_not_exist(sandbox: Sandbox) -> None:
    url = sandbox.create_project("other/deep/project", {"README.md": b"# Other\n"})

    own = run_git("ls-remote", with_token(url, sandbox.create_token("mallory", project="other/deep/project")))
    foreign = run_git("ls-remote", with_token(url, sandbox.token))

    assert "refs/heads/main" in own.stdout
    assert "not found" in foreign.stderr


@pytest.mark.parametrize(
    ("role", "scopes"), [("reporter", ("api",)), ("developer", ("read_repository",))], ids=["role", "scope"]
)
def test_who_may_only_read_cannot_push(sandbox: Sandbox, clone: Clone, role: str, scopes: tuple[str, ...]) -> None:
    url = with_token(sandbox.repo_url, sandbox.create_token("rita", role=role, scopes=scopes))
    clone.commit("changed: true\n")

    assert clone.run("fetch", url).returncode == 0
    refused = clone.run("push", url, "HEAD:refs/heads/mine")

    assert "403" in refused.stderr


def test_a_job_token_pushes_to_its_own_project_where_that_is_switched_on(sandbox: Sandbox, clone: Clone) -> None:
    url = with_token(sandbox.repo_url, sandbox.create_token("bob", kind="job"), "gitlab-ci-token")
    clone.commit("changed: true\n")

    refused = clone.run("push", url, "HEAD:refs/heads/job")
    sandbox.choose(ci_push_repository_for_job_token_allowed=True)
    clone.git("push", url, "HEAD:refs/heads/job")

    assert "remote: You are not allowed to upload code." in refused.stderr
    assert "error: 403" in refused.stderr

    assert "refs/heads/job" in run_git("-C", str(sandbox.repository_path()), "for-each-ref").stdout


def test_a_revoked_token_is_refused(sandbox: Sandbox) -> None:
    token = sandbox.create_token("bob")
    sandbox.revoke_token(token)

    assert "Authentication failed" in run_git("ls-remote", with_token(sandbox.repo_url, token)).stderr


def test_the_suffix_may_be_left_out(sandbox: Sandbox) -> None:
    url = with_token(sandbox.repo_url.removesuffix(".git"), sandbox.token)

    assert "refs/heads/main" in run_git("ls-remote", url).stdout


def test_the_servers_own_refs_are_not_for_pushing(clone: Clone) -> None:
    assert "deny updating a hidden ref" in clone.run("push", "origin", "HEAD:refs/merge-requests/1/head").stderr


def test_a_stop_ends_a_push_that_hangs(sandbox: Sandbox) -> None:
    address = ("127.0.0.1", int(sandbox.url.rpartition(":")[2]))
    basic = base64.b64encode(f"x:{sandbox.token}".encode()).decode()
    head = f"POST /platform/gitops.git/git-receive-pack HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Basic {basic}\r\n"
    kind = "Content-Type: application/x-git-receive-pack-request\r\nContent-Length: 100000\r\n\r\n"
    with socket.create_connection(address, timeout=30) as connection:
        connection.sendall(f"{head}{kind}00".encode())
        wait_until_git_receives()

        sandbox.stop()

        assert receiving() == []


def wait_until_git_receives() -> None:
    deadline = time.monotonic() + 30
    while not receiving():
        assert time.monotonic() < deadline, "git was never started"


def receiving() -> list[str]:
    """The command lines of this process's own descendants that receive a push (other tests may have children too)."""
    lines = run_ps().splitlines()
    parents = {int(pid): int(parent) for pid, parent, *_ in (line.split(None, 2) for line in lines)}
    return [
        command
        for pid, _, command in (line.split(None, 2) for line in lines)
        if "receive-pack" in command and os.getpid() in ancestors(int(pid), parents)
    ]


def run_ps() -> str:
    listed = subprocess.run(["ps", "-eo", "pid=,ppid=,args="], capture_output=True, text=True, check=True)
    return listed.stdout


def ancestors(pid: int, parents: dict[int, int]) -> set[int]:
    found: set[int] = set()
    while pid in parents and pid not in found:
        found.add(pid)
        pid = parents[pid]
    return found
