"""Every byte outside the tags is as it was, whatever git's settings would make of the file."""

import pytest

from tests.support.command_line import CommandLine
from tests.support.gitops import APP, STAGING_FILE, GitopsMaker, values

ATTRIBUTES = "* text=auto eol=crlf\n*.yaml ident filter=lfs\n"


@pytest.mark.parametrize(
    "before",
    [
        pytest.param(values("1.0.0").encode(), id="plain"),
        pytest.param(values("1.0.0").replace("\n", "\r\n").encode(), id="CRLF"),
        pytest.param(values("1.0.0").rstrip("\n").encode(), id="no line end at the end"),
        pytest.param(b"\xef\xbb\xbf" + values("1.0.0").encode(), id="byte order mark"),
        pytest.param(b"# $Id$\r\n" + values("1.0.0").encode() + b"\n\n   \n", id="mixed line ends"),
        pytest.param(b"# \xc3\xbc \xe2\x80\x9c\t\n" + values("'1.0.0'   # {why}").encode(), id="signs and comments"),
    ],
)
def test_the_blob_differs_in_the_tag_alone(make_gitops: GitopsMaker, bumper: CommandLine, before: bytes) -> None:
    gitops = make_gitops({STAGING_FILE: before, ".gitattributes": ATTRIBUTES})

    branch = bumper.bump("staging", f"{APP}:1.0.1")["branch"]

    assert gitops.read_bytes(STAGING_FILE, branch) == before.replace(b"1.0.0", b"1.0.1")


@pytest.mark.parametrize("name", ["my app", '"quoted"', "ünï", "back\\slash", "-dash", "{{ app }}"])
def test_any_file_name_will_do(make_gitops: GitopsMaker, bumper: CommandLine, name: str) -> None:
    gitops = make_gitops({"README.md": "# GitOps\n"})
    clone = gitops.person()
    file = clone.folder / name / "envs" / "staging" / "values.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(values("1.0.0"))
    file.chmod(0o755)
    clone.git("add", ".")
    clone.git("commit", "--quiet", "-m", "Odd")
    clone.git("push", "--quiet", "origin", "main")

    result = bumper.bump("staging", f"{APP}:1.0.1")

    path = f"{name}/envs/staging/values.yaml"
    assert [(change["app"], change["file"]) for change in result["changes"]] == [(name, path)]
    assert gitops.read(path, result["branch"]) == values("1.0.1")
    assert gitops.git("ls-tree", result["branch"], "--", path).startswith("100755 ")
    assert len(gitops.git("diff", "--name-only", "main", result["branch"]).splitlines()) == 1


def test_a_file_outside_the_environment_is_never_read(make_gitops: GitopsMaker, bumper: CommandLine) -> None:
    gitops = make_gitops({STAGING_FILE: values("1.0.0"), "apps/app/envs/prod/values.yaml": "a: [b\n"})

    result = bumper.bump("staging", f"{APP}:1.0.1")

    assert result["warnings"] == []
    assert gitops.read("apps/app/envs/prod/values.yaml", result["branch"]) == "a: [b\n"
