"""Rebasing a merge request's branch, which GitLab does in a job."""

from bumper.sandbox.behaviour.branch_updates import RefUpdate, branches_updated
from bumper.sandbox.behaviour.errors import conflict
from bumper.sandbox.behaviour.merging import signature_of
from bumper.sandbox.behaviour.pipelines import start_pipeline
from bumper.sandbox.git.merge import rebased
from bumper.sandbox.state.records import MergeRequest, User
from bumper.sandbox.state.world import World

_LOCKED = "Failed to enqueue the rebase operation, possibly due to a long-lived transaction. Try again later."


def start_rebase(world: World, user: User, merge_request: MergeRequest) -> None:
    """Have a job make the commits anew on the target branch. Raises GitLabError 409 while such a job runs."""
    if merge_request.rebase_in_progress:
        raise conflict(_LOCKED)
    world.update(merge_request, rebase_in_progress=True)
    world.jobs.add(world.settings.rebase_delay, lambda: _rebase(world, user, merge_request.id))


def _rebase(world: World, user: User, merge_request_id: int) -> None:
    """The branch is pushed by GitLab itself, so that the new head is as late as after any push."""
    merge_request = world.update(world.records.merge_requests[merge_request_id], rebase_in_progress=False)
    project, source = world.records.projects[merge_request.project_id], world.source_project(merge_request)
    repository = world.repository(project)
    onto = repository.branch_tip(merge_request.target_branch)
    base = repository.merge_base(onto, merge_request.sha) if onto else None
    if merge_request.state != "opened" or onto is None or base is None or base == onto:
        return
    tip = rebased(repository, base, merge_request.sha, onto, signature_of(user))
    if tip is None or repository.branch_tip(merge_request.source_branch) != merge_request.sha:
        world.update(merge_request, merge_error="Rebase failed: Rebase locally, resolve all conflicts, then push.")
        return
    repository.set_branch(merge_request.source_branch, tip, merge_request.sha)
    world.update(merge_request, rebase_commit_sha=tip, merge_error=None)  # which was there until now
    update = RefUpdate(merge_request.sha, tip, f"refs/heads/{merge_request.source_branch}")
    branches_updated(world, source, user, [update])
    start_pipeline(world, source, merge_request.source_branch, tip)
