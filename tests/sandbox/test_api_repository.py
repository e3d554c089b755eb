import base64
import hashlib

from bumper.sandbox import Sandbox
from tests.sandbox.client import STAGING, Api, Clone, add_branch


def test_commits_of_a_path(bot: Api) -> None:
    commits = bot.get("/repository/commits", path=STAGING, ref_name="main")

    assert [one["title"] for one in commits] == ["backend: 1.0.2 in staging", "Deploy backend, frontend and worker"]
    assert commits[0]["author_name"] == "Carol Cooper"
    assert commits[0]["parent_ids"]
    assert commits[0]["short_id"] == commits[0]["id"][:8]


def test_the_commits_of_a_path_go_on_under_its_old_name_unless_that_is_not_wanted(clone: Clone, bot: Api) -> None:
    clone.git("mv", STAGING, "apps/renamed.yaml")
    clone.git("commit", "--quiet", "--message=Rename it")
    clone.git("push", "--quiet", "origin", "HEAD:refs/heads/renamed")
    asked = {"path": "apps/renamed.yaml", "ref_name": "renamed"}

    followed = bot.get("/repository/commits", **asked)
    alone = bot.get("/repository/commits", **asked, follow=False)

    assert [one["title"] for one in followed] == [
        "Rename it", "backend: 1.0.2 in staging", "Deploy backend, frontend and worker"
    ]  # fmt: skip
    assert [one["title"] for one in alone] == ["Rename it"]


def test_no_commit_of_a_followed_path_is_missing_between_two_pages(clone: Clone, bot: Api) -> None:
    """Gitaly counts the pages of a followed path itself: git's --skip then counts other files' commits, too."""
    for number in range(5):
        clone.commit(f"image: {number}\n", message=f"Step {number}")
        clone.commit(f"image: {number}\n", path="apps/other.yaml")
    clone.git("push", "--quiet", "origin", "HEAD:refs/heads/steps")

    pages = [bot.get("/repository/commits", path=STAGING, ref_name="steps", per_page=2, page=page) for page in (1, 2)]

    assert [one["title"] for page in pages for one in page] == ["Step 4", "Step 3", "Step 2", "Step 1"]


def test_commits_of_a_range_with_trailers_and_figures(clone: Clone, bot: Api) -> None:
    clone.push_branch("deploy", "a: 1\n", message="Bump\n\nWhy.\n\nBumper-Image: x:1\nBumper-Image: y:2\n")

    commits = bot.get("/repository/commits", ref_name="main..deploy", trailers=True, with_stats=True)

    assert len(commits) == 1
    assert commits[0]["message"] == "Bump\n\nWhy.\n\nBumper-Image: x:1\nBumper-Image: y:2\n"
    assert commits[0]["trailers"] == {"Bumper-Image": "y:2"}
    assert commits[0]["extended_trailers"] == {"Bumper-Image": ["x:1", "y:2"]}
    assert commits[0]["stats"]["additions"] == 1
    assert bot.get("/repository/commits", ref_name="main..deploy")[0]["trailers"] == {}


def test_pages_of_commits_have_no_total(bot: Api) -> None:
    first = bot("GET", "/repository/commits", per_page=4)
    second = bot("GET", "/repository/commits", per_page=4, page=2)

    assert (len(first.json()), len(second.json())) == (4, 2)
    assert first.headers["X-Next-Page"] == "2"
    assert second.headers["X-Next-Page"] == ""
    assert "X-Total" not in first.headers


def test_an_unknown_ref_is_not_found(bot: Api) -> None:
    assert bot("GET", "/repository/commits", ref_name="no").json() == {"message": "404 Commit Not Found"}
    assert bot("GET", "/repository/commits", ref_name="a..b").status_code == 400
    assert bot("GET", "/repository/commits/no").status_code == 404


def test_a_ref_that_looks_like_an_option_does_nothing(sandbox: Sandbox, bot: Api) -> None:
    refused = bot("GET", "/repository/commits", ref_name="--output=x..y")

    assert refused.status_code == 400
    assert not (sandbox.repository_path() / "x..y").exists()


def test_a_commit_knows_its_merge_request_refs_and_diff(sandbox: Sandbox, bot: Api) -> None:
    head = add_branch(sandbox, "deploy")
    bot.open("deploy")
    bot.mergeable(1)
    merged = bot.put("/merge_requests/1/merge")["merge_commit_sha"]

    assert bot.get(f"/repository/commits/{head}")["title"] == "Bump backend"
    for sha in (head, merged):
        assert [one["iid"] for one in bot.get(f"/repository/commits/{sha}/merge_requests")] == [1]
    assert bot.get("/repository/commits/main~1/merge_requests") == []
    assert {one["name"] for one in bot.get(f"/repository/commits/{head}/refs", type="branch")} == {"deploy", "main"}
    assert bot.get(f"/repository/commits/{head}/diff")[0]["new_path"] == STAGING


def test_statuses_make_a_pipeline(sandbox: Sandbox, bot: Api) -> None:
    head = add_branch(sandbox, "deploy")

    bot.post(f"/statuses/{head}", state="running", name="build", target_url="https://ci.example.org/1")

    assert [(one["name"], one["status"]) for one in bot.get(f"/repository/commits/{head}/statuses")] == [
        ("build", "running")
    ]
    assert bot.get("/pipelines", sha=head)[0]["ref"] == "deploy"
    assert bot.get(f"/repository/commits/{head}")["last_pipeline"]["status"] == "running"
    assert bot("POST", f"/statuses/{head}", state="done").status_code == 400


def test_branches(sandbox: Sandbox, bot: Api) -> None:
    made = bot.post("/repository/branches", branch="feature/x", ref="main")
    main = bot.get("/repository/branches/main")

    assert (made["name"], made["default"], made["merged"], made["protected"]) == ("feature/x", False, True, False)
    assert (main["default"], main["protected"], main["can_push"], main["developers_can_push"]) == (True,) * 4
    assert [one["name"] for one in bot.get("/repository/branches", search="^feat")] == ["feature/x"]
    assert bot("POST", "/repository/branches", branch="feature/x", ref="main").json() == {
        "message": "Branch already exists"
    }
    bot.open("feature/x")
    assert bot("DELETE", "/repository/branches/feature%2Fx").status_code == 204
    assert bot.get("/merge_requests/1")["state"] == "closed"
    assert bot("DELETE", "/repository/branches/main").status_code == 403
    assert bot("GET", "/repository/branches/feature%2Fx").status_code == 404
    assert sandbox.requests[-1] == ("GET", "/api/v4/projects/platform%2Fgitops/repository/branches/feature%2Fx")


def test_compare(sandbox: Sandbox, bot: Api) -> None:
    head = add_branch(sandbox, "deploy")

    shown = bot.get("/repository/compare", **{"from": "main", "to": "deploy"})

    assert [one["id"] for one in shown["commits"]] == [head]
    assert [one["new_path"] for one in shown["diffs"]] == [STAGING]
    assert bot.get("/repository/compare", **{"from": "deploy", "to": "main"})["commits"] == []
    assert len(bot.get("/repository/compare", **{"from": "deploy", "to": "main", "straight": True})["diffs"]) == 1


def test_tree_and_files(bot: Api) -> None:
    file = STAGING.replace("/", "%2F")
    raw = bot("GET", f"/repository/files/{file}/raw", ref="main")
    shown = bot.get(f"/repository/files/{file}", ref="main")

    assert b"tag: 1.0.2" in raw.content
    assert base64.b64decode(shown["content"]) == raw.content
    assert shown["content_sha256"] == hashlib.sha256(raw.content).hexdigest()
    assert bot("GET", "/repository/files/no.yaml", ref="main").json() == {"message": "404 File Not Found"}
    assert [one["name"] for one in bot.get("/repository/tree", path="apps")] == ["backend", "frontend", "worker"]
    assert STAGING in [one["path"] for one in bot.get("/repository/tree", recursive=True, per_page=100)]
    assert bot("GET", "/repository/tree", path="no/such").json() == {"message": "404 Tree Not Found"}
