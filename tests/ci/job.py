"""A job as a runner does it: GitLab's variables, then the script's lines in one shell, in a folder of its own."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.pipelines import SERVER, pipeline

_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)\})")
_STRICT = "if set -o | grep pipefail >/dev/null; then set -o pipefail; fi; set -o errexit"


@dataclass(frozen=True)
class Done:
    """What a job came to."""

    code: int
    log: str
    dotenv: dict[str, str]  # the report's variables; empty where there is none
    files: list[str]  # what lies in the job's folder afterwards


@dataclass(frozen=True)
class Runner:
    """Runs the jobs of the project team/app; ``variables`` are its CI/CD variables."""

    folder: Path
    program: Path  # bumper's folder
    variables: Mapping[str, str]

    def __call__(self, job: Any, shell: str = "bash", **variables: str) -> Done:  # noqa: ANN401 - YAML
        """Run a job in which ``variables`` are GitLab's and the project's besides the usual ones."""
        known = {**_predefined(), **self.variables, **variables}
        environ = {**self._machine(), **{name: _expanded(str(text), known) for name, text in _of(job).items()}, **known}
        script = "\n".join([_STRICT, *job.get("before_script", []), *job["script"]])
        before = set(self.folder.iterdir())
        done = subprocess.run(
            [shell, "-c", script], cwd=self.folder, env=environ, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, check=False,
        )  # fmt: skip
        made = sorted(path.name for path in set(self.folder.iterdir()) - before)
        report = self.folder / job.get("artifacts", {}).get("reports", {}).get("dotenv", "bumper.env")
        dotenv = dict(line.split("=", 1) for line in report.read_text().splitlines()) if report.exists() else {}
        report.unlink(missing_ok=True)
        return Done(done.returncode, done.stdout, dotenv, made)

    def _machine(self) -> dict[str, str]:
        """A container in which bumper is installed."""
        path = os.pathsep.join([str(self.program), str(Path(sys.executable).parent), os.environ["PATH"]])
        return {name: os.environ[name] for name in ("HOME", "TMPDIR", "GIT_CONFIG_NOSYSTEM")} | {"PATH": path}


def _of(job: Any) -> dict[str, str]:  # noqa: ANN401 - YAML
    variables: dict[str, str] = job.get("variables", {})
    return variables


def _predefined() -> dict[str, str]:
    """Those of GitLab's variables that say what is deployed, and those that could be mistaken for something else."""
    return pipeline(7) | {
        "CI": "true",
        "GITLAB_CI": "true",
        "GITLAB_USER_LOGIN": "dora",
        "CI_COMMIT_AUTHOR": "Dora <dora@example.org>",
        "CI_COMMIT_REF_NAME": "main",
        "CI_COMMIT_SHA": "0123456789abcdef" + "0" * 24,
        "CI_COMMIT_SHORT_SHA": "01234567",
        "CI_COMMIT_TITLE": "Mend the till",
        "CI_JOB_TOKEN": "glcbt-of-another-project",
        "CI_PROJECT_URL": f"{SERVER}/team/app",
        "CI_REGISTRY_IMAGE": "registry.tbank.local/backend/app",
    }


def _expanded(text: str, known: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda found: known.get(found[1] or found[2], ""), text)
