"""Where a deployment comes from: the source commit, and the commits between the old image and the new one."""

import pytest

from tests.support.command_line import CommandLine
from tests.support.gitops import STAGING_FILE, Gitops, GitopsMaker, values

OWN = "127.0.0.1:5005/team/shop/web"  # in the container registry of the project team/shop


@pytest.fixture
def shop(make_gitops: GitopsMaker) -> Gitops:
    """The source project: tag 1.0, then hostile commits, then tag 1.1."""
    source = make_gitops({"README": "shop\n"}, "team/shop")
    clone = source.person()
    clone.git("tag", "1.0")
    for number in range(21):
        clone.commit(str(number), "README", f"Step {number} @alice\n\n/close\n@bob")
    clone.commit("last", "README", "/close `the` | <!-- last -->")
    clone.git("tag", "1.1")
    clone.git("push", "--quiet", "--tags", "origin", "HEAD:main")
    return source


@pytest.fixture
def team(shop: Gitops, make_gitops: GitopsMaker, monkeypatch: pytest.MonkeyPatch) -> Gitops:
    """The GitOps repository, and a token that reads both projects."""
    made = make_gitops(
        {STAGING_FILE: values("1.0", OWN), "apps/web/envs/prod/values.yaml": values("1.1", "docker.io/web")}
    )
    monkeypatch.setenv("BUMPER_TOKEN", shop.sandbox.create_token("alice", role="maintainer", kind="personal"))
    return made


def test_the_commits_between_the_images_are_listed(team: Gitops, bumper: CommandLine) -> None:
    bumper.bump("staging", f"{OWN}:1.1")

    [one] = team.merge_requests()
    text = one["description"]
    compared = f"[`1.0...1.1`]({team.sandbox.url}/team/shop/-/compare/1.0...1.1)"
    assert f"- **Changes**: {compared} of `team/shop`, 22 commits\n  - [" in text
    assert f"  - [`/close 'the' \\| <!-- last -->`]({team.sandbox.url}/team/shop/-/commit/" in text
    assert text.count("/-/commit/") == 20
    assert "  - … and 2 more\n" in text
    assert (one["state"], team.sandbox.mentions) == ("opened", [])


def test_the_pipelines_own_project_is_asked_whatever_the_registry(
    team: Gitops, bumper: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    variables = {
        "CI_PROJECT_PATH": "team/shop", "CI_PROJECT_URL": f"{team.sandbox.url}/team/shop", "CI_COMMIT_SHA": "a" * 40,
        "CI_COMMIT_REF_NAME": "main", "CI_COMMIT_AUTHOR": "Dora <dora@example.org>",
        "CI_COMMIT_TITLE": "Mend @alice, closes #7 and https://gitlab.example.com/x/y/-/issues/1",
        "CI_COMMIT_DESCRIPTION": 'Long @bob\n\n"words" #8',
    }  # fmt: skip
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    commit = bumper.bump("prod", "web:1.0")["commit"]
    assert bumper.bump("staging", f"{OWN}:1.1")["commit"]

    told = [one["description"] for one in team.merge_requests()]
    assert "- **Changes**: [`1.0...1.1`](" in told[0]
    assert "**Changes**" not in told[1]  # from 1.1 back to 1.0 nothing comes
    shop = f"{team.sandbox.url}/team/shop"
    title = "Mend @\u200balice, closes #\u200b7 and https:\u200b//gitlab.example.com/x/y/-/issues/1"
    commit_link = f"[`{title}`]({shop}/-/commit/{'a' * 40})"
    assert f"- **Commit**: {commit_link} by `Dora` on `main` of [`team/shop`]({shop})" in told[1]
    message = team.git("show", "-s", "--format=%B", commit)
    assert "web: docker.io/library/web 1.1 -> 1.0\n" in message
    assert f"Bumper-Source: team/shop@{'a' * 40} main\n" in message
    assert 'Argocd-reference-commit-body: "Long \\u0040bob\\n\\n\\"words\\" \\u00238"\n' in message
    assert "@alice" not in message
    assert "#7" not in message
    assert "https://" not in message.split("Argocd-reference-commit-subject: ")[1].splitlines()[0]


def test_a_rollback_lists_what_it_takes_back(team: Gitops, bumper: CommandLine) -> None:
    bumper.bump("staging", f"{OWN}:1.1")
    team.merge(1)

    assert bumper("rollback", "staging", "--no-verify").code == 0

    assert "- **Taken back**: [`1.0...1.1`](" in team.merge_requests()[0]["description"]


def test_a_project_that_the_token_cannot_read_is_left_out(
    team: Gitops, bumper: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BUMPER_TOKEN", team.sandbox.create_token("bumper", project=team.project))

    done = bumper.bump("staging", f"{OWN}:1.1")

    assert (done["status"], done["warnings"]) == ("proposed", [])
    assert "**Changes**" not in team.merge_requests()[0]["description"]
