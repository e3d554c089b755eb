"""What a new server begins with: its people, and the sample project with a token for it."""

from bumper.sandbox.state.records import Project, ProtectedBranch, Role
from bumper.sandbox.state.sample import SAMPLE_PROJECT, sample_commits
from bumper.sandbox.state.world import World, now

TOKEN_SCOPES = ("api", "write_repository")


def add_people(world: World) -> None:
    """An administrator, three people and the bot, where they are not there yet."""
    world.add_user("root", "Administrator", Role.MAINTAINER, admin=True)
    world.add_user("alice", "Alice Archer", Role.MAINTAINER)
    world.add_user("bob", "Bob Baker", Role.DEVELOPER)
    world.add_user("carol", "Carol Cooper", Role.DEVELOPER)
    world.add_user("bumper", "bumper", Role.DEVELOPER, bot=True)


def add_project(world: World, path: str) -> Project:
    """An empty project whose default branch is protected, and open to Developers for pushes and merges."""
    rule = ProtectedBranch(world.next_id(), "main", Role.DEVELOPER, Role.DEVELOPER)
    project = Project(world.next_id(), path, now(), protected_branches=(rule,))
    world.records.projects[project.id] = project
    world.repository(project).create(project.default_branch, world.hooks_folder)
    return project


def add_sample(world: World) -> None:
    """The sample project with its history, and the bot's access token for it."""
    project = add_project(world, SAMPLE_PROJECT)
    world.repository(project).add_commits(project.default_branch, sample_commits())
    token = world.add_token(
        world.records.users["bumper"],
        kind="project",
        role=Role.DEVELOPER,
        scopes=TOKEN_SCOPES,
        project_id=project.id,
    )
    world.records.sample_token = token.value
