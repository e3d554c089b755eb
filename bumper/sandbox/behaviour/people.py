"""People of merge requests: the reviewers and assignees whom GitLab keeps, silently, and whom deleted users become."""

from collections.abc import Sequence
from dataclasses import replace

from bumper.sandbox.state.records import Role, User
from bumper.sandbox.state.world import World

GHOST = "ghost"


def kept(world: World, usernames: Sequence[str]) -> tuple[str, ...]:
    """The first one alone on the free tier, and nobody who cannot read the merge request, be it that first one."""
    wanted = usernames[:1] if world.settings.tier == "free" else usernames
    users = (world.records.users.get(name) for name in wanted)
    return tuple(user.username for user in users if user is not None and _may_read(user))


def _may_read(user: User) -> bool:
    return user.admin or user.role >= Role.REPORTER


def move_to_ghost(world: World, username: str) -> None:
    """What happens to the merge requests and notes of a user that is deleted."""
    for merge_request in list(world.records.merge_requests.values()):
        if merge_request.author == username:
            world.update(merge_request, author=GHOST, updated_at=merge_request.updated_at)
    for note in list(world.records.notes.values()):
        if note.author == username:
            world.records.notes[note.id] = replace(note, author=GHOST)
