"""Auto-merge: what GitLab merges by itself, once something happens that it waits for."""

from bumper.sandbox.behaviour.errors import GitLabError
from bumper.sandbox.behaviour.mergeability import RUNNING, detailed_status, settled
from bumper.sandbox.behaviour.merging import merge
from bumper.sandbox.state.records import MergeRequest, Project
from bumper.sandbox.state.world import World

_WAITS_FOR = frozenset({"ci_still_running", "ci_must_pass", "not_approved", "draft_status"})


def can_be_set(world: World, merge_request: MergeRequest, status: str) -> bool:
    """Whether there is something to wait for: GitLab sets no auto-merge where there is not, and refuses with 405.

    Waiting for more than a running pipeline came with GitLab 17.7.
    """
    pipeline = world.head_pipeline(merge_request)
    running = pipeline is not None and pipeline.status in RUNNING
    if status == "mergeable" or not world.knows("17.7"):
        return running and status in {"mergeable", "ci_still_running", "ci_must_pass"}
    return status in _WAITS_FOR


def process_auto_merges(world: World, project: Project, sha: str) -> None:
    """After an event of this commit (a pipeline, an approval, an edit): merge what is set to merge and can be.

    A conflict or a failed pipeline keeps auto-merge set: a person may still resolve the one or retry the other.
    """
    for merge_request in world.merge_requests(project):
        if merge_request.state == "opened" and merge_request.auto_merge_by and merge_request.sha == sha:
            pipeline = world.head_pipeline(merge_request)
            current = settled(world, project, merge_request)
            if (pipeline is None or pipeline.status == "success") and detailed_status(
                world, project, current
            ) == "mergeable":
                _merge_quietly(world, project, current)


def _merge_quietly(world: World, project: Project, merge_request: MergeRequest) -> None:
    """Nobody is there to read an error: it stays with the merge request."""
    user = world.records.users[merge_request.auto_merge_by or merge_request.author]
    try:
        merge(world, project, user, merge_request)
    except GitLabError:
        return
