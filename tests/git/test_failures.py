"""What git's words mean, those of servers included that no test can run."""

import pytest

from bumper.errors import BumperError, Refused, Unavailable
from bumper.git.command import GitFailed
from bumper.git.failures import explain, explain_push, is_race
from bumper.settings import Settings, read_settings

HTTPS = "https://gitlab.example.com/platform/gitops.git"
SSH = "git@gitlab.example.com:platform/gitops.git"
SECRET = "glpat-s3cr3t"
FORBIDDEN = "fatal: unable to access 'x': The requested URL returned error: 403"


def settings(repo: str = HTTPS, token: str | None = SECRET) -> Settings:
    return read_settings({"BUMPER_TOKEN": token or ""}, repo=repo, branch=None, gitlab_url=None)


@pytest.mark.parametrize(
    "report",
    [
        "! [rejected] a -> main (fetch first)",
        "! [rejected] a -> main (non-fast-forward)",
        "!\ta:refs/heads/main\t[remote rejected] (cannot lock ref 'refs/heads/main': is at 1 but expected 2)",
        "!\ta:refs/heads/main\t[remote rejected] (incorrect old value provided)",
        "!\ta:refs/heads/main\t[remote rejected] (failed to update ref)",
        "!\ta:refs/heads/main\t[rejected] (stale info)",
        "!\ta:refs/heads/x\t[remote rejected] (reference already exists)",
    ],
)
def test_somebody_else_was_faster(report: str) -> None:
    assert is_race(report)


@pytest.mark.parametrize(
    "report",
    [
        "!\ta:refs/heads/main\t[remote rejected] (pre-receive hook declined)",
        "failed to update ref\ncannot lock ref 'refs/heads/a/b': 'refs/heads/a' exists; cannot create 'refs/heads/a/b'",
        "fatal: unable to access 'https://x/': Could not resolve host: x",
    ],
)
def test_trying_again_from_the_tip_would_not_help(report: str) -> None:
    assert not is_race(report)


@pytest.mark.parametrize(
    ("stderr", "kind", "said"),
    [
        ("remote: HTTP Basic: Access denied\nfatal: Authentication failed for 'x'", Unavailable, "refused the token"),
        ("fatal: unable to access 'x': The requested URL returned error: 403", Unavailable, "refused the token"),
        ("fatal: could not read Username for 'https://x': terminal prompts disabled", Unavailable, "refused the token"),
        ("remote: The project you were looking for could not be found", Unavailable, "was not found"),
        ("fatal: repository 'https://x/y.git/' not found", Unavailable, "was not found"),
        ("warning: Could not find remote branch x\nfatal: Remote branch x not found in upstream", Refused, "'x'"),
        ("fatal: couldn't find remote ref refs/heads/release/1", Refused, "no branch 'release/1'"),
        ("fatal: unable to update url base from redirection:\n  asked for: x", Refused, "redirects to another address"),
        (
            "fatal: unable to access 'x': Could not resolve host: x",
            Unavailable,
            f"cloning failed: {HTTPS}: Could not resolve host: x; try again.",
        ),
        (
            "fatal: unable to access 'x': gnutls_handshake() failed: An unexpected TLS packet was received.",
            Unavailable,
            "does not speak HTTPS; check the port, or write http:// if that is meant.",
        ),
        ("fatal: unable to access 'x': SSL routines::wrong version number", Unavailable, "does not speak HTTPS;"),
        ("fatal: unable to access 'x': SSL certificate problem", Unavailable, "SSL certificate problem; try again."),
        (
            f"remote: You are not allowed to push code to this project.\n{FORBIDDEN}",
            Unavailable,
            f"You are not allowed to push code to this project: {HTTPS} refused the token in BUMPER_TOKEN;",
        ),
        (
            f"remote: The repository is temporarily read-only. Please try again later.\n{FORBIDDEN}",
            Unavailable,
            f"The repository is temporarily read-only. Please try again later: {HTTPS} accepts nothing",
        ),
        ("", Unavailable, "git gave no reason; try again."),
    ],
)
def test_one_sentence_for_each_failure(stderr: str, kind: type[BumperError], said: str) -> None:
    error = explain(GitFailed(stderr), "cloning", settings())

    assert type(error) is kind
    assert said in str(error)
    assert HTTPS in str(error)
    assert "\n" not in str(error)


def test_without_a_token_one_is_asked_for() -> None:
    error = explain(GitFailed("fatal: could not read Username for 'https://x'"), "cloning", settings(token=None))

    assert "set BUMPER_TOKEN" in str(error)


def test_over_ssh_it_is_the_key() -> None:
    error = explain(GitFailed("git@gitlab.example.com: Permission denied (publickey)."), "cloning", settings(SSH))

    assert "refused the SSH key" in str(error)
    assert "token" not in str(error)


RULER = "remote: \nremote: ========\nremote: \n"
SHELL_ENDS = "fatal: Could not read from remote repository.\n\nPlease make sure you have the correct access rights\n"


@pytest.mark.parametrize(
    ("stderr", "said"),
    [
        (
            f"ssh: connect to host gitlab.example.com port 22: Connection refused\n{SHELL_ENDS}",
            f"cloning failed: {SSH}: ssh: connect to host gitlab.example.com port 22: Connection refused; try again.",
        ),
        (
            f"{RULER}remote: ERROR: This deploy key does not have write access to this project.\n{RULER}{SHELL_ENDS}",
            f"cloning failed: This deploy key does not have write access to this project: {SSH} refused the SSH key;",
        ),
        (
            f"{RULER}remote: ERROR: The project you were looking for could not be found.\n{RULER}{SHELL_ENDS}",
            f"cloning failed: The project you were looking for could not be found: {SSH} was not found, or the token",
        ),
        (
            f"{RULER}remote: ERROR: GitLab is in maintenance mode.\n{RULER}{SHELL_ENDS}",
            f"cloning failed: GitLab is in maintenance mode: {SSH} accepts nothing at the moment; run it again later.",
        ),
    ],
)
def test_over_ssh_the_line_with_the_cause_is_kept(stderr: str, said: str) -> None:
    error = explain(GitFailed(stderr), "cloning", settings(SSH))

    assert type(error) is Unavailable
    assert str(error).startswith(said)


def test_a_hook_that_declines_for_the_moment_is_no_refusal() -> None:
    failure = GitFailed(
        "remote: GitLab: The repository is temporarily read-only. Please try again later.\n",
        "!\ta:refs/heads/main\t[remote rejected] (pre-receive hook declined)\n",
    )

    assert type(explain_push(failure, "main", settings())) is Unavailable


def test_no_explanation_shows_the_token() -> None:
    failure = GitFailed(f"fatal: unable to connect to 'https://oauth2:{SECRET}@x/': timed out")

    assert SECRET not in str(explain(failure, "cloning", settings()))
    assert "[token]" in str(explain(failure, "cloning", settings()))


def test_gitlabs_reason_for_declining_a_push_is_told() -> None:
    failure = GitFailed(
        "remote: \nremote: ====\nremote: GitLab: Commit message does not follow the pattern 'OPS-'.\nremote: ====\n"
        f"To {HTTPS}\nerror: failed to push some refs",
        "!\ta:refs/heads/bumper/x\t[remote rejected] (pre-receive hook declined)\n",
    )

    error = explain_push(failure, "bumper/x", settings())

    assert type(error) is Refused
    assert str(error) == (
        "pushing bumper/x was refused by the server: Commit message does not follow the pattern 'OPS-'; set "
        "commit_message in bumper.yaml."
    )


@pytest.mark.parametrize(
    ("rule", "step"),
    [
        ("Branch name 'bumper/x' does not follow the pattern '^deploy/'", "branch_prefix"),
        ("Commit message does not follow the pattern 'OPS-'", "commit_message"),
        ("Commit message contains the forbidden pattern 'wip'", "commit_message"),
        ("Author's email 'bumper@localhost' does not follow the pattern '@tbank.local$'", "author"),
        ("Committer's email 'bumper@localhost' does not follow the pattern '@tbank.local$'", "author"),
        ("Author 'bumper@localhost' is not a member of team", "author"),
        ("You cannot push commits for 'bumper@localhost'.", "author"),
        ("Commit must be signed with a GPG key", "commit.gpgsign"),
    ],
)  # fmt: skip
def test_a_push_rule_is_told_with_what_to_set(rule: str, step: str) -> None:
    failure = GitFailed(f"remote: GitLab: {rule}\n", "!\ta:b\t[remote rejected] (pre-receive hook declined)\n")

    said = str(explain_push(failure, "bumper/x", settings()))

    assert rule.rstrip(".") in said
    assert step in said.rpartition(";")[2]


def test_a_server_without_push_options_is_told_with_the_way_round_it() -> None:
    failure = GitFailed("fatal: the receiving end does not support push options\n", "")

    said = str(explain_push(failure, "bumper/x", settings()))

    assert "accepts no push options" in said
    assert "BUMPER_TOKEN" in said


def test_a_push_that_got_no_answer_may_be_tried_again() -> None:
    error = explain_push(GitFailed("fatal: the remote end hung up unexpectedly"), "bumper/x", settings())

    assert type(error) is Unavailable
    assert "pushing bumper/x failed" in str(error)


def test_a_branch_in_the_way_is_named() -> None:
    failure = GitFailed(
        "remote: error: cannot lock ref 'refs/heads/bumper/x': 'refs/heads/bumper' exists; cannot create "
        "'refs/heads/bumper/x'",
        "!\ta:refs/heads/bumper/x\t[remote rejected] (failed to update ref)\n",
    )

    error = explain_push(failure, "bumper/x", settings())

    assert type(error) is Refused
    assert "branch bumper is in the way of bumper/x" in str(error)
