from bumper.sandbox import Sandbox
from tests.sandbox.client import Api, Clone, with_token


def protect(alice: Api, level: int) -> None:
    alice("PATCH", "/protected_branches/main", allowed_to_push=[{"access_level": level}])


def test_a_protected_branch_refuses_who_may_not_push(clone: Clone, alice: Api) -> None:
    protect(alice, 40)
    clone.commit("changed: true\n")

    refused = clone.run("push", "origin", "HEAD:main")

    assert "remote: GitLab: You are not allowed to push code to protected branches on this project." in refused.stderr
    assert "pre-receive hook declined" in refused.stderr


def test_a_maintainer_still_pushes(sandbox: Sandbox, clone: Clone, alice: Api) -> None:
    protect(alice, 40)
    commit = clone.commit("changed: true\n")

    clone.git("push", with_token(sandbox.repo_url, alice.token), "HEAD:main")

    assert alice.get("/repository/branches/main")["commit"]["id"] == commit


def test_nobody_rewrites_a_protected_branch(clone: Clone) -> None:
    clone.git("reset", "--quiet", "--hard", "HEAD~1")
    clone.commit("changed: true\n")

    refused = clone.run("push", "--force", "origin", "HEAD:main")

    assert "not allowed to force push" in refused.stderr


def test_the_default_branch_cannot_be_deleted(clone: Clone) -> None:
    assert "default branch" in clone.run("push", "origin", ":main").stderr


def test_a_push_straight_to_the_repository_names_its_user(sandbox: Sandbox, clone: Clone, alice: Api) -> None:
    protect(alice, 40)
    clone.commit("changed: true\n")
    path = str(sandbox.repository_path())

    as_bob = clone.run("push", path, "HEAD:main", environment={"GL_USERNAME": "bob"})
    as_stranger = clone.run("push", path, "HEAD:main")
    as_alice = clone.run("push", path, "HEAD:main", environment={"GL_USERNAME": "alice"})

    assert "not allowed to push code to protected branches" in as_bob.stderr
    assert "user is unknown" in as_stranger.stderr
    assert as_alice.returncode == 0


def test_a_push_to_a_stopped_sandbox_says_so(sandbox: Sandbox, clone: Clone) -> None:
    clone.commit("changed: true\n")
    sandbox.stop()

    refused = clone.run("push", str(sandbox.repository_path()), "HEAD:new", environment={"GL_USERNAME": "alice"})

    assert "start it again" in refused.stderr


def test_a_push_tells_where_to_open_a_merge_request(sandbox: Sandbox, clone: Clone) -> None:
    clone.commit("changed: true\n")

    said = clone.run("push", "origin", "HEAD:refs/heads/deploy/x").stderr

    assert "remote: To create a merge request for deploy/x, visit:" in said
    assert f"{sandbox.url}/platform/gitops/-/merge_requests/new?merge_request%5Bsource_branch%5D=deploy%2Fx" in said
