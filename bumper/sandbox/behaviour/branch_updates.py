"""Branches that move: which new commits the push rules admit, and what becomes of the branch's merge requests.

Merge requests that come from the branch or go to it learn of it some time after it moved.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from bumper.sandbox.behaviour.mergeability import is_behind
from bumper.sandbox.git.repository import NO_COMMIT
from bumper.sandbox.state.records import MergeRequest, Project, Push, User
from bumper.sandbox.state.world import World, now


@dataclass(frozen=True, slots=True)
class RefUpdate:
    """One line that git hands to a receive hook."""

    old: str
    new: str
    ref: str

    @property
    def branch(self) -> str:
        """The branch's name; empty for a tag."""
        return self.ref.removeprefix("refs/heads/") if self.ref.startswith("refs/heads/") else ""


def branches_updated(world: World, project: Project, user: User, updates: Iterable[RefUpdate]) -> None:
    """Have a job note who moved branches, and bring merge requests in line: until then they show the old head."""
    moved = tuple(update for update in updates if update.branch)
    world.jobs.add(world.settings.head_delay, lambda: _refresh_all(world, project.id, user, moved))


def diff_ids(world: World, project: Project, source: str, target: str) -> dict[str, str]:
    """The commits that a merge request's diff is made of, from the tips of its branches."""
    base = world.repository(project).merge_base(source, target) or target
    return {"sha": source, "base_sha": base, "start_sha": target}


def publish_head(world: World, project: Project, source: Project, iid: int, sha: str) -> None:
    """Keep the commits in a ref of the target project, so that they stay when the source branch or a fork is gone."""
    repository, ref = world.repository(project), f"refs/merge-requests/{iid}/head"
    if source.id == project.id:
        repository.git("update-ref", ref, sha)
    else:
        repository.git("fetch", "--quiet", "--no-tags", str(world.repository(source).path), f"+{sha}:{ref}")


def _refresh_all(world: World, project_id: int, user: User, updates: Iterable[RefUpdate]) -> None:
    for update in updates:
        push = Push(world.next_id(), project_id, user.username, update.branch, update.old, update.new, now())
        world.records.pushes.append(push)
        for merge_request in list(world.records.merge_requests.values()):
            if merge_request.state == "opened":
                _refresh(world, project_id, user, merge_request, update)


def _refresh(world: World, project_id: int, user: User, merge_request: MergeRequest, update: RefUpdate) -> None:
    project = world.records.projects[merge_request.project_id]
    if (project_id, update.branch) == (merge_request.source_project_id, merge_request.source_branch):
        _source_moved(world, project, user, merge_request, update)
    elif (project_id, update.branch) == (project.id, merge_request.target_branch) and update.new != NO_COMMIT:
        if _arrived(world, project, merge_request, update):
            _merged_by_push(world, project, user, merge_request, update)
        else:
            _target_moved(world, project, user, merge_request)


def _source_moved(world: World, project: Project, user: User, merge_request: MergeRequest, update: RefUpdate) -> None:
    """A deleted source branch closes; a new commit is checked anew, and what was granted for the old one is void.

    Auto-merge that was set for the very commit stays: a push option set it together with the push.
    """
    if update.new == NO_COMMIT:
        world.update(merge_request, state="closed", closed_by=user.username, closed_at=now(), auto_merge_by=None)
        world.add_note(merge_request, user.username, "closed", system=True)
        return
    publish_head(world, project, world.source_project(merge_request), merge_request.iid, update.new)
    target = world.repository(project).branch_tip(merge_request.target_branch)
    ids = diff_ids(world, project, update.new, target or merge_request.start_sha)
    world.add_note(merge_request, user.username, "added 1 commit", system=True)
    kept = not project.reset_approvals_on_push or merge_request.rebase_commit_sha == update.new
    approvals = merge_request.approved_by if kept else ()
    moved = world.update(merge_request, **ids, merge_status="unchecked", merge_error=None, approved_by=approvals)
    if moved.auto_merge_sha != update.new:
        abort_auto_merge(world, user, moved, "the source branch was updated")


def _target_moved(world: World, project: Project, user: User, merge_request: MergeRequest) -> None:
    """Where merges must be up to date, those that no longer are lose their auto-merge."""
    moved = world.update(merge_request, merge_status="unchecked", updated_at=merge_request.updated_at)
    outdated = project.merge_method != "merge" and not project.automatic_rebase and is_behind(world, project, moved)
    if outdated and not moved.in_train:
        abort_auto_merge(world, user, moved, "target branch was updated")


def abort_auto_merge(world: World, user: User, merge_request: MergeRequest, reason: str) -> None:
    """Take auto-merge away, and say why in the merge request's history; nothing where it is not set."""
    if merge_request.auto_merge_by is not None:
        world.add_note(merge_request, user.username, f"aborted the automatic merge because {reason}", system=True)
        world.update(merge_request, auto_merge_by=None, in_train=False)


def _arrived(world: World, project: Project, merge_request: MergeRequest, update: RefUpdate) -> bool:
    """Whether the target branch now holds the merge request's commits, and did not before."""
    repository = world.repository(project)
    if merge_request.sha == merge_request.base_sha or not repository.is_ancestor(merge_request.sha, update.new):
        return False
    return update.old != NO_COMMIT and not repository.is_ancestor(merge_request.sha, update.old)


def _merged_by_push(world: World, project: Project, user: User, merge_request: MergeRequest, update: RefUpdate) -> None:
    """The commit that brought it in is on the target's own line: itself, or the first merge that has it."""
    line = (
        world.repository(project).git("rev-list", "--first-parent", "--reverse", update.new, f"^{update.old}").split()
    )
    holders = (commit for commit in line if world.repository(project).is_ancestor(merge_request.sha, commit))
    arrival = next(holders, merge_request.sha)
    world.add_note(merge_request, user.username, f"merged with commit {arrival[:8]}", system=True)
    world.update(
        merge_request,
        state="merged",
        merge_status="can_be_merged",
        merged_by=user.username,
        merged_at=now(),
        merge_commit_sha=arrival,
        auto_merge_by=None,
        in_train=False,
    )


def message_refusal(project: Project, message: str) -> str | None:
    """GitLab's sentence where the commit message breaks the project's rule."""
    pattern = project.commit_message_regex
    if pattern is None or re.search(pattern, message, re.MULTILINE):
        return None
    return f"Commit message does not follow the pattern '{pattern}'"
