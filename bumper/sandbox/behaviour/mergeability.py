"""Whether a merge request can be merged: GitLab finds out in the background, and shows it when it is read again."""

from bumper.sandbox.git.merge import merged_tree
from bumper.sandbox.state.records import MergeRequest, Project
from bumper.sandbox.state.world import World

UNSETTLED = frozenset({"preparing", "unchecked", "checking"})
RUNNING = frozenset({"created", "waiting_for_resource", "preparing", "pending", "running"})


def checked(world: World, project: Project, merge_request: MergeRequest) -> MergeRequest:
    """Start the check, which a look at a single merge request does; the merge request as it is shown then."""
    if merge_request.state != "opened" or merge_request.merge_status != "unchecked":
        return merge_request
    number = merge_request.id
    world.update(merge_request, merge_status="checking", updated_at=merge_request.updated_at)
    world.jobs.add(world.settings.mergeability_delay, lambda: _end_check(world, project.id, number))
    return world.records.merge_requests[number]


def settled(world: World, project: Project, merge_request: MergeRequest) -> MergeRequest:
    """Check now whether it merges without conflict, and whether it is up to date with its target branch."""
    repository = world.repository(project)
    target = repository.branch_tip(merge_request.target_branch)
    merges = target is not None and merged_tree(repository, target, merge_request.sha) is not None
    behind = is_behind(world, project, merge_request)
    status = "can_be_merged" if merges else "cannot_be_merged"
    return world.update(merge_request, merge_status=status, behind_target=behind, updated_at=merge_request.updated_at)


def is_behind(world: World, project: Project, merge_request: MergeRequest) -> bool:
    """Whether the target branch has commits that the merge request does not hold."""
    repository = world.repository(project)
    target = repository.branch_tip(merge_request.target_branch)
    return target is None or not repository.is_ancestor(target, merge_request.sha)


def detailed_status(world: World, project: Project, merge_request: MergeRequest) -> str:
    """``detailed_merge_status``: what stands between the merge request and its merge, the first thing of several."""
    if merge_request.state != "opened":
        return "not_open"
    if merge_request.merge_status in UNSETTLED:
        return merge_request.merge_status
    pipeline = world.head_pipeline(merge_request)
    green = pipeline is not None and pipeline.status in {"success", "skipped"}
    demanded = project.only_allow_merge_if_pipeline_succeeds
    hindrances = {
        "draft_status": is_draft(merge_request),
        "commits_status": merge_request.sha == merge_request.base_sha,
        "not_approved": approvals_left(project, merge_request) > 0,
        "conflict": merge_request.merge_status == "cannot_be_merged",
        "need_rebase": needs_rebase(project, merge_request),
        "ci_still_running": demanded and pipeline is not None and pipeline.status in RUNNING,
        "ci_must_pass": demanded and not green,
    }
    return next((name for name, hinders in hindrances.items() if hinders), "mergeable")


def needs_rebase(project: Project, merge_request: MergeRequest) -> bool:
    """Whether the project merges what is up to date only, does not rebase by itself, and this is behind."""
    return merge_request.behind_target and project.merge_method != "merge" and not project.automatic_rebase


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


def _end_check(world: World, project_id: int, merge_request_id: int) -> None:
    """Nothing where the merge request was merged, closed or changed since the check started."""
    merge_request = world.records.merge_requests[merge_request_id]
    if merge_request.state == "opened" and merge_request.merge_status == "checking":
        settled(world, world.records.projects[project_id], merge_request)
