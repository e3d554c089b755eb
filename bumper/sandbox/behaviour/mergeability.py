"""Whether a merge request can be merged: GitLab finds out in the background, and tells when it is read again."""

import time

from bumper.sandbox.git.merge import merged_tree
from bumper.sandbox.state.records import MergeRequest, Project
from bumper.sandbox.state.world import World

RUNNING = frozenset({"created", "waiting_for_resource", "preparing", "pending", "running"})


def checked(world: World, project: Project, merge_request: MergeRequest) -> MergeRequest:
    """Begin the check, or end it when its time has come; what a look at a single merge request sets going."""
    if merge_request.state != "opened" or merge_request.merge_status not in {"unchecked", "checking"}:
        return merge_request
    started = world.check_started.setdefault(merge_request.id, time.monotonic())
    if time.monotonic() - started >= world.mergeability_delay:
        return settled(world, project, merge_request)
    if merge_request.merge_status == "checking":
        return merge_request
    return world.update(merge_request, merge_status="checking", updated_at=merge_request.updated_at)


def settled(world: World, project: Project, merge_request: MergeRequest) -> MergeRequest:
    """Check now whether it merges without conflict, and whether it is up to date with its target branch."""
    repository = world.repository(project)
    target = repository.branch_tip(merge_request.target_branch)
    merges = target is not None and merged_tree(repository, target, merge_request.sha) is not None
    behind = target is None or not repository.is_ancestor(target, merge_request.sha)
    world.check_started.pop(merge_request.id, None)
    status = "can_be_merged" if merges else "cannot_be_merged"
    return world.update(merge_request, merge_status=status, behind_target=behind, updated_at=merge_request.updated_at)


def detailed_status(world: World, project: Project, merge_request: MergeRequest) -> str:
    """``detailed_merge_status``: what stands between the merge request and its merge, the first thing of several."""
    if merge_request.state != "opened":
        return "not_open"
    if merge_request.merge_status in {"unchecked", "checking"}:
        return merge_request.merge_status
    pipeline = world.head_pipeline(merge_request)
    green = pipeline is not None and pipeline.status in {"success", "skipped"}
    hindrances = {
        "draft_status": is_draft(merge_request),
        "commits_status": merge_request.sha == merge_request.base_sha,
        "not_approved": approvals_left(project, merge_request) > 0,
        "ci_still_running": _demanded(project) and pipeline is not None and pipeline.status in RUNNING,
        "ci_must_pass": _demanded(project) and not green,
        "conflict": merge_request.merge_status == "cannot_be_merged",
        "need_rebase": merge_request.behind_target and project.merge_method != "merge",
    }
    return next((name for name, stands in hindrances.items() if stands), "mergeable")


def is_draft(merge_request: MergeRequest) -> bool:
    """Whether the title says that it is a draft."""
    return merge_request.title.lower().startswith(("draft:", "[draft]", "(draft)"))


def approvals_required(project: Project, merge_request: MergeRequest) -> int:
    """How many people have to approve."""
    own = merge_request.approvals_required
    return project.approvals_before_merge if own is None else own


def approvals_left(project: Project, merge_request: MergeRequest) -> int:
    """How many approvals are missing."""
    return max(0, approvals_required(project, merge_request) - len(merge_request.approved_by))


def _demanded(project: Project) -> bool:
    return project.only_allow_merge_if_pipeline_succeeds
