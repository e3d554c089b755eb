"""bumper's command line as a user meets it: arguments in; exit code, stdout and stderr out."""

import io
import json
import os
import pty
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from bumper.cli.main import main
from bumper.clock import SYSTEM_CLOCK, Clock

NEVER = 600.0  # seconds: a busy machine shows no step as a slow one


@dataclass(frozen=True)
class Ran:
    """What a run of bumper came to."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """Stderr without the steps that a busy machine was slow at."""
        return "".join(line for line in self.err.splitlines(keepends=True) if not line.endswith(" ...\n"))

    @property
    def json(self) -> Any:  # noqa: ANN401 - JSON
        """All of stdout as one JSON value."""
        return json.loads(self.out)


@dataclass(frozen=True)
class CommandLine:
    """Runs bumper in this process."""

    _capsys: pytest.CaptureFixture[str]
    _monkeypatch: pytest.MonkeyPatch
    clock: Clock = SYSTEM_CLOCK

    def __call__(self, *arguments: str, stdin: bytes = b"", code: int | None = None) -> Ran:
        """Run it; ``code`` is the exit code that the test takes for granted."""
        self._capsys.readouterr()
        self._monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        ended = main(arguments, slow=NEVER, clock=self.clock)
        out, err = self._capsys.readouterr()
        ran = Ran(ended, out, err)
        assert code is None or ran.code == code, ran
        return ran

    def bump(self, *arguments: str, code: int = 0) -> Any:  # noqa: ANN401 - JSON
        """``bumper bump``; what its JSON says. No registry is asked."""
        return self("bump", *arguments, "--no-verify", "--output", "json", code=code).json

    def refused(self, *arguments: str, code: int = 1) -> str:
        """The message of a bump that fails with ``code``."""
        message: str = self.bump(*arguments, code=code)["error"]["message"]
        return message


def start(*arguments: str, environ: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
    """Bumper as a process of its own, in this process's environment with ``environ`` added."""
    return subprocess.Popen(
        [sys.executable, "-m", "bumper", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **(environ or {})},
    )


def in_a_terminal(*arguments: str, answer: str) -> tuple[int, str, str]:
    """Run bumper with a terminal for stdin; exit code, stdout and stderr."""
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "w") as keyboard:
        command = [sys.executable, "-m", "bumper", *arguments]
        process = subprocess.Popen(command, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        os.close(theirs)
        keyboard.write(answer)
        keyboard.flush()
        out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def told(process: subprocess.Popen[str], beginning: str) -> str:
    """The next line on stderr that begins so; the steps that a busy machine is slow at come before it."""
    assert process.stderr is not None
    return next(line for line in process.stderr if line.startswith(beginning))


def finish(process: subprocess.Popen[str]) -> Ran:
    """What a started bumper came to."""
    out, err = process.communicate(timeout=120)
    return Ran(process.returncode, out, err)
