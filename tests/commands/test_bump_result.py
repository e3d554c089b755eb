from pathlib import Path

import pytest

from bumper.sandbox import Sandbox
from tests.support.command_line import CommandLine
from tests.support.gitops import APP, STAGING_FILE, Gitops, GitopsMaker, values

BACKEND = "registry.tbank.local/backend/app"
BACKEND_STAGING = "apps/backend/envs/staging/values.yaml"
BACKEND_DIFF = """\
diff --git a/apps/backend/envs/staging/values.yaml b/apps/backend/envs/staging/values.yaml
--- a/apps/backend/envs/staging/values.yaml
+++ b/apps/backend/envs/staging/values.yaml
@@ -3,7 +3,7 @@
{blank}
 image:
   repository: registry.tbank.local/backend/app
-  tag: 1.0.2
+  tag: 1.0.3
   pullPolicy: Always  # the release candidate may be rebuilt
{blank}
 env:
""".format(blank=" ")


def test_a_bump_makes_one_commit_and_one_merge_request(gitops: Gitops, bumper: CommandLine) -> None:
    before = gitops.read(BACKEND_STAGING)

    result = bumper.bump("staging", f"{BACKEND}:1.0.3")

    branch = result["branch"]
    assert [one["source_branch"] for one in gitops.merge_requests()] == [branch] == gitops.branches()
    assert gitops.read(BACKEND_STAGING, branch) == before.replace("tag: 1.0.2", "tag: 1.0.3")
    assert gitops.git("diff", "--name-only", "main", branch).split() == [BACKEND_STAGING]
    assert gitops.git("rev-list", f"main..{branch}").split() == [result["commit"]]


def test_the_json_says_all_that_the_contract_names(gitops: Gitops, bumper: CommandLine) -> None:
    result = bumper.bump("staging", f"{BACKEND}:1.0.3")

    url = f"{gitops.sandbox.url}/platform/gitops/-/merge_requests/1"
    assert result == {
        "command": "bump",
        "environment": "staging",
        "status": "proposed",
        "changes": [
            {
                "app": "backend",
                "file": BACKEND_STAGING,
                "path": "image.tag",
                "line": 6,
                "image": BACKEND,
                "from": {"tag": "1.0.2", "digest": None},
                "to": {"tag": "1.0.3", "digest": None},
            }
        ],
        "held": [],
        "warnings": [],
        "branch": gitops.branches()[0],
        "commit": gitops.tip(gitops.branches()[0]),
        "merge_request": {"iid": 1, "url": url, "state": "opened", "action": "opened", "auto_merge": False},
        "diff": BACKEND_DIFF,
    }


def test_the_text_names_the_change_and_the_merge_request(gitops: Gitops, bumper: CommandLine) -> None:
    ran = bumper("bump", "staging", f"{BACKEND}:1.0.3", "--no-verify", code=0)

    assert ran.out.splitlines() == [
        "staging: proposed",
        "  backend  app  1.0.2 -> 1.0.3",
        f"merge request !1 opened: {gitops.sandbox.url}/platform/gitops/-/merge_requests/1",
    ]
    assert ran.err == ""
    verbose = bumper("bump", "staging", f"{BACKEND}:1.0.3", "--no-verify", "-v", code=0).out
    assert f"  backend  {BACKEND}  1.0.2 -> 1.0.3  {BACKEND_STAGING}:6\n" in verbose


def test_a_dry_run_shows_all_and_changes_nothing(gitops: Gitops, bumper: CommandLine) -> None:
    ran = bumper("bump", "staging", f"{BACKEND}:1.0.3", "--no-verify", "--dry-run", code=0)

    assert BACKEND_DIFF in ran.out
    assert "backend 1.0.2 -> 1.0.3 in staging\n" in ran.out
    assert "<!--" not in ran.out
    assert gitops.branches() == []
    assert gitops.merge_requests("all") == []


def test_a_dry_run_in_json_has_the_branch_but_no_commit(gitops: Gitops, bumper: CommandLine) -> None:
    dry = bumper.bump("staging", f"{BACKEND}:1.0.3", "--dry-run")
    done = bumper.bump("staging", f"{BACKEND}:1.0.3")

    assert (dry["status"], dry["commit"], dry["merge_request"]) == ("dry-run", None, None)
    assert (dry["branch"], dry["changes"], dry["diff"]) == (done["branch"], done["changes"], done["diff"])
    assert gitops.branches() == [done["branch"]]


def test_a_tag_that_is_there_already_makes_nothing(gitops: Gitops, bumper: CommandLine) -> None:
    result = bumper.bump("staging", f"{BACKEND}:1.0.2")

    assert result["status"] == "unchanged"
    assert (result["branch"], result["commit"], result["merge_request"], result["diff"]) == (None, None, None, "")
    assert result["changes"] == []
    assert gitops.branches() == []


def test_dotenv_variables_name_the_merge_request(gitops: Gitops, bumper: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "bumper.env"

    result = bumper.bump("staging", f"{BACKEND}:1.0.3", "--dotenv", str(file))

    assert file.read_text().splitlines() == [
        "BUMPER_STATUS=proposed",
        "BUMPER_MR_IID=1",
        f"BUMPER_MR_URL={gitops.sandbox.url}/platform/gitops/-/merge_requests/1",
        f"BUMPER_BRANCH_NAME={result['branch']}",
        "BUMPER_TAG=1.0.3",
        "BUMPER_ROLLBACK_IID=",
        "BUMPER_ROLLBACK_URL=",
    ]


def test_dotenv_variables_are_empty_where_there_is_nothing(gitops: Gitops, bumper: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "bumper.env"

    bumper.bump("staging", f"{BACKEND}:1.0.2", "--dotenv", str(file))

    assert file.read_text() == (
        "BUMPER_STATUS=unchanged\nBUMPER_MR_IID=\nBUMPER_MR_URL=\nBUMPER_BRANCH_NAME=\nBUMPER_TAG=\n"
        "BUMPER_ROLLBACK_IID=\nBUMPER_ROLLBACK_URL=\n"
        f"BUMPER_COMMIT={gitops.tip()}\n"
    )


def test_a_dotenv_file_names_the_commit_that_landed(gitops: Gitops, bumper: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "bumper.env"

    bumper.bump("staging", f"{BACKEND}:1.0.3", "--auto-merge", "--wait", "1m", "--dotenv", str(file))

    assert f"BUMPER_COMMIT={gitops.tip()}\n" in file.read_text()


@pytest.mark.parametrize("wait", ["soon", "-1", "1w", "1e3", ""])
def test_what_is_no_duration_is_wrong_usage(gitops: Gitops, bumper: CommandLine, wait: str) -> None:
    bumper("bump", "staging", f"{BACKEND}:1.0.3", f"--wait={wait}", code=2)

    assert gitops.branches() == []


@pytest.mark.usefixtures("gitops")
def test_a_dotenv_file_that_cannot_be_written_is_one_json_error(bumper: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "missing" / "bumper.env"

    error = bumper.bump("staging", f"{BACKEND}:1.0.3", "--dotenv", str(file), code=1)

    assert list(error) == ["error"]
    assert str(file) in error["error"]["message"]


def test_the_environment_variable_chooses_the_output(
    gitops: Gitops, bumper: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BUMPER_OUTPUT", "json")

    by_variable = bumper("bump", "staging", f"{BACKEND}:1.0.2", code=0)
    by_option = bumper("bump", "staging", f"{BACKEND}:1.0.2", "--output", "text", code=0)

    assert by_variable.json["status"] == "unchanged"
    assert by_option.out == "staging: unchanged\n  backend  app  is at 1.0.2 already\n"
    assert gitops.branches() == []


def test_an_option_stands_before_the_environment_variable(
    gitops: Gitops, bumper: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BUMPER_REPO", "https://127.0.0.1:9/nobody/listens.git")
    monkeypatch.setenv("BUMPER_BRANCH", "no-such-branch")

    result = bumper.bump("staging", f"{BACKEND}:1.0.3", "--repo", gitops.url, "--branch", "main")

    assert result["status"] == "proposed"


def test_another_target_branch_is_read_and_proposed_to(gitops: Gitops, bumper: CommandLine) -> None:
    clone = gitops.person()
    clone.git("checkout", "--quiet", "-b", "release/1")
    release = clone.commit(gitops.read(BACKEND_STAGING).replace("tag: 1.0.2", "tag: 0.9.0"), BACKEND_STAGING)
    clone.git("push", "--quiet", "origin", "release/1")

    result = bumper.bump("staging", f"{BACKEND}:1.0.3", "--branch", "release/1")
    to_main = bumper.bump("staging", f"{BACKEND}:1.0.3")

    assert result["changes"][0]["from"]["tag"] == "0.9.0"
    assert gitops.git("rev-parse", f"{result['branch']}^").strip() == release
    assert {one["target_branch"]: one["source_branch"] for one in gitops.merge_requests()} == {
        "release/1": result["branch"],
        "main": to_main["branch"],
    }


def test_a_project_in_nested_groups(make_gitops: GitopsMaker, bumper: CommandLine) -> None:
    gitops = make_gitops({STAGING_FILE: values("1.0.0")}, "company/platform/deploy/gitops")

    result = bumper.bump("staging", f"{APP}:1.0.1")

    assert result["merge_request"]["url"] == (f"{gitops.sandbox.url}/company/platform/deploy/gitops/-/merge_requests/1")


def test_a_number_is_written_as_text(make_gitops: GitopsMaker, bumper: CommandLine) -> None:
    gitops = make_gitops({STAGING_FILE: values("1.9.0")})

    result = bumper.bump("staging", f"{APP}:1.10")

    assert gitops.read(STAGING_FILE, result["branch"]) == values('"1.10"')


def test_a_digest_that_no_longer_fits_is_cleared(make_gitops: GitopsMaker, bumper: CommandLine) -> None:
    digest = f"sha256:{'a' * 64}"
    gitops = make_gitops({STAGING_FILE: values(f"1.0.0@{digest}")})

    result = bumper.bump("staging", f"{APP}:1.0.1")

    assert gitops.read(STAGING_FILE, result["branch"]) == values("1.0.1")
    assert result["changes"][0]["from"] == {"tag": "1.0.0", "digest": digest}
    assert result["changes"][0]["to"] == {"tag": "1.0.1", "digest": None}


def test_bumper_needs_no_git_identity_and_takes_the_author_of_bumper_yaml(
    make_gitops: GitopsMaker, bumper: CommandLine
) -> None:
    config = "author: Deploy Bot <deploy@example.com>\ncommit_message: 'chore: {default} [OPS-1]'\n"
    gitops = make_gitops({STAGING_FILE: values("1.0.0"), "bumper.yaml": config})

    commit = bumper.bump("staging", f"{APP}:1.0.1")["commit"]

    assert gitops.git("show", "-s", "--format=%an <%ae>%n%s", commit).splitlines() == [
        "Deploy Bot <deploy@example.com>",
        "chore: app 1.0.0 -> 1.0.1 in staging [OPS-1]",
    ]


def test_no_clone_is_left_behind(gitops: Gitops, bumper: CommandLine, temporary_folder: Path) -> None:
    bumper.bump("staging", f"{BACKEND}:1.0.3")
    bumper.refused("staging", "registry.tbank.local/nobody/uses:1")
    bumper.refused("staging", f"{BACKEND}:1.0.3", "--branch", "nowhere")

    assert list(temporary_folder.iterdir()) == []
    assert len(gitops.branches()) == 1


def test_the_server_hears_of_each_thing_once(sandbox: Sandbox, gitops: Gitops, bumper: CommandLine) -> None:
    bumper.bump("staging", f"{BACKEND}:1.0.3")

    posted = [path for method, path in sandbox.requests if method == "POST" and "/api/" in path]
    assert posted == ["/api/v4/projects/platform%2Fgitops/merge_requests"]
    assert len(gitops.branches()) == 1
