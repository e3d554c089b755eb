"""``bumper demo``: the real commands against the embedded server, step by step."""

import contextlib
import http.client
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from bumper.commands.sandbox import running_sandbox
from bumper.errors import Refused
from bumper.sandbox import Sandbox

_REQUESTS = "/api/v4/projects/platform%2Fgitops/merge_requests"
_IMAGE = "registry.tbank.local/backend/app"
_PROMOTE = ("promote", "staging", "prod", "--app", "backend")
_ROLLBACK = ("rollback", "prod", "--app", "backend", "--hold", "payment errors")
_ASKS_REGISTRIES = frozenset({"bump", "promote", "rollback"})
_PROPOSED = re.compile(r"^merge request !(\d+) \w+: (\S+)$", re.MULTILINE)
_TIMEOUT = 10.0  # seconds for an answer


@dataclass(frozen=True, slots=True)
class _Step:
    """A command, what it is for, and what its output has to show; with ``merge`` a person then presses Merge."""

    purpose: str
    arguments: tuple[str, ...]
    shows: str
    merge: bool = False
    code: int = 0


_STEPS = (
    _Step("CI pushed a new image. What would bumper do?", ("bump", "staging", f"{_IMAGE}:1.0.3", "--dry-run"), "1.0.3"),
    _Step("Propose it.", ("bump", "staging", f"{_IMAGE}:1.0.3"), "merge request !1 opened"),
    _Step(
        "The same job again: nothing is made twice.", ("bump", "staging", f"{_IMAGE}:1.0.3"),
        "merge request !1 unchanged",
    ),
    _Step(
        "A newer build: the same merge request moves on. 1.10 stays text.", ("bump", "staging", f"{_IMAGE}:1.10"),
        "merge request !1 updated", merge=True,
    ),
    _Step("What runs in staging goes to prod, as it is.", _PROMOTE, "1.0.1 -> 1.10", merge=True),
    _Step("It fails. What would a rollback do?", (*_ROLLBACK, "--dry-run"), '"1.0.1" # bumper: hold payment errors'),
    _Step("Roll back, and hold it so that nothing brings 1.10 back.", _ROLLBACK, "1.10 -> 1.0.1", merge=True),
    _Step("The hold is respected.", _PROMOTE, "prod: held"),
    _Step("Where are we? The asterisk is the hold.", ("status", "staging", "prod"), "1.0.1*"),
    _Step(
        "Fixed: take the hold off again.", ("unhold", "prod", "--app", "backend"),
        "prod: proposed", merge=True,
    ),
    _Step("Now the promotion goes through.", _PROMOTE, "1.0.1 -> 1.10", merge=True),
    _Step("Who did what? All of it is in git.", ("history", "prod"), "!5"),
)  # fmt: skip

_SHOP = "registry.tbank.local/shop/web"
_NIGHT = _Step(
    "At night, by itself: 2.0.0 turns out Degraded, so the job takes it back, holds it, and fails.",
    ("bump", "prod", f"{_SHOP}:2.0.0", "--wait-deployed", "2m"), "is rolled back by !2", code=5,
)  # fmt: skip


def demo(show: Callable[[str], None], paint: Callable[[str], str]) -> int:
    """Bump, promote, roll back with a hold, promote again; the exit code of the first step that failed, else 0.

    ``paint`` gives diffs their colours.
    """
    with running_sandbox(0, None) as sandbox:
        show(f"An embedded GitLab-compatible server runs at {sandbox.url} with a sample GitOps repository.\n")
        environ, token = _environ(sandbox), sandbox.create_token("alice", role="maintainer", kind="personal")
        for step in _STEPS:
            output = _play(step, environ, show, paint)
            if output is None:
                return 1
            if step.merge:
                show(_merge(sandbox, token, output))
        if _play(_NIGHT, environ | _at_night(sandbox), show, paint) is None:
            return 1
        show("The merge requests' pages, with their diffs and a Merge button, are what you see with `bumper sandbox`.")
    return 0


def _play(
    step: _Step, environ: Mapping[str, str], show: Callable[[str], None], paint: Callable[[str], str]
) -> str | None:
    """Run a step and show what a reader of the terminal would see; None where it did not do what it says."""
    command = ["bumper", *step.arguments, *(["--no-verify"] if step.arguments[0] in _ASKS_REGISTRIES else [])]
    # -P: whoever runs the demo in a folder with a json.py of their own does not have that imported.
    done = subprocess.run(
        [sys.executable, "-P", "-m", *command], env=dict(environ), capture_output=True, text=True, check=False
    )
    typed = " ".join(f'"{word}"' if " " in word else word for word in command)
    output = f"# {step.purpose}\n$ {typed}\n{done.stdout}{done.stderr}"
    diff, heading, description = output.partition("\nThe merge request would be:")  # with lists of dashes
    show(paint(diff) + heading + description)
    if done.returncode == step.code and step.shows in output:
        return output
    show(f"This step did not do what it says: exit code {done.returncode}, and its output lacks {step.shows!r}.")
    return None


def _at_night(sandbox: Sandbox) -> dict[str, str]:
    """A second repository, which Argo CD deploys and where GitLab merges by itself; the variables that lead there."""
    config = (
        f"environments:\n  prod:\n    values: apps/{{app}}/envs/prod/values.yaml\n    auto_merge: true\n"
        f"    rollback_on_failure: true\n"
        f"    argocd: {{server: {sandbox.url}/argocd, application: '{{app}}-prod'}}\n"
    )
    values = f"image:\n  repository: {_SHOP}\n  tag: 1.9.2\n"
    sandbox.choose(merge_access="developers", argocd_degraded=("2.0.0",))
    files = {"bumper.yaml": config.encode(), "apps/shop/envs/prod/values.yaml": values.encode()}
    url = sandbox.create_project("platform/night", files)
    token = sandbox.create_token("bumper", project="platform/night")
    return {"BUMPER_REPO": url, "BUMPER_TOKEN": token, "ARGOCD_AUTH_TOKEN": "argocd"}


def _environ(sandbox: Sandbox) -> dict[str, str]:
    """Without the machine's own repository, pipeline and proxies: the server is on this machine."""
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("CI", "BUMPER_", "GITLAB_")) and not name.lower().endswith("_proxy")
    }
    named = {"BUMPER_REPO": sandbox.repo_url, "BUMPER_TOKEN": sandbox.token, "GITLAB_USER_LOGIN": "alice"}
    return clean | named


def _merge(sandbox: Sandbox, token: str, output: str) -> str:
    """Merge what ``output`` says was proposed, as a person does: once the server has checked it."""
    proposed = _PROPOSED.search(output)
    if proposed is None:
        raise Refused("the demo found no merge request to merge", "please report this")
    path = f"{_REQUESTS}/{proposed[1]}"
    sandbox.run_jobs()
    _ask(sandbox, token, "GET", path)  # GitLab checks whether it can be merged once somebody looks
    sandbox.run_jobs()
    if _ask(sandbox, token, "PUT", f"{path}/merge").get("state") != "merged":
        raise Refused(f"the demo could not merge !{proposed[1]}", "please report this")
    return f"# Alice presses Merge on {proposed[2]}: merged.\n"


def _ask(sandbox: Sandbox, token: str, method: str, path: str) -> dict[str, object]:
    """The server's answer; by a plain connection, because no proxy stands before it."""
    connection = http.client.HTTPConnection(urlsplit(sandbox.url).netloc, timeout=_TIMEOUT)
    with contextlib.closing(connection):
        connection.request(method, path, headers={"PRIVATE-TOKEN": token})
        answer: dict[str, object] = json.loads(connection.getresponse().read())
        return answer
