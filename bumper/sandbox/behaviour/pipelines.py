"""The pipelines that pushes start, and auto-merge: what GitLab merges by itself, once what it waits for happens.

A pipeline appears some time after the push, where the commit has a CI file.
"""

from dataclasses import replace

from bumper.sandbox.behaviour.errors import GitLabError
from bumper.sandbox.behaviour.mergeability import RUNNING, detailed_status, settled
from bumper.sandbox.behaviour.merging import merge
from bumper.sandbox.state.records import MergeRequest, Pipeline, Project
from bumper.sandbox.state.world import World, now

_WAITS_FOR = frozenset({"ci_still_running", "ci_must_pass", "not_approved", "draft_status"})
_CI_FILE = ".gitlab-ci.yml"


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


def start_pipeline(world: World, project: Project, branch: str, sha: str) -> None:
    """What a push to a branch sets going, except one with a job token."""
    path = project.ci_config_path or _CI_FILE
    has_file = world.repository(project).run("cat-file", "-e", f"{sha}:{path}").returncode == 0
    if project.pipelines != "none" and (has_file or project.auto_devops_enabled):
        world.jobs.add(world.settings.pipeline_delay, lambda: _create(world, project.id, branch, sha))


def add_pipeline(world: World, project: Project, branch: str, sha: str, *, source: str) -> Pipeline:
    """A new pipeline that has not started."""
    number = 1 + sum(one.project_id == project.id for one in world.records.pipelines.values())
    at = now()
    pipeline = Pipeline(world.next_id(), number, project.id, sha, branch, "pending", at, at, source)
    world.records.pipelines[pipeline.id] = pipeline
    return pipeline


def set_status(world: World, pipeline: Pipeline, status: str) -> None:
    """Give the pipeline another status; once it has succeeded, what waited for it is merged."""
    world.records.pipelines[pipeline.id] = replace(pipeline, status=status, updated_at=now())
    if status == "success":
        process_auto_merges(world, world.records.projects[pipeline.project_id], pipeline.sha)


def _create(world: World, project_id: int, branch: str, sha: str) -> None:
    pipeline = add_pipeline(world, world.records.projects[project_id], branch, sha, source="push")
    set_status(world, pipeline, "running")
    world.jobs.add(world.settings.pipeline_duration, lambda: _end(world, pipeline.id))


def _end(world: World, pipeline_id: int) -> None:
    """As the project's pipelines end; one that never does is still running, and a commit status may end it."""
    pipeline = world.records.pipelines[pipeline_id]
    outcome = world.records.projects[pipeline.project_id].pipelines
    if pipeline.status == "running" and outcome in {"success", "failed"}:
        set_status(world, pipeline, outcome)
