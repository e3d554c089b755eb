import pytest

from bumper.sandbox import Sandbox
from tests.sandbox.client import Api


def test_a_project_by_path_or_number(sandbox: Sandbox, bot: Api) -> None:
    by_path = bot.get()
    by_number = Api(sandbox, sandbox.token, project=str(by_path["id"])).get()

    assert by_path == by_number
    assert by_path["path_with_namespace"] == "platform/gitops"
    assert by_path["http_url_to_repo"] == sandbox.repo_url
    assert (by_path["default_branch"], by_path["merge_method"], by_path["squash_option"]) == (
        "main",
        "merge",
        "default_off",
    )
    assert by_path["permissions"]["project_access"]["access_level"] == 30


def test_settings_are_a_maintainers(bot: Api, alice: Api) -> None:
    alice.post("/repository/branches", branch="next", ref="main")

    changed = alice.put("", merge_method="ff", squash_option="always", default_branch="next")

    assert (changed["merge_method"], changed["squash_option"], changed["default_branch"]) == ("ff", "always", "next")
    assert bot("PUT", "", merge_method="merge").status_code == 403
    assert alice("PUT", "", merge_method="octopus").json() == {"error": "merge_method does not have a valid value"}
    assert alice("PUT", "", default_branch="no").status_code == 400


def test_the_remotes_head_follows_the_default_branch(sandbox: Sandbox, alice: Api) -> None:
    alice.post("/repository/branches", branch="next", ref="main")
    alice.put("", default_branch="next")

    assert (sandbox.repository_path() / "HEAD").read_text(encoding="utf-8") == "ref: refs/heads/next\n"


def test_protected_branches(alice: Api) -> None:
    alice.post("/protected_branches", name="release/*", push_access_level=0, merge_access_level=30)
    again = alice("POST", "/protected_branches", name="release/*")
    alice("PATCH", "/protected_branches/release%2F*", allow_force_push=True)

    shown = alice.get("/protected_branches/release%2F*")
    alice.post("/repository/branches", branch="other", ref="main")

    assert again.status_code == 409
    assert [one["access_level"] for one in shown["push_access_levels"] + shown["merge_access_levels"]] == [0, 30]
    assert shown["allow_force_push"] is True
    assert alice("POST", "/repository/branches", branch="release/1", ref="main").status_code == 403
    assert [one["name"] for one in alice.get("/protected_branches")] == ["main", "release/*"]
    assert alice("DELETE", "/protected_branches/release%2F*").status_code == 204
    assert alice("GET", "/protected_branches/release%2F*").status_code == 404


@pytest.mark.parametrize(("method", "path"), [("GET", "/nothing"), ("DELETE", "/merge_requests")])
def test_what_the_api_does_not_have(bot: Api, method: str, path: str) -> None:
    assert bot(method, path).status_code in {404, 405}
