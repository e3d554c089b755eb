"""Commits, branches and diffs as GitLab's API shows them."""

from typing import Any

from bumper.sandbox.git.history import Commit, FileDiff
from bumper.sandbox.state.identity import Identity
from bumper.sandbox.state.records import Project, Role
from bumper.sandbox.state.world import World, protection

View = dict[str, Any]

_PEOPLE_AND_DATES = (
    "author_name",
    "author_email",
    "authored_date",
    "committer_name",
    "committer_email",
    "committed_date",
)


def commit_view(world: World, project: Project, commit: Commit, *, trailers: bool = True, stats: bool = False) -> View:
    """A commit; without ``trailers`` their objects are empty, as in a list that did not ask for them."""
    last = dict(commit.trailers) if trailers else {}
    every: dict[str, list[str]] = {}
    for name, value in commit.trailers if trailers else ():
        every.setdefault(name, []).append(value)
    added, deleted = commit.stats
    figures = {"additions": added, "deletions": deleted, "total": added + deleted}
    return {
        **({"stats": figures} if stats else {}),
        "id": commit.id,
        "short_id": commit.id[:8],
        "created_at": commit.committed_date,
        "parent_ids": list(commit.parents),
        "title": commit.message.partition("\n")[0],
        "message": commit.message,
        **{name: getattr(commit, name) for name in _PEOPLE_AND_DATES},
        "trailers": last,
        "extended_trailers": every,
        "web_url": f"{world.url}/{project.path}/-/commit/{commit.id}",
    }


def branch_view(world: World, project: Project, identity: Identity, name: str, commit: Commit) -> View:
    """A branch and its newest commit."""
    rule = protection(project, name)
    default = name == project.default_branch
    tip = world.repository(project).branch_tip(project.default_branch)
    merged = not default and tip is not None and world.repository(project).is_ancestor(commit.id, tip)
    return {
        "name": name,
        "commit": commit_view(world, project, commit),
        "merged": merged,
        "protected": rule is not None,
        "developers_can_push": rule is not None and rule.push_access_level == Role.DEVELOPER,
        "developers_can_merge": rule is not None and rule.merge_access_level == Role.DEVELOPER,
        "can_push": identity.may_push(project, name),
        "default": default,
        "web_url": f"{world.url}/{project.path}/-/tree/{name}",
    }


def diff_view(diff: FileDiff) -> View:
    """One changed file."""
    return {
        "diff": diff.text,
        "collapsed": False,
        "too_large": False,
        "new_path": diff.new_path,
        "old_path": diff.old_path,
        "a_mode": diff.old_mode,
        "b_mode": diff.new_mode,
        "new_file": diff.old_mode == "0",
        "renamed_file": diff.old_path != diff.new_path,
        "deleted_file": diff.new_mode == "0",
        "generated_file": False,
    }
