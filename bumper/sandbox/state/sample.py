"""The sample GitOps repository: the files in ``sample/`` and how they came to be, the same commits every time."""

from dataclasses import dataclass
from pathlib import Path

from bumper.sandbox.git.repository import NewCommit, Signature

SAMPLE_PROJECT = "platform/gitops"

_FOLDER = Path(__file__).parent / "sample"
_ALICE = ("Alice Archer", "alice@sandbox.local")
_BOB = ("Bob Baker", "bob@sandbox.local")
_CAROL = ("Carol Cooper", "carol@sandbox.local")


@dataclass(frozen=True, slots=True)
class _Step:
    """One change in the sample's past: on this day, in this file, the old text became the new one."""

    day: int
    author: tuple[str, str]
    message: str
    path: str
    old: str
    new: str


SAMPLE_BEGAN = 1767258000  # 1 January 2026, 09:00 UTC
_DAY = 86400
_STEPS = (
    _Step(4, _BOB, "backend: 1.0.2 in dev\n", "apps/backend/envs/dev/values.yaml", "1.0.1", "1.0.2"),
    _Step(
        6, _CAROL, "backend: 1.0.2 in staging\n",
        "apps/backend/envs/staging/values.yaml", "tag: 1.0.1", "tag: 1.0.2",
    ),
    _Step(
        11, _CAROL, "frontend: 2026.1.1 in staging\n",
        "apps/frontend/envs/staging/values.yaml", "2026.1.0", "2026.1.1",
    ),
    _Step(
        12, _ALICE, "backend: more replicas in prod\n\nThe sale begins on Friday.\n",
        "apps/backend/envs/prod/values.yaml", "maxReplicas: 12", "maxReplicas: 24",
    ),
    _Step(18, _BOB, "backend: 1.0.3 in dev\n", "apps/backend/envs/dev/values.yaml", "1.0.2", "1.0.3"),
)  # fmt: skip


def sample_commits() -> list[NewCommit]:
    """The sample's history, oldest first: the files as they began, then a commit for each step."""
    files = {str(file.relative_to(_FOLDER)): file.read_bytes() for file in sorted(_FOLDER.rglob("*")) if file.is_file()}
    for step in reversed(_STEPS):
        files[step.path] = _changed(files[step.path], step.new, step.old)
    commits = [
        NewCommit(dict(files), "Deploy backend, frontend and worker\n", Signature(*_ALICE, f"{SAMPLE_BEGAN} +0000"))
    ]
    for step in _STEPS:
        files[step.path] = _changed(files[step.path], step.old, step.new)
        author = Signature(*step.author, f"{SAMPLE_BEGAN + step.day * _DAY} +0000")
        commits.append(NewCommit({step.path: files[step.path]}, step.message, author))
    return commits


def _changed(content: bytes, old: str, new: str) -> bytes:
    if content.count(old.encode()) != 1:
        raise ValueError(f"the sample's history says {old!r}, its file does not, or says it more than once")
    return content.replace(old.encode(), new.encode())
