"""What README.md shows under ``$ bumper``: typed at a sandbox, in the order of the page, with people merging."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from bumper.commands.sandbox import running_sandbox

ROOT = Path(__file__).parents[2]
PLAYED = (ROOT / "README.md", ROOT / "README.ru.md")
_BLOCK = re.compile(r"(?<=^```console\n).*?(?=^```$)", re.MULTILINE | re.DOTALL)
_ASKS_REGISTRIES = ("bump", "promote", "rollback")  # the sample's images exist in none
# What differs from run to run, and what a page shows in its place.
_CONSTANT = (
    (re.compile(r"http://127\.0\.0\.1:\d+"), "https://gitlab.example.com"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d"), "2026-11-27 10:15"),
    (re.compile(r"\b[0-9a-f]{12}\b"), "3daabbf587e8"),
    (re.compile(r"\bafter \d+ s\b"), "after 4 s"),
)


def played(page: str, program: Sequence[str] = (sys.executable, "-m", "bumper")) -> str:
    """The text of a page with what its commands print today, typed at ``program``."""
    with running_sandbox(0, None, {"merge_access": "developers"}) as sandbox:
        environ = _clean() | {"BUMPER_REPO": sandbox.repo_url, "BUMPER_TOKEN": sandbox.token}
        return _BLOCK.sub(lambda block: _block(block[0], program, environ), page)


def _block(text: str, program: Sequence[str], environ: Mapping[str, str]) -> str:
    """Comments and commands as they are, each command with what it prints, a blank line between two of them."""
    kept = re.findall(r"(?:^# .*\n)*^\$ .*\n", text, re.MULTILINE)
    return "\n".join(f"{part}{_printed([*program, *_typed(part)], environ)}" for part in kept)


def _typed(part: str) -> list[str]:
    """The arguments of the command at the end of ``part``."""
    arguments = shlex.split(part.splitlines()[-1])[2:]
    return [*arguments, "--no-verify"] if arguments[0] in _ASKS_REGISTRIES else arguments


def _printed(command: list[str], environ: Mapping[str, str]) -> str:
    done = subprocess.run(
        command, env=dict(environ), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    text = done.stdout
    for changing, constant in _CONSTANT:
        text = changing.sub(constant, text)
    return text


def _clean() -> dict[str, str]:
    """Alice's environment: this machine's, without a pipeline or repository of its own; a terminal of 100 columns."""
    own = ("CI", "BUMPER_", "GITLAB_", "GIT_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(own)}
    alice = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "user.name", "GIT_CONFIG_VALUE_0": "Alice"}
    return kept | alice | {"COLUMNS": "100", "TZ": "UTC", "NO_COLOR": "1"}
