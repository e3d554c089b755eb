"""Tests let other people act; what they do is theirs."""

from tests.support.gitops import STAGING_FILE, Gitops, GitopsMaker, values
from tests.support.people import person


def made(make_gitops: GitopsMaker) -> Gitops:
    return make_gitops({STAGING_FILE: values("1.0.0")})


def test_an_amended_commit_keeps_its_message_and_moves_the_merge_request(make_gitops: GitopsMaker) -> None:
    gitops = made(make_gitops)
    dora, mallory = person(gitops, "dora"), person(gitops, "mallory")
    gitops.api.post("/repository/branches", branch="deploy", ref="main")
    dora.push(values("1.0.1"), STAGING_FILE, "deploy", "Bump\n\nTrailer: yes")
    iid = dora.open("deploy")

    amended = mallory.amend(values("6.6.6"), STAGING_FILE, "deploy")

    assert gitops.api.get(f"/merge_requests/{iid}")["sha"] == amended
    assert gitops.git("log", "-1", "--format=%B", "deploy") == "Bump\n\nTrailer: yes\n\n"
    assert "6.6.6" in gitops.read(STAGING_FILE, "deploy")


def test_people_describe_comment_and_approve_in_their_own_name(make_gitops: GitopsMaker) -> None:
    gitops = made(make_gitops)
    dora, mallory = person(gitops, "dora"), person(gitops, "mallory")
    gitops.api.post("/repository/branches", branch="deploy", ref="main")
    dora.push(values("1.0.1"), STAGING_FILE, "deploy")
    iid = dora.open("deploy")

    mallory.describe(iid, "forged")
    mallory.comment(iid, "Hello")
    mallory.approve(iid)

    shown = gitops.api.get(f"/merge_requests/{iid}")
    note = next(one for one in gitops.api.get(f"/merge_requests/{iid}/notes") if not one["system"])
    approvals = gitops.api.get(f"/merge_requests/{iid}/approvals")["approved_by"]
    assert (shown["author"]["username"], shown["description"]) == ("dora", "forged")
    assert (note["author"]["username"], note["body"]) == ("mallory", "Hello")
    assert [one["user"]["username"] for one in approvals] == ["mallory"]


def test_a_fork_may_have_a_branch_of_any_name(make_gitops: GitopsMaker) -> None:
    gitops = made(make_gitops)

    iid = person(gitops, "mallory").open_from_fork(values("6.6.6"), STAGING_FILE, "bumper/bump-staging-app-00000000")

    shown = gitops.api.get(f"/merge_requests/{iid}")
    assert shown["source_branch"] == "bumper/bump-staging-app-00000000"
    assert shown["source_project_id"] != shown["target_project_id"]
    assert gitops.branches() == []
