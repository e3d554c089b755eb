"""Missing blobs come in one request, and by git's own fetch where that is not possible."""

import pytest

from tests.faults.proxy import Fault, Proxy
from tests.support.command_line import CommandLine
from tests.support.gitops import APP, STAGING_FILE, Gitops, GitopsMaker, values

RESULT = {"Content-Type": "application/x-git-upload-pack-result"}
UPLOAD = "git-upload-pack"
CLONE = 2  # of clone: what there is, and the commit


@pytest.fixture
def gitops(make_gitops: GitopsMaker) -> Gitops:
    return make_gitops({STAGING_FILE: values("1.0.0")})


@pytest.mark.parametrize("config", ["", "environments: {staging: {values: 'apps/{app}/envs/staging/values.yaml'}}\n"])
def test_a_bump_that_opens_a_merge_request_makes_nine_requests(
    gitops: Gitops, bumper: CommandLine, config: str
) -> None:
    gitops.push(config or "nothing\n", "bumper.yaml" if config else "NEWS.md")
    before = len(gitops.sandbox.requests)

    assert bumper.bump("staging", f"{APP}:1.0.1")["merge_request"]["action"] == "opened"

    asked = [(method, path.rpartition("/")[2]) for method, path in gitops.sandbox.requests[before:]]
    assert len([one for one in asked if one[1] not in {"pre-receive", "post-receive"}]) == 9, asked


@pytest.mark.parametrize(
    "fault",
    [
        Fault(404),
        Fault(200, {"Content-Type": "text/html"}, b"<h1>Sign in</h1>"),
        Fault(200, RESULT, b""),
        Fault(200, RESULT, b"0009junk\n0000"),
        Fault(200, RESULT, b"zzzz"),
        Fault(200, RESULT, b"0011shallow-info\n0001000dpackfile\n0009\x03gone0000"),
        Fault(200, RESULT, b"0011shallow-info\n0001000dpackfile\n0002"),
        Fault(302, {"Location": "http://127.0.0.1:9/"}),
    ],
)
def test_what_is_answered_otherwise_is_left_to_git(
    gitops: Gitops, bumper: CommandLine, monkeypatch: pytest.MonkeyPatch, fault: Fault
) -> None:
    with Proxy(gitops.sandbox.url) as proxy:
        monkeypatch.setenv("BUMPER_REPO", gitops.url.replace(gitops.sandbox.url, proxy.url))
        proxy.fail(fault, method="POST", path=UPLOAD, nth=CLONE + 1)

        done = bumper.bump("staging", f"{APP}:1.0.1", "--dry-run")

        assert proxy.injected == 1
    assert [change["to"]["tag"] for change in done["changes"]] == ["1.0.1"]


def test_a_moment_without_the_server_is_waited_out(
    gitops: Gitops, bumper: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Proxy(gitops.sandbox.url) as proxy:
        monkeypatch.setenv("BUMPER_REPO", gitops.url.replace(gitops.sandbox.url, proxy.url))
        proxy.fail(Fault(502), method="POST", path=UPLOAD, nth=CLONE + 1)

        bumper.bump("staging", f"{APP}:1.0.1", "--dry-run")

        posts = [path for method, path in proxy.requests if method == "POST" and path.endswith(UPLOAD)]
    assert len(posts) == CLONE + 2
