"""How a command line is read: help, its groups, mistakes in our words, and what shells complete."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bumper import __version__
from tests.support.command_line import CommandLine
from tests.support.gitops import Gitops, values

CHANGING = ("bump", "promote", "rollback", "hold", "unhold")


def test_bumper_help_is_help(bumper: CommandLine) -> None:
    assert bumper("help", code=0).out == bumper("--help", code=0).out == bumper("-h", code=0).out == bumper(code=0).out
    promote = [("help", "promote"), ("promote", "--help"), ("promote", "-h")]
    assert len({bumper(*arguments, code=0).out for arguments in promote}) == 1


def test_upper_case_v_prints_the_version(bumper: CommandLine) -> None:
    assert bumper("-V", code=0).out == bumper("--version", code=0).out == f"bumper {__version__}\n"


def test_v_may_stand_before_the_command(gitops: Gitops, bumper: CommandLine) -> None:
    assert f"cloning {gitops.url} ...\n" in bumper("-v", "status", code=0).err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("rollback", "dev", "--steps", "two"), "'--steps': 'two' is not a whole number of at least 1"),
        (("rollback", "dev", "--mr", "-3"), "'--mr': '-3' is not a whole number of at least 1"),
        (("history", "dev", "--limit", "0"), "'--limit': '0' is not a whole number of at least 1"),
        (("sandbox", "--port", "65536"), "'--port': '65536' is not a whole number from 0 to 65535"),
        (("bump", "dev", "a:1", "--delivery", "mail"), "'--delivery': 'mail' is not one of 'merge-request', 'commit'"),
        (("bump", "dev", "a:1", "--wait", "soon"), "'--wait': 'soon' is not a duration"),
        (("init", "a", "b"), "unexpected argument 'b'"),
        (("bumb",), "there is no command 'bumb' (did you mean 'bump'?); see `bumper --help`."),
        (("bump", "dev", "a:1", "--wiat", "3"), "there is no option --wiat (did you mean --wait?); see"),
        (("status", "--repo"), "option '--repo' requires an argument; see `bumper status --help`."),
        (("check", "--repo", "x"), "there is no option --repo; see"),
        (("status", "--output", "xml"), "invalid value for '--output' (or BUMPER_OUTPUT): 'xml' is not one of"),
    ],
)
def test_mistakes_are_in_our_words_and_name_the_help(
    bumper: CommandLine, arguments: tuple[str, ...], sentence: str
) -> None:
    message = bumper(*arguments, code=2).err

    assert sentence in message
    assert "Value error" not in message
    assert "Input should" not in message
    assert f"; see `bumper {arguments[0]} --help`." in message or arguments == ("bumb",)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--colour", "--output", "json"),
        ("--output=text", "--colour", "--output=json"),
    ],
)
def test_a_mistake_before_output_json_is_printed_as_json(bumper: CommandLine, arguments: tuple[str, ...]) -> None:
    ran = bumper("bump", *arguments, code=2)

    assert ran.json["error"]["code"] == 2
    assert ran.json["error"]["message"] in ran.err


@pytest.mark.parametrize("command", CHANGING)
def test_help_has_option_groups_that_name_environment_variables(
    bumper: CommandLine, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("COLUMNS", "80")

    text = bumper(command, "--help", code=0).out
    groups = dict(section.split(":\n", 1) for section in text.split("\n\n") if ":\n" in section)

    assert max(map(len, text.splitlines())) <= 80
    assert {"Arguments", "Options", "Repository", "Merge request", "Output"} <= groups.keys()
    assert all(name in groups["Repository"] for name in ("BUMPER_REPO", "BUMPER_TOKEN", "CI_SERVER_TLS_CA_FILE"))
    assert ("DOCKER_AUTH_CONFIG" in groups.get("Registries", "")) == (command in {"bump", "promote", "rollback"})
    assert "BUMPER_OUTPUT" in groups["Output"]
    assert not any(leak in text for leak in ("<str>", "list[", "{ENV", "x>="))


def complete(folder: Path, words: str) -> list[str]:
    """What bash offers behind ``words``."""
    asked = {"_BUMPER_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    program = Path(sys.executable).with_name("bumper")
    ran = subprocess.run([program], env=os.environ | asked, cwd=folder, capture_output=True, text=True, check=True)
    assert ran.stderr == ""
    return ran.stdout.split()


def test_shells_complete_environments_and_applications_of_a_checkout(tmp_path: Path) -> None:
    for place in ("shop/envs/staging", "shop/envs/prod", "search/envs/prod"):
        folder = tmp_path / "apps" / place
        folder.mkdir(parents=True)
        (folder / "values.yaml").write_text(values("1"), encoding="utf-8")
    outside = complete(tmp_path, "bumper bump ")
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    subprocess.run(["git", "-C", tmp_path, "add", "."], check=True)

    assert outside == []
    assert complete(tmp_path / "apps", "bumper bump ") == ["staging", "prod"]
    assert complete(tmp_path, "bumper promote staging p") == ["prod"]
    assert complete(tmp_path, "bumper rollback prod --yes --app ") == ["search", "shop"]
    assert complete(tmp_path, "bumper hold staging --app s") == ["shop"]
