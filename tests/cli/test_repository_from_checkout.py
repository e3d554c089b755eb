"""Without --repo and BUMPER_REPO: the origin of the checkout around, if that tracks a bumper.yaml at its root."""

import subprocess
from pathlib import Path

import pytest

from tests.support.command_line import CommandLine, in_a_terminal
from tests.support.gitops import APP, STAGING_FILE, Gitops, GitopsMaker, values

FILES = {STAGING_FILE: values("1.0.0"), "bumper.yaml": "environments: {staging: {}}\n"}


@pytest.fixture
def gitops(make_gitops: GitopsMaker, monkeypatch: pytest.MonkeyPatch) -> Gitops:
    """The working directory is a folder in a person's checkout, and only GitLab's URL is named."""
    made = make_gitops(FILES)
    monkeypatch.delenv("BUMPER_REPO")
    monkeypatch.setenv("BUMPER_GITLAB_URL", made.sandbox.url)
    clone = made.person().folder
    subprocess.run(["git", "-C", clone, "remote", "set-url", "origin", made.url], check=True)
    monkeypatch.chdir(clone / "apps")
    return made


def root() -> str:
    return str(Path.cwd().parent)


def test_commands_that_read_name_the_origin_and_use_it(gitops: Gitops, bumper: CommandLine) -> None:
    ran = bumper("status", "--output", "json", code=0)

    assert ran.said == f"GitOps repository: {gitops.url} (origin of {root()})\n"
    assert ran.json["environments"]["staging"][0]["tag"] == "1.0.0"


def test_a_dry_run_changes_nothing_and_asks_nobody(gitops: Gitops, bumper: CommandLine) -> None:
    ran = bumper("bump", "staging", f"{APP}:1.0.1", "--no-verify", "--dry-run", code=0)

    assert "1.0.0 -> 1.0.1" in ran.out
    assert gitops.branches() == []


def test_commands_that_change_something_need_a_terminal_or_repo(gitops: Gitops, bumper: CommandLine) -> None:
    for arguments in (("bump", "staging", f"{APP}:1.0.1"), ("hold", "staging", "--app", "app", "--yes")):
        message = bumper(*arguments, code=2).err
        assert f"{gitops.url} (origin of {root()}) is not changed" in message
        assert "give --repo or BUMPER_REPO" in message
    assert gitops.branches() == []


@pytest.mark.parametrize(
    "command", [("bump", "staging", f"{APP}:1.0.1", "--no-verify"), ("hold", "staging", "--app=app")]
)
def test_on_a_terminal_they_name_the_url_and_ask(gitops: Gitops, command: tuple[str, ...]) -> None:
    code, out, err = in_a_terminal(*command, answer="n\n")

    assert (code, out) == (1, "")
    assert f"GitOps repository: {gitops.url} (origin of {root()})\nChange this repository? [y/N] " in err
    assert "not confirmed; nothing was changed" in err
    assert gitops.branches() == []
    assert in_a_terminal(*command, answer="y\n")[0] == 0
    assert len(gitops.merge_requests()) == 1


def test_a_rollback_asks_once_with_its_table(gitops: Gitops) -> None:
    gitops.push(values("1.0.1"), STAGING_FILE)

    code, _, err = in_a_terminal("rollback", "staging", "--no-verify", answer="n\n")

    assert code == 1
    assert f"GitOps repository: {gitops.url}" in err
    assert "1.0.1 -> 1.0.0" in err
    assert err.count("[y/N]") == 1


def test_the_token_is_sent_to_a_server_that_a_person_named_only(
    gitops: Gitops, bumper: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for named in (None, "https://gitlab.example.com", gitops.sandbox.url.replace("http://", "http://x.")):
        monkeypatch.delenv("BUMPER_GITLAB_URL") if named is None else monkeypatch.setenv("BUMPER_GITLAB_URL", named)
        ran = bumper("status", code=4)
        assert "BUMPER_TOKEN is not used, because only the checkout names this server" in ran.err
        assert "set BUMPER_GITLAB_URL" in ran.err


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (("rm", "--quiet", "--cached", "../bumper.yaml"), "tracks no bumper.yaml at its root"),
        (("mv", "../bumper.yaml", "bumper.yaml"), "tracks no bumper.yaml at its root"),
        (("remote", "remove", "origin"), "has no remote origin"),
        (("remote", "set-url", "origin", "/srv/git/gitops.git"), "is not the URL of a repository on GitLab"),
    ],
)
@pytest.mark.usefixtures("gitops")
def test_any_other_checkout_is_wrong_usage(bumper: CommandLine, spoil: tuple[str, ...], complaint: str) -> None:
    subprocess.run(["git", *spoil], check=True)

    assert complaint in bumper("status", code=2).err


@pytest.mark.usefixtures("gitops")
def test_in_ci_nothing_is_inferred(bumper: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")

    assert bumper("status", code=2).err == "error: no GitOps repository is named; give --repo URL or set BUMPER_REPO.\n"
