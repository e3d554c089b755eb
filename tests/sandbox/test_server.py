import threading
from pathlib import Path

import gitlab
import pytest
import requests

from bumper.errors import Refused
from bumper.sandbox import Sandbox
from tests.sandbox.client import Api, add_branch, run_git, with_token


def test_it_continues_where_it_stopped(tmp_path: Path) -> None:
    with Sandbox(tmp_path) as first:
        add_branch(first, "deploy")
        Api(first, first.token).open("deploy", labels="a")
        Api(first, first.token).post("/merge_requests/1/notes", body="Hello")
        token = first.token

    with Sandbox(tmp_path) as second:
        bot = Api(second, token)
        assert second.token == token
        assert bot.get("/merge_requests/1")["labels"] == ["a"]
        assert bot.get("/merge_requests/1/notes")[0]["body"] == "Hello"
        url = with_token(second.repo_url, token)
        assert run_git("-C", str(tmp_path), "clone", "--quiet", url, "clone").returncode == 0
        pushed = run_git("-C", str(tmp_path / "clone"), "push", "origin", "HEAD:refs/heads/new")
        assert f"{second.url}/platform/gitops/-/merge_requests/new" in pushed.stderr


def test_tokens_and_records_are_the_owners_alone(tmp_path: Path) -> None:
    with Sandbox(tmp_path):
        modes = [(tmp_path / name).stat().st_mode & 0o777 for name in ("sandbox.json", "hooks/address")]

    assert modes == [0o600, 0o600]


def test_without_the_sample_it_is_empty(tmp_path: Path) -> None:
    with Sandbox(tmp_path, sample=False) as sandbox:
        url = sandbox.create_project("own/project", {"values.yaml": b"image:\n  tag: v1\n", "caf\xe9.txt": b"\xff"})
        token = sandbox.create_token("bumper", project="own/project")

        assert run_git("ls-remote", with_token(url, token)).stdout.count("refs/heads/main") == 1
        assert Api(sandbox, token)("GET", "").status_code == 404
        tree = Api(sandbox, token, project="own%2Fproject").get("/repository/tree")
        assert {entry["name"] for entry in tree} == {"values.yaml", "café.txt"}


def test_a_taken_port_is_an_error(sandbox: Sandbox, tmp_path: Path) -> None:
    port = int(sandbox.url.rpartition(":")[2])

    with pytest.raises(Refused, match=f"port {port} "):
        Sandbox(tmp_path / "second", port).start()


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "sandbox.json").write_text("[]", encoding="utf-8")

    with pytest.raises(Refused, match=r"sandbox\.json was not written by a sandbox"):
        Sandbox(tmp_path)


def test_ordered_faults_come_in_order_and_end(sandbox: Sandbox, bot: Api) -> None:
    sandbox.fail_next("GET", r"/merge_requests$", 429, "Retry later\n", {"Retry-After": "0"}, times=2)
    sandbox.fail_next("*", r"\.git/info/refs", 502, "<html>Bad Gateway</html>")

    answers = [bot("GET", "/merge_requests") for _ in range(3)]
    refused = run_git("ls-remote", with_token(sandbox.repo_url, sandbox.token))

    assert [answer.status_code for answer in answers] == [429, 429, 200]
    assert (answers[0].text, answers[0].headers["Retry-After"]) == ("Retry later\n", "0")
    assert "502" in refused.stderr
    assert run_git("ls-remote", with_token(sandbox.repo_url, sandbox.token)).returncode == 0


def test_requests_are_counted_and_hooks_are_not(sandbox: Sandbox, bot: Api) -> None:
    bot.get("/merge_requests", state="opened")
    run_git("push", with_token(sandbox.repo_url, sandbox.token), "main:new")

    assert sandbox.requests[0] == ("GET", "/api/v4/projects/platform%2Fgitops/merge_requests")
    assert all("/-/hooks/" not in path for _, path in sandbox.requests)


def test_many_at_once_open_one_merge_request(sandbox: Sandbox, bot: Api) -> None:
    add_branch(sandbox, "deploy")
    statuses: list[int] = []

    def ask() -> None:
        answer = bot("POST", "/merge_requests", source_branch="deploy", target_branch="main", title="T")
        statuses.append(answer.status_code)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(statuses) == [201] + [409] * 7


def test_gitlabs_own_client_understands_it(sandbox: Sandbox) -> None:
    add_branch(sandbox, "deploy")
    client = gitlab.Gitlab(sandbox.url, private_token=sandbox.token)
    project = client.projects.get("platform/gitops")

    made = project.mergerequests.create({"source_branch": "deploy", "target_branch": "main", "title": "Bump"})
    with pytest.raises(gitlab.GitlabCreateError) as second:
        project.mergerequests.create({"source_branch": "deploy", "target_branch": "main", "title": "Bump"})
    made.labels = ["deploy"]
    made.save()
    made.notes.create({"body": "Hello"})
    shown = project.mergerequests.list(state="opened", source_branch="deploy", iterator=True)

    assert second.value.response_code == 409
    assert [(one.iid, one.labels) for one in shown] == [(1, ["deploy"])]
    assert made.merge()["state"] == "merged"
    assert project.branches.get("main").commit["title"] == "Merge branch 'deploy' into 'main'"


def test_stopped_it_answers_no_more(tmp_path: Path) -> None:
    with Sandbox(tmp_path) as sandbox:
        url = sandbox.url

    with pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=5)


def test_two_servers_in_one_folder_are_refused(sandbox: Sandbox, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="another sandbox is running in"):
        Sandbox(tmp_path / "sandbox")
    sandbox.stop()

    with Sandbox(tmp_path / "sandbox") as second:
        assert second.token == sandbox.token


@pytest.mark.parametrize("path", ["/", "/api/v4/projects/platform%2Fgitops", "/platform/gitops.git/info/refs"])
@pytest.mark.parametrize(
    ("host", "answered"), [("rebound.example.com", False), ("", False), ("localhost:1234", True), ("127.0.0.1", True)]
)
def test_only_its_own_host_is_answered(sandbox: Sandbox, path: str, host: str, *, answered: bool) -> None:
    """A name of somebody else's that leads to this machine (DNS rebinding) is not the server's."""
    answer = requests.get(f"{sandbox.url}{path}", headers={"PRIVATE-TOKEN": sandbox.token, "Host": host}, timeout=30)

    assert (answer.status_code != 403) is answered


def test_no_other_site_frames_a_page(sandbox: Sandbox) -> None:
    headers = requests.get(f"{sandbox.url}/platform/gitops", timeout=30).headers

    assert headers["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]


@pytest.mark.parametrize("body", ["{", "[]", '"text"', "null", "[" * 100_000, '{"title": "\xff'])
def test_broken_json_is_a_400(sandbox: Sandbox, body: str) -> None:
    address = f"{sandbox.url}/api/v4/projects/platform%2Fgitops/merge_requests"
    headers = {"PRIVATE-TOKEN": sandbox.token, "Content-Type": "application/json"}

    answer = requests.post(address, data=body.encode("latin-1"), headers=headers, timeout=30)

    assert (answer.status_code, answer.json()) == (400, {"error": "Problems parsing JSON"})


@pytest.mark.parametrize("body", [b"", b"secret=", b"secret=\xff\0repository=/", b"\0\0="])
def test_a_hook_without_the_secret_is_refused(sandbox: Sandbox, body: bytes) -> None:
    answer = requests.post(f"{sandbox.url}/-/hooks/pre-receive", data=body, timeout=30)

    assert answer.status_code == 403
    assert "secret is wrong" in answer.text
