import pytest
import requests

from bumper.sandbox import Sandbox
from tests.sandbox.client import Api, add_branch


def test_without_a_good_token_nothing_is_answered(sandbox: Sandbox) -> None:
    nobody = requests.get(f"{sandbox.url}/api/v4/projects/1", timeout=30)
    stranger = Api(sandbox, "glpat-unknown")("GET", "")

    assert (nobody.status_code, nobody.json()) == (401, {"message": "401 Unauthorized"})
    assert (stranger.status_code, stranger.json()) == (401, {"message": "401 Unauthorized"})


def test_a_bearer_token_is_as_good(sandbox: Sandbox) -> None:
    headers = {"Authorization": f"Bearer {sandbox.token}"}

    user = requests.get(f"{sandbox.url}/api/v4/user", headers=headers, timeout=30).json()

    assert (user["name"], user["bot"]) == ("bumper", True)


def test_a_revoked_or_expired_token_says_so(sandbox: Sandbox) -> None:
    expired = sandbox.create_token("bob", expires_at="2020-01-01")
    revoked = sandbox.create_token("bob")
    sandbox.revoke_token(revoked)

    for token, word in ((expired, "expired"), (revoked, "revoked")):
        answer = Api(sandbox, token)("GET", "")
        assert answer.status_code == 401
        assert answer.json()["error"] == "invalid_token"
        assert word in answer.json()["error_description"]


def test_a_token_without_the_api_scope_is_told_which_it_needs(sandbox: Sandbox) -> None:
    pusher = Api(sandbox, sandbox.create_token("bob", scopes=("write_repository",)))
    reader = Api(sandbox, sandbox.create_token("bob", scopes=("read_api",)))

    refused = pusher("GET", "")

    assert (refused.status_code, refused.json()["error"], refused.json()["scope"]) == (403, "insufficient_scope", "api")
    assert reader("GET", "").status_code == 200
    assert reader("POST", "/merge_requests").status_code == 403


def test_another_projects_token_does_not_see_this_one(sandbox: Sandbox) -> None:
    sandbox.create_project("other/project", {"README.md": b"# Other\n"})
    stranger = Api(sandbox, sandbox.create_token("bob", project="other/project"))

    answer = stranger("GET", "")

    assert (answer.status_code, answer.json()) == (404, {"message": "404 Project Not Found"})


def test_a_reporter_reads_and_does_not_write(sandbox: Sandbox) -> None:
    add_branch(sandbox, "deploy")
    reporter = Api(sandbox, sandbox.create_token("rita", role="reporter"))

    refused = reporter("POST", "/merge_requests", source_branch="deploy", target_branch="main", title="No")

    assert reporter.get("/merge_requests") == []
    assert (refused.status_code, refused.json()) == (403, {"message": "403 Forbidden"})


def test_a_job_token_opens_no_merge_request_but_reads_them(sandbox: Sandbox) -> None:
    token = sandbox.create_token("bob", kind="job")
    add_branch(sandbox, "deploy")
    job = Api(sandbox, token, "JOB-TOKEN")

    made = job("POST", "/merge_requests", source_branch="deploy", target_branch="main", title="No")
    own = requests.get(f"{sandbox.url}/api/v4/job", headers={"JOB-TOKEN": token}, timeout=30)

    assert made.status_code == 401
    assert job("GET", "/protected_branches").json() == {"message": "404 Project Not Found"}
    assert job("GET", "/merge_requests").json() == []
    assert Api(sandbox, token)("GET", "").status_code == 401
    assert own.json()["user"]["username"] == "bob"


@pytest.mark.parametrize("path", ["metadata", "version"])
def test_the_version_is_the_one_that_is_played(sandbox: Sandbox, path: str) -> None:
    answer = requests.get(f"{sandbox.url}/api/v4/{path}", headers={"PRIVATE-TOKEN": sandbox.token}, timeout=30)

    assert answer.json()["version"] == "18.5.0-ee"


def test_a_token_describes_itself_whatever_its_scopes(sandbox: Sandbox) -> None:
    token = sandbox.create_token("bob", scopes=("read_repository",), expires_at="2999-12-31")
    address = f"{sandbox.url}/api/v4/personal_access_tokens/self"

    shown = requests.get(address, headers={"PRIVATE-TOKEN": token}, timeout=30).json()

    assert (shown["scopes"], shown["expires_at"], shown["active"]) == (["read_repository"], "2999-12-31", True)
