from itertools import pairwise

import pytest
import requests

from bumper.sandbox import Sandbox
from tests.sandbox.client import Api, Clone, add_branch


def test_a_merge_request_has_what_gitlab_shows(sandbox: Sandbox, bot: Api) -> None:
    commit = add_branch(sandbox, "bumper/deploy")

    made = bot.open("bumper/deploy", title="Draft: Bump", description="Why", labels="b,a", remove_source_branch=True)

    assert made["iid"] == 1
    assert made["state"] == "opened"
    assert (made["source_branch"], made["target_branch"], made["sha"]) == ("bumper/deploy", "main", commit)
    assert (made["labels"], made["draft"], made["description"]) == (["a", "b"], True, "Why")
    assert made["web_url"] == f"{sandbox.url}/platform/gitops/-/merge_requests/1"
    assert made["references"]["full"] == "platform/gitops!1"
    assert made["changes_count"] == "1"
    assert made["diff_refs"]["head_sha"] == commit
    assert made["merge_status"] == "unchecked"
    assert made["force_remove_source_branch"] is True


def test_a_second_one_for_the_same_branches_is_a_conflict(sandbox: Sandbox, bot: Api) -> None:
    add_branch(sandbox, "deploy")
    bot.open("deploy")

    again = bot("POST", "/merge_requests", source_branch="deploy", target_branch="main", title="Again")

    assert again.status_code == 409
    assert again.json() == {"message": ["Another open merge request already exists for this source branch: !1"]}


@pytest.mark.parametrize(
    ("changed", "status", "body"),
    [
        ({"title": None}, 400, {"error": "title is missing"}),
        ({"title": " "}, 400, {"message": {"title": ["can't be blank"]}}),
        ({"title": "x" * 256}, 400, {"message": {"title": ["is too long (maximum is 255 characters)"]}}),
        ({"source_branch": "no"}, 422, {"error": ['Source branch "no" does not exist']}),
        ({"target_branch": "no"}, 422, {"error": ['Target branch "no" does not exist']}),
        ({"target_branch": "deploy"}, 422, {"error": ["You can't use same project/branch for source and target"]}),
        ({"squash": "perhaps"}, 400, {"error": "squash is invalid"}),
    ],
)
def test_what_gitlab_refuses(
    sandbox: Sandbox, bot: Api, changed: dict[str, str | None], status: int, body: dict[str, object]
) -> None:
    add_branch(sandbox, "deploy")

    answer = bot(
        "POST", "/merge_requests", **{"source_branch": "deploy", "target_branch": "main", "title": "T", **changed}
    )

    assert (answer.status_code, answer.json()) == (status, body)


def test_lists_are_filtered(sandbox: Sandbox, bot: Api) -> None:
    for branch, label in (("one", "deploy"), ("two", "deploy"), ("three", "other")):
        add_branch(sandbox, branch)
        bot.open(branch, labels=label, description=f"about {branch}")
    bot.put("/merge_requests/2", state_event="close")

    def iids(**filters: object) -> list[int]:
        return [one["iid"] for one in bot.get("/merge_requests", **filters)]

    assert iids() == [3, 2, 1]
    assert iids(sort="asc") == [1, 2, 3]
    assert iids(state="opened") == [3, 1]
    assert iids(state="closed") == [2]
    assert iids(source_branch="one", state="opened") == [1]
    assert iids(labels="deploy") == [2, 1]
    assert iids(search="ABOUT TWO") == [2]
    assert iids(search="about", **{"in": "title"}) == []
    assert iids(**{"iids[]": [1, 3]}) == [3, 1]
    assert iids(order_by="updated_at") == [2, 3, 1]
    assert bot("GET", "/merge_requests", state="merrged").json() == {"error": "state does not have a valid value"}


def test_pages_of_a_list(sandbox: Sandbox, bot: Api) -> None:
    for number in range(3):
        add_branch(sandbox, f"b{number}")
        bot.open(f"b{number}")

    first = bot("GET", "/merge_requests", per_page=2)
    second = requests.get(first.links["next"]["url"], headers={"PRIVATE-TOKEN": bot.token}, timeout=30)

    assert [one["iid"] for one in first.json() + second.json()] == [3, 2, 1]
    names = ("X-Page", "X-Per-Page", "X-Next-Page", "X-Total", "X-Total-Pages")
    assert [first.headers[name] for name in names] == ["1", "2", "2", "3", "2"]
    assert [second.headers[name] for name in names] == ["2", "2", "", "3", "2"]


def test_an_update_changes_what_it_names(sandbox: Sandbox, bot: Api) -> None:
    add_branch(sandbox, "deploy")
    bot.open("deploy", labels="a,b")
    bob = requests.get(
        f"{sandbox.url}/api/v4/users?username=bob", headers={"PRIVATE-TOKEN": bot.token}, timeout=30
    ).json()[0]

    changed = bot.put(
        "/merge_requests/1",
        title="New",
        description="Text",
        add_labels="c",
        remove_labels="a",
        reviewer_ids=[bob["id"]],
        assignee_ids=[bob["id"], 99999],
    )

    assert (changed["title"], changed["description"], changed["labels"]) == ("New", "Text", ["b", "c"])
    assert [one["username"] for one in changed["reviewers"] + changed["assignees"]] == ["bob", "bob"]
    assert bot.put("/merge_requests/1", labels="")["labels"] == []


def test_closed_and_opened_again(sandbox: Sandbox, bot: Api) -> None:
    add_branch(sandbox, "deploy")
    bot.open("deploy")

    closed = bot.put("/merge_requests/1", state_event="close")
    bot.open("deploy")
    refused = bot("PUT", "/merge_requests/1", state_event="reopen")
    bot.put("/merge_requests/2", state_event="close")
    reopened = bot.put("/merge_requests/1", state_event="reopen")

    assert (closed["state"], closed["closed_by"]["name"], closed["detailed_merge_status"]) == (
        "closed",
        "bumper",
        "not_open",
    )
    assert refused.status_code == 409
    assert (reopened["state"], reopened["closed_by"]) == ("opened", None)


def test_a_push_moves_the_head_and_a_deletion_closes(clone: Clone, bot: Api) -> None:
    clone.push_branch("deploy", "a: 1\n")
    bot.open("deploy")

    commit = clone.commit("a: 2\n")
    clone.git("push", "--quiet", "origin", "deploy")
    assert bot.get("/merge_requests/1")["sha"] == commit
    assert bot.get("/merge_requests/1")["diff_refs"]["head_sha"] == commit

    clone.git("push", "--quiet", "origin", ":deploy")
    assert bot.get("/merge_requests/1")["state"] == "closed"
    kept = clone.git("ls-remote", "origin", "refs/merge-requests/1/head")
    assert kept.startswith(commit)


def test_a_direct_push_of_its_commits_merges_it(clone: Clone, bot: Api) -> None:
    commit = clone.push_branch("deploy", "a: 1\n")
    bot.open("deploy")
    clone.push_branch("other", "b: 1\n", path="other.yaml")
    bot.open("other")

    clone.git("push", "--quiet", "origin", "deploy:main")

    merged = bot.get("/merge_requests/1")
    assert (merged["state"], merged["merge_commit_sha"], merged["merge_user"]["name"]) == (
        "merged",
        commit,
        "bumper",
    )
    assert bot.get("/merge_requests/2")["state"] == "opened"


def test_what_a_merge_request_consists_of(clone: Clone, bot: Api) -> None:
    first = clone.push_branch("deploy", "a: 1\n", path="new.yaml")
    second = clone.commit("replicaCount: 3\n")
    clone.git("push", "--quiet", "origin", "deploy")
    bot.open("deploy")

    assert [one["id"] for one in bot.get("/merge_requests/1/commits")] == [second, first]
    diffs = {one["new_path"]: one for one in bot.get("/merge_requests/1/diffs")}
    assert diffs["new.yaml"]["new_file"] is True
    assert diffs["new.yaml"]["diff"] == "@@ -0,0 +1 @@\n+a: 1\n"
    assert "-  tag: 1.0.2\n" in diffs["apps/backend/envs/staging/values.yaml"]["diff"]
    assert len(bot.get("/merge_requests/1/changes")["changes"]) == 2


def test_numbers_count_in_each_project(sandbox: Sandbox, bot: Api) -> None:
    add_branch(sandbox, "deploy")
    bot.open("deploy")
    sandbox.create_project("a/b/c", {"README.md": b"# C\n"})
    token = sandbox.create_token("bob", project="a/b/c")
    other = Api(sandbox, token, project="a%2Fb%2Fc")
    other.post("/repository/branches", branch="x", ref="main")

    assert other.open("x")["references"]["full"] == "a/b/c!1"
    assert [one["iid"] for one in bot.get("/merge_requests")] == [1]
    assert bot("GET", "/merge_requests/7").status_code == 404
    numbers = [one["id"] for one in [*bot.get("/merge_requests"), *other.get("/merge_requests")]]
    assert all(one != other_number for one, other_number in pairwise(numbers))


def test_a_form_is_as_good_as_json(sandbox: Sandbox, bot: Api) -> None:
    add_branch(sandbox, "deploy")
    address = f"{sandbox.url}/api/v4/projects/platform%2Fgitops/merge_requests"
    form = {"source_branch": "deploy", "target_branch": "main", "title": "Bump", "labels": "a,b"}

    made = requests.post(address, data=form, headers={"PRIVATE-TOKEN": bot.token}, timeout=30)

    assert (made.status_code, made.json()["labels"]) == (201, ["a", "b"])
