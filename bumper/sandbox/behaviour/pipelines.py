"""The pipelines that pushes start: some time after the push, where the commit has a CI file."""

from dataclasses import replace

from bumper.sandbox.behaviour.auto_merge import process_auto_merges
from bumper.sandbox.state.records import Pipeline, Project
from bumper.sandbox.state.world import World, now

_CI_FILE = ".gitlab-ci.yml"


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
