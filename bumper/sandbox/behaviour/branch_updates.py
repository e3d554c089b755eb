"""What a moved branch does to the merge requests that come from it or go to it."""

from collections.abc import Iterable
from dataclasses import dataclass

from bumper.sandbox.git.repository import NO_COMMIT
from bumper.sandbox.state.records import MergeRequest, Project, User
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
    """Bring the open merge requests in line with branches that moved, as GitLab does after each push."""
    for update in updates:
        for merge_request in world.merge_requests(project):
            if update.branch and merge_request.state == "opened":
                _refresh(world, project, user, merge_request, update)


def diff_ids(world: World, project: Project, source: str, target: str) -> dict[str, str]:
    """The commits that a merge request's diff is made of, from the tips of its branches."""
    base = world.repository(project).merge_base(source, target) or target
    return {"sha": source, "base_sha": base, "start_sha": target}


def publish_head(world: World, project: Project, merge_request: MergeRequest) -> None:
    """Keep the commits in a ref of their own, so that they stay when the source branch is gone."""
    world.repository(project).git("update-ref", f"refs/merge-requests/{merge_request.iid}/head", merge_request.sha)


def _refresh(world: World, project: Project, user: User, merge_request: MergeRequest, update: RefUpdate) -> None:
    if update.branch == merge_request.source_branch:
        _source_moved(world, project, user, merge_request, update)
    elif update.branch == merge_request.target_branch and update.new != NO_COMMIT:
        if _arrived(world, project, merge_request, update):
            _merged_by_push(world, project, user, merge_request, update)
        else:
            world.update(merge_request, merge_status="unchecked", updated_at=merge_request.updated_at)


def _source_moved(world: World, project: Project, user: User, merge_request: MergeRequest, update: RefUpdate) -> None:
    """A deleted source branch closes; a new commit is checked anew, and what was granted for the old one is void."""
    if update.new == NO_COMMIT:
        world.update(merge_request, state="closed", closed_by=user.username, closed_at=now(), auto_merge_by=None)
        world.add_note(merge_request, user.username, "closed", system=True)
        return
    target = world.repository(project).branch_tip(merge_request.target_branch)
    ids = diff_ids(world, project, update.new, target or merge_request.start_sha)
    if merge_request.auto_merge_by:
        world.add_note(merge_request, user.username, "aborted the automatic merge: new commits", system=True)
    world.add_note(merge_request, user.username, "added 1 commit", system=True)
    approvals = () if project.reset_approvals_on_push else merge_request.approved_by
    moved = world.update(
        merge_request, **ids, merge_status="unchecked", auto_merge_by=None, in_train=False, approved_by=approvals
    )
    publish_head(world, project, moved)


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
