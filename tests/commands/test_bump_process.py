"""bumper beside other processes: what they can see of it, and how it ends when it is told to."""

import os
import signal
from pathlib import Path

import pytest

from tests.support.command_line import finish, start
from tests.support.gitops import Gitops

BACKEND = "registry.tbank.local/backend/app"
ARGUMENTS = ("bump", "staging", f"{BACKEND}:1.0.3", "--no-verify")
GIT = """\
#!/bin/sh
# What a process list would show of git, and what its clone's configuration holds; then git itself.
printf '%s\\n' "$*" >>"$SEEN"
for argument; do
    case "$argument" in --git-dir=*) cat "${argument#--git-dir=}/config" >>"$SEEN" 2>/dev/null ;; esac
done
exec /usr/bin/env PATH="$REAL_PATH" git "$@"
"""
WAITING_GIT = """\
#!/bin/sh
# A git that says that it has begun, and never ends.
: >"$SEEN"
exec sleep 600
"""


def with_git(script: str, seen: Path) -> dict[str, str]:
    """The environment in which the program git is ``script``, which writes into ``seen``."""
    folder = seen.parent / "bin"
    folder.mkdir()
    (folder / "git").write_text(script)
    (folder / "git").chmod(0o755)
    path = os.environ["PATH"]
    return {"PATH": f"{folder}:{path}", "REAL_PATH": path, "SEEN": str(seen)}


def test_the_token_is_in_no_argument_and_no_configuration(gitops: Gitops, tmp_path: Path) -> None:
    seen = tmp_path / "seen"

    ran = finish(start(*ARGUMENTS, "--output", "json", environ=with_git(GIT, seen)))

    assert ran.code == 0
    text = seen.read_text()
    assert " clone " in text
    assert " push " in text
    assert '[remote "origin"]' in text
    assert gitops.sandbox.token not in text
    assert "Authorization" not in text
    assert gitops.sandbox.token not in ran.out + ran.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_cleans_up(
    gitops: Gitops, tmp_path: Path, temporary_folder: Path, number: signal.Signals
) -> None:
    seen = tmp_path / "seen"
    os.mkfifo(seen)
    process = start(*ARGUMENTS, environ=with_git(WAITING_GIT, seen))
    seen.read_bytes()  # returns once git has begun

    process.send_signal(number)
    ran = finish(process)

    assert ran.code == 130
    assert ran.said == "interrupted\n"
    assert list(temporary_folder.iterdir()) == []
    assert gitops.branches() == []


def test_stdout_that_cannot_show_a_sign(gitops: Gitops) -> None:
    ran = finish(start("bump", "staging", f"{BACKEND}:1.0.3", "--no-verify", environ={"PYTHONIOENCODING": "ascii"}))

    assert ran.code == 0
    assert len(gitops.merge_requests()) == 1
