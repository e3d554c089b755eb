"""What goes wrong: exit codes, one sentence each, and no secret in any of them."""

import json
from pathlib import Path

import pytest

from bumper.sandbox import Sandbox
from tests.support.command_line import CommandLine
from tests.support.gitops import APP, STAGING_FILE, Gitops, GitopsMaker, values

BACKEND = "registry.tbank.local/backend/app"
WRONG_TOKEN = "glpat-nobody-has-this-one"


def test_a_wrong_token_is_unavailable_and_unseen(
    gitops: Gitops, bumper: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BUMPER_TOKEN", WRONG_TOKEN)

    ran = bumper("bump", "staging", f"{BACKEND}:1.0.3", "--no-verify", "--output", "json", code=4)

    assert "refused the token in BUMPER_TOKEN" in ran.err
    assert gitops.url in ran.err
    assert WRONG_TOKEN not in ran.out + ran.err
    assert "Traceback" not in ran.err


def test_a_token_in_the_url_is_used_and_unseen(
    gitops: Gitops, bumper: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BUMPER_TOKEN")
    good = gitops.url.replace("://", f"://oauth2:{gitops.sandbox.token}@")
    bad = gitops.url.replace("://", f"://oauth2:{WRONG_TOKEN}@")

    done = bumper("bump", "staging", f"{BACKEND}:1.0.3", "--no-verify", "--repo", good, code=0)
    ran = bumper("bump", "staging", f"{BACKEND}:1.0.3", "--no-verify", "--repo", bad, code=4)

    assert gitops.sandbox.token not in done.out + done.err
    assert WRONG_TOKEN not in ran.out + ran.err


@pytest.mark.usefixtures("gitops")
def test_no_token_at_all(bumper: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BUMPER_TOKEN")

    assert "set BUMPER_TOKEN" in bumper.refused("staging", f"{BACKEND}:1.0.3", code=4)


def test_a_token_that_may_read_only(gitops: Gitops, bumper: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    token = gitops.sandbox.create_token("reader", scopes=("read_repository", "read_api"))
    monkeypatch.setenv("BUMPER_TOKEN", token)

    message = bumper.refused("staging", f"{BACKEND}:1.0.3", code=4)

    assert "BUMPER_TOKEN" in message
    assert token not in message


def test_an_unknown_repository(gitops: Gitops, bumper: CommandLine) -> None:
    url = f"{gitops.sandbox.url}/platform/nothing.git"

    message = bumper.refused("staging", f"{BACKEND}:1.0.3", "--repo", url, code=4)

    assert url in message
    assert "BUMPER_REPO" in message


def test_a_server_that_nobody_runs(bumper: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUMPER_TOKEN", WRONG_TOKEN)

    message = bumper.refused("staging", f"{BACKEND}:1.0.3", "--repo", "http://127.0.0.1:9/a/b.git", code=4)

    assert "http://127.0.0.1:9/a/b.git" in message


@pytest.mark.usefixtures("gitops")
def test_an_unknown_branch(bumper: CommandLine) -> None:
    message = bumper.refused("staging", f"{BACKEND}:1.0.3", "--branch", "nowhere")

    assert "has no branch 'nowhere'" in message


def test_a_repository_without_a_commit(make_gitops: GitopsMaker, bumper: CommandLine) -> None:
    make_gitops({})

    assert "push a first one" in bumper.refused("staging", f"{BACKEND}:1.0.3")


def test_a_repository_without_environments(make_gitops: GitopsMaker, bumper: CommandLine) -> None:
    make_gitops({"README.md": "# Nothing\n"})

    assert "bumper.yaml" in bumper.refused("staging", f"{BACKEND}:1.0.3")


@pytest.mark.parametrize("status", [429, 503])
def test_a_gitlab_that_is_out_of_order(gitops: Gitops, bumper: CommandLine, status: int) -> None:
    gitops.sandbox.fail_next("GET", r"/merge_requests$", status, "Retry later", {"Retry-After": "0"}, times=50)

    message = bumper.refused("staging", f"{BACKEND}:1.0.3", code=4)

    assert str(status) in message
    assert gitops.branches() == []


def test_a_failure_after_the_merge_request_was_opened_names_it(
    gitops: Gitops, bumper: CommandLine, tmp_path: Path
) -> None:
    gitops.sandbox.fail_next("PUT", r"/merge_requests/\d+/merge$", 502, "Bad Gateway", times=50)

    told = bumper.bump("staging", f"{BACKEND}:1.0.3", "--auto-merge", "--dotenv", str(tmp_path / "env"), code=4)

    assert (told["status"], told["merge_request"]["iid"], told["error"]["code"]) == ("proposed", 1, 4)
    assert "BUMPER_MR_IID=1\n" in (tmp_path / "env").read_text()


def test_a_busy_gitlab_is_asked_again(gitops: Gitops, bumper: CommandLine) -> None:
    gitops.sandbox.fail_next("GET", r"/merge_requests$", 429, "Retry later", {"Retry-After": "0"})

    assert bumper.bump("staging", f"{BACKEND}:1.0.3")["status"] == "proposed"


def test_a_page_in_the_place_of_the_api(gitops: Gitops, bumper: CommandLine) -> None:
    gitops.sandbox.fail_next("GET", r"/merge_requests$", 200, "<html>Sign in</html>", {"Content-Type": "text/html"})

    assert gitops.sandbox.url in bumper.refused("staging", f"{BACKEND}:1.0.3", code=4)


def test_a_push_that_the_server_forbids_says_why(gitops: Gitops, bumper: CommandLine) -> None:
    gitops.api.post("/protected_branches", name="bumper/*", push_access_level=40)

    message = bumper.refused("staging", f"{BACKEND}:1.0.3")

    assert "not allowed to push code to protected branches" in message


def test_a_branch_that_stands_in_the_way(gitops: Gitops, bumper: CommandLine) -> None:
    gitops.person().git("push", "--quiet", "origin", "HEAD:refs/heads/bumper")

    message = bumper.refused("staging", f"{BACKEND}:1.0.3")

    assert "branch bumper is in the way" in message
    assert "branch_prefix" in message


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["bump"], "environment", id="no environment"),
        pytest.param(["bump", "staging"], "image", id="no image"),
        pytest.param(["bump", "staging", f"{APP}"], "no tag", id="an image without a tag"),
        pytest.param(["bump", "staging", "Team/App:1"], "not an image reference", id="no image reference"),
        pytest.param(["bump", "staging", f"{APP}:1", f"{APP}:2"], "the same repository", id="two tags of one image"),
        pytest.param(["bump", "staging", "redis:1", "library/redis:2"], "the same repository", id="two spellings"),
        pytest.param(["bump", "staging", f"{APP}:1", "--delivery", "pigeon"], "pigeon", id="an unknown delivery"),
        pytest.param(["bump", "staging", f"{APP}:1", "--branch", "--force"], "--force", id="an option as branch"),
        pytest.param(["bump", "staging", f"{APP}:1", "--repo", "/srv/x.git"], "/srv/x.git", id="a path as repository"),
    ],
)
@pytest.mark.usefixtures("gitops")
def test_wrong_usage(bumper: CommandLine, arguments: list[str], said: str) -> None:
    text = bumper(*arguments, code=2)
    as_json = bumper(*arguments, "--output=json", code=2)

    assert text.out == ""
    assert text.err.startswith("error: ")
    assert said.lower() in text.err.lower()
    assert "Traceback" not in text.err
    assert as_json.json == {"error": {"code": 2, "message": as_json.err.removeprefix("error: ").removesuffix("\n")}}


@pytest.mark.parametrize("arguments", [("bump", "staging", f"{APP}:1", "--nonsense"), ("bmp",)])
def test_what_cannot_be_parsed_is_json_by_the_environment(
    bumper: CommandLine, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.setenv("BUMPER_OUTPUT", "json")

    ran = bumper(*arguments, code=2)

    assert arguments[-1] in ran.json["error"]["message"]


def test_without_a_repository(bumper: CommandLine) -> None:
    assert "BUMPER_REPO" in bumper.refused("staging", f"{APP}:1", code=2)


def test_the_same_image_twice_with_the_same_tag_is_one(make_gitops: GitopsMaker, bumper: CommandLine) -> None:
    make_gitops({STAGING_FILE: values("1.0.0")})

    assert len(bumper.bump("staging", f"{APP}:1.0.1", f"{APP}:1.0.1")["changes"]) == 1


def test_the_failure_in_the_output_that_the_environment_chooses(
    bumper: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BUMPER_OUTPUT", "json")

    assert bumper("bump", "staging", f"{APP}:1", code=2).json["error"]["code"] == 2
    assert bumper("bump", "staging", f"{APP}:1", "--output", "text", code=2).out == ""


def test_a_ca_file_that_is_not_there(gitops: Gitops, bumper: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI_SERVER_TLS_CA_FILE", "/nowhere/ca.pem")

    assert "/nowhere/ca.pem" in bumper.refused("staging", f"{BACKEND}:1.0.3", code=2)
    assert gitops.branches() == []


def test_a_hooks_environment_does_not_lead_bumper_astray(
    gitops: Gitops, bumper: CommandLine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY"):
        monkeypatch.setenv(name, str(tmp_path / "another"))

    result = bumper.bump("staging", f"{BACKEND}:1.0.3")

    assert result["status"] == "proposed"
    assert not (tmp_path / "another").exists()
    monkeypatch.undo()
    assert len(gitops.branches()) == 1


def test_a_redirect_gets_no_token(sandbox: Sandbox, gitops: Gitops, bumper: CommandLine) -> None:
    elsewhere = gitops.url.replace("127.0.0.1", "localhost")
    sandbox.fail_next("GET", r"/info/refs$", 302, "", {"Location": f"{elsewhere}/info/refs?service=git-upload-pack"})

    message = bumper.refused("staging", f"{BACKEND}:1.0.3")

    assert "redirects to another address" in message


def test_errors_of_several_kinds_are_one_json_object_each(gitops: Gitops, bumper: CommandLine) -> None:
    assert gitops.branches() == []
    for arguments in (["nowhere", f"{BACKEND}:1"], ["staging", "registry.tbank.local/nobody:1"]):
        ran = bumper("bump", *arguments, "--no-verify", "--output", "json", code=1)
        assert list(json.loads(ran.out)) == ["error"]
        assert ran.err.count("error: ") == 1
