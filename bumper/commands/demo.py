"""``bumper demo``: the real commands against the embedded server, step by step."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping

from bumper.commands.sandbox import running_sandbox
from bumper.sandbox import Sandbox

_IMAGE = "registry.tbank.local/backend/app"
_COLOURS = ((re.compile(r"^(\+(?!\+\+).*)$", re.MULTILINE), "32"), (re.compile(r"^(-(?!--).*)$", re.MULTILINE), "31"))


def demo(show: Callable[[str], None], *, colour: bool) -> int:
    """Run a bump end to end and show every step; the exit code of the first command that failed, else 0."""
    with running_sandbox(0, None) as sandbox:
        show(f"An embedded GitLab-compatible server runs at {sandbox.url} with a sample GitOps repository.\n")
        environ = _environ(sandbox)
        for told, arguments in (
            ("CI pushed a new image. What would bumper do?", ["bump", "staging", f"{_IMAGE}:1.0.3", "--dry-run"]),
            ("Propose it.", ["bump", "staging", f"{_IMAGE}:1.0.3"]),
            ("The same job again: nothing is made twice.", ["bump", "staging", f"{_IMAGE}:1.0.3"]),
            ("A newer build: the same merge request moves on. 1.10 stays text.", ["bump", "staging", f"{_IMAGE}:1.10"]),
        ):
            code = _step(show, told, arguments, environ, colour=colour)
            if code != 0:
                return code
        show("The merge request's page, with its diff and a Merge button, is what you see with `bumper sandbox`.")
    return 0


def _environ(sandbox: Sandbox) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("CI", "BUMPER_", "GITLAB_"))}
    return clean | {"BUMPER_REPO": sandbox.repo_url, "BUMPER_TOKEN": sandbox.token}


def _step(
    show: Callable[[str], None], told: str, arguments: list[str], environ: Mapping[str, str], *, colour: bool
) -> int:
    show(f"# {told}\n$ bumper {' '.join(arguments)}")
    done = subprocess.run(
        [sys.executable, "-m", "bumper", *arguments, "--no-verify"], env=dict(environ), capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    show(_coloured(done.stdout + done.stderr) if colour else done.stdout + done.stderr)
    return done.returncode


def _coloured(text: str) -> str:
    for lines, number in _COLOURS:
        text = lines.sub(rf"\033[{number}m\1\033[0m", text)
    return text
