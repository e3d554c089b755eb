"""What a person sees: progress, colours, sections in GitLab CI, help, completion."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bumper.cli.main import app
from tests.faults.proxy import SILENT, Proxy
from tests.support.command_line import CommandLine, finish, start, told
from tests.support.gitops import APP, STAGING_FILE, Gitops, GitopsMaker, values
from tests.support.terminal import on_a_terminal

NEW = f"{APP}:1.0.1"
COMMANDS = sorted(str(command.name) for command in app.registered_commands)


@pytest.fixture
def gitops(make_gitops: GitopsMaker) -> Gitops:
    return make_gitops({STAGING_FILE: values("1.0.0")})


@pytest.fixture
def stuck(gitops: Gitops, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of the repository behind a proxy that never answers."""
    with Proxy(gitops.sandbox.url) as proxy:
        proxy.fail(SILENT)
        url = gitops.url.replace(gitops.sandbox.url, proxy.url)
        monkeypatch.setenv("BUMPER_REPO", url)
        yield url


def test_what_takes_long_is_a_line_in_a_log(stuck: str) -> None:
    running = start("bump", "staging", NEW)

    line = told(running, "cloning")
    running.send_signal(signal.SIGINT)

    assert line == f"cloning {stuck} ...\n"
    assert finish(running).code == 130


def test_and_a_live_line_in_a_terminal_that_goes_away(stuck: str) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "bumper", "bump", "staging", NEW]
    running = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=theirs)
    os.close(theirs)
    seen = _read(ours, rb"cloning .* 2 s")

    running.send_signal(signal.SIGINT)
    seen += _read(ours, rb"interrupted")

    assert running.wait(60) == 130
    assert seen.startswith(b"\r\x1b[2Kcloning " + stuck.encode() + b" ... 1 s")
    assert seen.rstrip().endswith(b"\r\x1b[2Kinterrupted")
    os.close(ours)


def _read(terminal: int, until: bytes) -> bytes:
    seen = b""
    while re.search(until, seen) is None:
        assert select.select([terminal], [], [], 60)[0], seen
        seen += os.read(terminal, 65536)
    return seen


def _on_a_terminal(*arguments: str, **environ: str) -> str:
    """What bumper writes to a terminal."""
    return on_a_terminal(arguments, os.environ | {"TERM": "xterm"} | environ)


@pytest.mark.usefixtures("gitops")
def test_a_diff_has_colours_on_a_terminal_only(bumper: CommandLine) -> None:
    arguments = ("bump", "staging", NEW, "--no-verify", "--dry-run")

    shown = _on_a_terminal(*arguments)

    assert "\x1b[32m+  tag: 1.0.1\x1b[0m" in shown
    assert "\x1b[31m-  tag: 1.0.0\x1b[0m" in shown
    assert "\x1b[36m@@ " in shown
    assert "\x1b[31m--- a/" not in shown
    for plain in (_on_a_terminal(*arguments, NO_COLOR="1"), _on_a_terminal(*arguments, TERM="dumb")):
        assert "\n-  tag: 1.0.0" in plain.replace("\r", "")
        assert "\x1b[3" not in plain
    assert "\x1b" not in bumper(*arguments, code=0).out


def test_the_diff_of_a_local_file_has_colours_too(tmp_path: Path) -> None:
    file = tmp_path / "values.yaml"
    file.write_text(values("1.0.0"), encoding="utf-8")

    shown = _on_a_terminal("set", NEW, str(file), "--dry-run")

    assert "\x1b[32m+  tag: 1.0.1\x1b[0m" in shown


@pytest.mark.usefixtures("gitops")
def test_errors_and_warnings_have_colours_on_a_terminal_only(bumper: CommandLine) -> None:
    assert "\x1b[31;1merror:\x1b[0m nothing in staging" in _on_a_terminal("bump", "staging", "no/such:1", "--no-verify")
    assert bumper("bump", "staging", "no/such:1", "--no-verify", code=1).err.startswith("error: nothing in staging")


def test_with_v_in_gitlab_ci_every_step_is_a_section(
    gitops: Gitops, bumper: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITLAB_CI", "true")

    ran = bumper("bump", "staging", NEW, "--no-verify", "-v", code=0)

    starts = re.findall(r"^section_start:\d+:(bumper_\w+)\[collapsed=true\]\r\x1b\[0K(.*)$", ran.err, re.MULTILINE)
    ends = re.findall(r"^section_end:\d+:(bumper_\w+)\r\x1b\[0K$", ran.err, re.MULTILINE)
    assert [name for name, _ in starts] == ends
    assert starts[0][1] == f"cloning {gitops.url}"
    assert any(title.startswith("proposing bumper/") for _, title in starts)
    assert os.environ["BUMPER_TOKEN"] not in ran.err + ran.out
    assert "section_" not in ran.out


@pytest.mark.usefixtures("gitops")
def test_with_v_elsewhere_steps_are_lines(bumper: CommandLine) -> None:
    ran = bumper("bump", "staging", NEW, "--no-verify", "-v", code=0)

    assert "cloning http" in ran.err
    assert "section_" not in ran.err


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example_that_is_a_command_line(bumper: CommandLine, command: str) -> None:
    text = " ".join(bumper(command, "--help", code=0).out.split())

    assert f"Example: bumper {command}" in text


@pytest.mark.parametrize("command", ["bump", "promote", "rollback", "hold", "unhold", "status", "history", "init"])
def test_help_names_the_environment_variables(bumper: CommandLine, command: str) -> None:
    text = bumper(command, "--help", code=0).out

    named = ["BUMPER_REPO", "BUMPER_BRANCH", "BUMPER_OUTPUT", "BUMPER_TOKEN", "GITLAB_TOKEN", "CI_JOB_TOKEN"]
    if command in {"bump", "promote", "rollback"}:
        named += ["DOCKER_AUTH_CONFIG", "ARGOCD_AUTH_TOKEN", "CI_REGISTRY_PASSWORD"]
    assert [name for name in named if name not in text] == []


def test_shells_complete_commands_and_options(tmp_path: Path) -> None:
    def completed(words: str, position: int) -> list[str]:
        asked = {"_BUMPER_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(position)}
        program = Path(sys.executable).with_name("bumper")
        ran = subprocess.run(
            [program], env=os.environ | asked, cwd=tmp_path, capture_output=True, text=True, check=True
        )
        return ran.stdout.split()

    assert completed("bumper pro", 1) == ["promote"]
    assert "--wait-deployed" in completed("bumper bump --wait", 2)
