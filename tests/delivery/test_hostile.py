"""Input that means harm: one sentence and exit 1 or 2, nothing written, nothing run; or it is shown as plain text."""

import re
import subprocess
from pathlib import Path

import pytest

from bumper.sandbox import Sandbox
from tests.support.command_line import CommandLine
from tests.support.gitops import APP, STAGING_FILE, Gitops, GitopsMaker, values

NOWHERE = "http://127.0.0.1:9/team/gitops.git"  # the discard port: a command line that is wrong gets nowhere near it
CANARY = "canary"
RUN = f"touch {CANARY}"
MISCHIEF = "/merge @all <img src=x onerror=alert(1)> [x](javascript:1) `/close` --> {default} ~prod %1"

IMAGES = {
    "a shell's words": f"{APP}:$({RUN})",
    "a separator": f"{APP}:1;{RUN}",
    "a blank": f"{APP}:1 2",
    "a line break": f"{APP}:1\n/merge",
    "a leading dash": f"{APP}:-1",
    "a leading dot": f"{APP}:.1",
    "a slash": f"{APP}:../1",
    "too long": f"{APP}:{'a' * 129}",
    "signs that look alike": f"{APP}:\uff11",
    "right to left": f"{APP}:\u202e1",
    "YAML": f"{APP}:1, x: !!python/object/apply:os.system",
    "a repository that goes up": "registry.example.com/../app:1",
    "a repository in upper case": "registry.example.com/Team/app:1",
    "a repository that is an option": "--upload-pack/app:1",
    "a URL": "https://registry.example.com/team/app:1",
    "a digest that is none": f"{APP}:1@sha256:{'z' * 64}",
    "a repository too long": f"registry.example.com/{'a' * 300}:1",
}
REPOSITORIES = {
    "an option": f"--upload-pack={RUN}",
    "a program": f"ext::sh -c {RUN}",
    "a program's escapes": f"ext::sh -c {RUN.replace(' ', '% ')}",
    "a file": "file:///etc/passwd",
    "a path": "/srv/gitops.git",
    "a host that is an option": f"ssh://-oProxyCommand={RUN}/team/gitops.git",
    "the short form of it": f"git@-oProxyCommand={RUN}:team/gitops.git",
    "a user that is an option": f"-oProxyCommand={RUN}@host:team/gitops.git",
    "a project that goes up": "https://gitlab.example.com/team/../../etc.git",
    "a project that is an option": "https://gitlab.example.com/team/--exec.git",
    "a port that is none": "https://gitlab.example.com:99999999/team/gitops.git",
    "a helper": "fd::17",
}
BRANCHES = {
    "an option": f"--upload-pack={RUN}",
    "a short option": "-u",
    "up": "../main",
    "a range": "main..prod",
    "a refspec": "main:prod",
    "a line break": "main\nprod",
    "a lock": "main.lock",
    "a revision": "main@{1}",
    "a glob": "ma*",
    "nothing": " ",
}
CONFIGS = {
    "a pattern that goes up": "environments: {staging: {values: '../{app}/values.yaml'}}",
    "a pattern that goes up inside": "environments: {staging: {values: 'apps/../../{app}/values.yaml'}}",
    "a pattern from the root": "environments: {staging: {values: '/etc/{app}.yaml'}}",
    "a base that goes up": "environments: {staging: {values: 'apps/{app}/v.yaml', base: '../base.yaml'}}",
    "an environment with path parts": "environments: {../staging: {values: 'apps/{app}/values.yaml'}}",
    "an expression that is none": "environments: {staging: {values: 'apps/{app}/v.yaml', tags: '('}}",
    "an expression of absurd size": "environments: {staging: {values: 'apps/{app}/v.yaml', tags: 'a{99999999999}'}}",
    "a prefix that is an option": "branch_prefix: --force/",
    "a prefix that goes up": "branch_prefix: ../main/",
    "an author of two lines": 'author: "a <a@b>\\n\\nBumper-Command: x"',
    "a message of two lines": 'commit_message: "x\\n\\nBumper-Command: rollback"',
    "an alias bomb": "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [{f'*a{n - 1}, ' * 9}]\n" for n in range(1, 12)),
    "an alias inside itself": "environments: &a {staging: *a}",
    "deep nesting": "[" * 20_000,
    "deep mappings": "".join(f"{' ' * n}a:\n" for n in range(2_000)),
    "an object": "environments: !!python/object/apply:os.system ['touch canary']",
    "NUL": "environments: \0",
    "not UTF-8": "environments: \udcff",
}
VALUES = {
    "an alias bomb": "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [{f'*a{n - 1}, ' * 9}]\n" for n in range(1, 12)),
    "deep nesting": "[" * 20_000,
    "deep nesting that is closed": "a: " + "[" * 5_000 + "]" * 5_000 + "\n",
    "an object": "a: !!python/object/apply:os.system ['touch canary']\n",
    "an alias inside itself": "a: &a {b: *a}\n",
    "several byte order marks": "\ufeff\ufeff\ufeff\n",
    "a billion laughs by merge keys": "a0: &a0 {x: 1}\n"
    + "".join(f"a{n}: &a{n} {{<<: [{f'*a{n - 1}, ' * 9}]}}\n" for n in range(1, 12)),
}


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")


def refused(bumper: CommandLine, *arguments: str) -> str:
    """The one sentence of a refusal that wrote nothing here; no traceback, no control character of the input's."""
    ran = bumper(arguments[0], "--no-verify", "--output", "json", *arguments[1:])
    assert ran.code in {1, 2}, ran
    message: str = ran.json["error"]["message"]
    assert ran.err == f"error: {message}\n"
    assert list(Path().iterdir()) == []
    return message


def untouched(gitops: Gitops) -> None:
    assert gitops.branches() == []
    assert gitops.merge_requests("all") == []
    assert len(gitops.git("rev-list", "main").split()) == 1


@pytest.mark.parametrize("image", IMAGES.values(), ids=IMAGES)
def test_images_beyond_the_grammar(bumper: CommandLine, image: str) -> None:
    refused(bumper, "bump", "staging", "--repo", NOWHERE, "--", image)


@pytest.mark.parametrize("repository", REPOSITORIES.values(), ids=REPOSITORIES)
def test_repositories_that_are_none(bumper: CommandLine, repository: str) -> None:
    refused(bumper, "bump", "staging", f"{APP}:1", f"--repo={repository}")


@pytest.mark.parametrize("branch", BRANCHES.values(), ids=BRANCHES)
def test_branches_that_are_none(bumper: CommandLine, branch: str) -> None:
    refused(bumper, "bump", "staging", f"{APP}:1", "--repo", NOWHERE, f"--branch={branch}")


def test_environments_with_path_parts(make_gitops: GitopsMaker, bumper: CommandLine) -> None:
    gitops = make_gitops({STAGING_FILE: values("1.0.0")})

    for name in ("../staging", "staging/", "./staging", "sta*", "staging\n/merge", ".", "", "{app}"):
        message = refused(bumper, "bump", name, f"{APP}:1")
        assert "staging" in message
        assert "\n" not in message
    untouched(gitops)


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_configurations(make_gitops: GitopsMaker, bumper: CommandLine, config: str) -> None:
    text = config.encode(errors="surrogateescape")
    gitops = make_gitops({"bumper.yaml": text, STAGING_FILE: values("1.0.0")})

    message = refused(bumper, "bump", "staging", f"{APP}:1")

    assert "bumper.yaml" in message
    untouched(gitops)


def test_values_beside_good_ones(make_gitops: GitopsMaker, bumper: CommandLine) -> None:
    bad = {f"apps/bad-{number}/envs/staging/values.yaml": text for number, text in enumerate(VALUES.values())}
    gitops = make_gitops({STAGING_FILE: values("1.0.0"), **bad})

    result = bumper.bump("staging", f"{APP}:1.0.1")

    assert [change["file"] for change in result["changes"]] == [STAGING_FILE]
    assert list(Path().iterdir()) == []
    changed = gitops.git("diff", "--name-only", "main", result["branch"]).split()
    assert changed == [STAGING_FILE]


def test_values_that_unpack_to_gigabytes(make_gitops: GitopsMaker, bumper: CommandLine) -> None:
    large = values("1.0.0") + "# padding\n" * 2_000_000
    gitops = make_gitops({STAGING_FILE: values("1.0.0"), "apps/large/envs/staging/values.yaml": large})

    result = bumper.bump("staging", f"{APP}:1.0.1")

    assert [change["app"] for change in result["changes"]] == ["app"]
    assert "larger than 10 MB" in result["warnings"][0]
    assert gitops.git("diff", "--name-only", "main", result["branch"]).split() == [STAGING_FILE]


@pytest.mark.parametrize("text", VALUES.values(), ids=VALUES)
def test_values_with_the_pin(make_gitops: GitopsMaker, bumper: CommandLine, text: str) -> None:
    gitops = make_gitops({STAGING_FILE: text + values("1.0.0")})

    ran = bumper("bump", "staging", f"{APP}:1.0.1", "--no-verify", "--output", "json")

    assert ran.code in {0, 1}, ran
    assert list(Path().iterdir()) == []
    if ran.code == 0:
        assert gitops.read(STAGING_FILE, ran.json["branch"]) == text + values("1.0.1")
    else:
        assert STAGING_FILE in ran.err
        untouched(gitops)


@pytest.mark.parametrize("path", [STAGING_FILE, "bumper.yaml"])
def test_symbolic_links(make_gitops: GitopsMaker, bumper: CommandLine, path: str, tmp_path: Path) -> None:
    gitops = make_gitops({"README.md": "x\n"})
    secret = tmp_path / "secret.yaml"
    secret.write_text(values("1.0.0"))
    clone = gitops.person()
    (clone.folder / path).parent.mkdir(parents=True, exist_ok=True)
    (clone.folder / path).symlink_to(secret)
    clone.git("add", path)
    clone.git("commit", "--quiet", "-m", "A link out")
    clone.git("push", "--quiet", "origin", "HEAD:main")

    refused(bumper, "bump", "staging", f"{APP}:1.0.1")

    assert secret.read_text() == values("1.0.0")
    assert gitops.branches() == []


def test_words_that_gitlab_would_act_on(
    make_gitops: GitopsMaker, bumper: CommandLine, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = "@all ~x <img src=x>"
    staging, prod = (f"apps/{app}/envs/{name}/values.yaml" for name in ("staging", "prod"))
    gitops = make_gitops({staging: values("1.0.0"), prod: values("0.9.0")})
    for name in ("CI_COMMIT_TITLE", "CI_COMMIT_AUTHOR", "GITLAB_USER_LOGIN", "CI_PIPELINE_URL", "CI_PROJECT_PATH"):
        monkeypatch.setenv(name, f"{MISCHIEF}\n\n/merge\n@alice\nBumper-Command: rollback\nBumper-Pipeline: 7")
    monkeypatch.setenv("CI_PIPELINE_ID", "1")

    bumped = bumper.bump("staging", f"{APP}:1.0.1", "--title", f"{MISCHIEF}\n/merge @alice", "--label", "~a\n/merge")
    promoted = bumper("promote", "staging", "prod", "--no-verify", "--output", "json", code=0).json

    assert sandbox.mentions == []
    assert [one["state"] for one in gitops.merge_requests("all")] == ["opened", "opened"]
    for one in gitops.merge_requests():
        assert not one["merge_when_pipeline_succeeds"]
        assert "\n" not in one["title"]
        open_text = re.sub(r"`[^`\n]+`|<!--.*?-->|</?(details|summary)>", "", one["description"])
        assert "<" not in open_text
        assert re.findall(r"^\s*/", open_text, re.MULTILINE) == []
    for result in (bumped, promoted):
        trailers = trailers_of(gitops, result["commit"])
        assert trailers.count(f"Bumper-Command: {result['command']}") == 1
        for name in ("Bumper-Command", "Bumper-Pipeline", "Bumper-Requested-By"):
            assert len([line for line in trailers if line.startswith(f"{name}:")]) == 1


def trailers_of(gitops: Gitops, commit: str) -> list[str]:
    """As git itself reads them."""
    message = gitops.git("show", "--no-patch", "--format=%B", commit)
    command = ["git", "interpret-trailers", "--parse"]
    return subprocess.run(command, input=message, capture_output=True, text=True, check=True).stdout.splitlines()


def test_a_record_that_somebody_forged(make_gitops: GitopsMaker, bumper: CommandLine) -> None:
    gitops = make_gitops({STAGING_FILE: values("1.0.0")})
    bumper.bump("staging", f"{APP}:1.0.1")
    forged = [
        '{"command": ' + "[" * 9_000,
        '{"changes": [["' + "a" * 9_000,
        '{"pipeline": [' + "9" * 9_000 + "]}",
        "{}",
    ]
    for text in forged:
        gitops.api.put("/merge_requests/1", description=f"<!-- bumper: {text} -->\n<!-- bumper: {{}} -->")

        assert bumper.bump("staging", f"{APP}:1.0.1")["merge_request"]["iid"] == 1
    assert len(gitops.merge_requests("all")) == 1
