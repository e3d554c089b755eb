"""What a new server starts with: its people, and the sample project with a token for it.

The sample GitOps repository is in ``sample/``, and comes to be by the same commits every time.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bumper.sandbox.git.repository import NewCommit, Signature
from bumper.sandbox.state.records import Project, ProtectedBranch, Role, User
from bumper.sandbox.state.settings import PROJECT_NAMES
from bumper.sandbox.state.world import World, now

SAMPLE_PROJECT = "platform/gitops"

_FOLDER = Path(__file__).parent / "sample"
_ALICE = ("Alice Archer", "alice@sandbox.local")
_BOB = ("Bob Baker", "bob@sandbox.local")
_CAROL = ("Carol Cooper", "carol@sandbox.local")
SAMPLE_BEGAN = 1767258000  # 1 January 2026, 09:00 UTC
_DAY = 86400
_LEVELS = {"developers": Role.DEVELOPER, "maintainers": Role.MAINTAINER, "nobody": Role.NOBODY}
TOKEN_SCOPES = ("api", "write_repository")


@dataclass(frozen=True, slots=True)
class _Step:
    """One change in the sample's past: on this day, in this file, the old text became the new one."""

    day: int
    author: tuple[str, str]
    message: str
    path: str
    old: str
    new: str


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


def _sample_commits() -> list[NewCommit]:
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


def add_people(world: World) -> None:
    """An administrator, three people, one without access, a service account, and whom deleted users' work goes to."""
    world.add_user("root", "Administrator", Role.MAINTAINER, admin=True)
    world.add_user("alice", "Alice Archer", Role.MAINTAINER)
    world.add_user("bob", "Bob Baker", Role.DEVELOPER)
    world.add_user("carol", "Carol Cooper", Role.DEVELOPER)
    world.add_user("dave", "Dave Dale", Role.NOBODY)
    world.add_user("bumper", "bumper", Role.DEVELOPER, bot=True)
    world.add_user("ghost", "Ghost User", Role.NOBODY)


def add_project(world: World, path: str) -> Project:
    """An empty project with the server's settings, whose default branch is protected."""
    settings = {name: getattr(world.settings, name) for name in PROJECT_NAMES}
    project = Project(id=world.next_id(), path=path, created_at=now(), **settings)
    project = protect_default_branch(world, project)
    world.records.projects[project.id] = project
    world.repository(project).create(project.default_branch, world.hooks_folder)
    return project


def protect_default_branch(world: World, project: Project) -> Project:
    """The project with the rule for its default branch that the server's settings choose."""
    levels = (_LEVELS[world.settings.push_access], _LEVELS[world.settings.merge_access])
    rule = ProtectedBranch(world.next_id(), project.default_branch, *levels)
    others = tuple(one for one in project.protected_branches if one.name != rule.name)
    return replace(project, protected_branches=(rule, *others))


def add_bot(world: World, project: Project, name: str, *, of_group: bool = False) -> User:
    """The user that GitLab makes for a project's or group's access token called ``name``."""
    username = f"{'group' if of_group else 'project'}_{project.id}_bot_{secrets.token_hex(16)}"
    return world.add_user(username, name, Role.DEVELOPER, bot=True)


def add_sample(world: World) -> None:
    """The sample project with its history, and the bot's access token for it."""
    project = add_project(world, SAMPLE_PROJECT)
    world.repository(project).add_commits(project.default_branch, _sample_commits())
    token = world.add_token(
        add_bot(world, project, "bumper"),
        kind="project",
        role=Role.DEVELOPER,
        scopes=TOKEN_SCOPES,
        project_id=project.id,
    )
    world.records.sample_token = token.value


def apply_settings(world: World, project: Project | None, choices: Mapping[str, object]) -> None:
    """Change this project by its part of the settings; without one the server's settings and every project."""
    before = world.settings
    world.choose(choices)
    own: dict[str, Any] = {name: getattr(world.settings, name) for name in choices if name in PROJECT_NAMES}
    for changed in [project] if project else list(world.records.projects.values()):
        ruled = protect_default_branch(world, changed) if {"push_access", "merge_access"} & set(choices) else changed
        world.update_project(ruled, **own)
    if project:
        world.settings = before
