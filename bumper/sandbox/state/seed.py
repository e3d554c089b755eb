"""What a new server starts with: its people, and the sample project with a token for it."""

import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bumper.sandbox.state.records import Project, ProtectedBranch, Role, User
from bumper.sandbox.state.sample import SAMPLE_PROJECT, sample_commits
from bumper.sandbox.state.settings import PROJECT_NAMES
from bumper.sandbox.state.world import World, now

_LEVELS = {"developers": Role.DEVELOPER, "maintainers": Role.MAINTAINER, "nobody": Role.NOBODY}
TOKEN_SCOPES = ("api", "write_repository")


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
    world.repository(project).add_commits(project.default_branch, sample_commits())
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
