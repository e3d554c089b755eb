"""Records as GitLab's API shows them: its field names, its nulls."""

from typing import Any

from bumper.sandbox.behaviour.mergeability import detailed_status, is_draft
from bumper.sandbox.git.history import count_changed_files
from bumper.sandbox.state.identity import Identity
from bumper.sandbox.state.records import MergeRequest, Note, Pipeline, Project, ProtectedBranch, User
from bumper.sandbox.state.world import World

View = dict[str, Any]

_LEVELS = {0: "No one", 30: "Developers + Maintainers", 40: "Maintainers", 60: "Admins"}

_SAME_NAMES = (
    "id", "iid", "project_id", "title", "description", "state", "created_at", "updated_at", "merged_at", "closed_at",
    "target_branch", "source_branch", "sha", "merge_commit_sha", "squash_commit_sha",
    "should_remove_source_branch", "force_remove_source_branch", "squash",
)  # fmt: skip
_NEVER_SET: View = {
    "milestone": None,
    "discussion_locked": None,
    "blocking_discussions_resolved": True,
    "upvotes": 0,
    "downvotes": 0,
}


def user_view(world: World, username: str) -> View:
    """A user as an author, assignee or reviewer."""
    return _person(world, world.records.users[username])


def own_user_view(world: World, user: User) -> View:
    """The caller, with what only the caller sees."""
    email = f"{user.username}@sandbox.local"
    return {
        **_person(world, user),
        "email": email,
        "bot": user.bot,
        "is_admin": user.admin,
        "two_factor_enabled": False,
    }


def project_view(world: World, project: Project, role: int) -> View:
    """A project with its merge settings and the caller's access level."""
    url, name = f"{world.url}/{project.path}", project.path.rpartition("/")[2]
    settings = (
        "default_branch", "merge_method", "squash_option", "only_allow_merge_if_pipeline_succeeds", "created_at",
        "remove_source_branch_after_merge", "merge_trains_enabled", "merge_commit_template",
        "squash_commit_template", "approvals_before_merge", "ci_config_path", "auto_devops_enabled", "archived",
        "ci_push_repository_for_job_token_allowed", "merge_requests_template",
    )  # fmt: skip
    return {
        "id": project.id,
        "name": name,
        "path": name,
        "path_with_namespace": project.path,
        "name_with_namespace": project.path.replace("/", " / "),
        "web_url": url,
        "http_url_to_repo": f"{url}.git",
        "ssh_url_to_repo": f"git@127.0.0.1:{project.path}.git",
        "visibility": "private",
        "empty_repo": not world.repository(project).branches(),
        "merge_requests_enabled": True,
        "namespace": {"full_path": project.path.rpartition("/")[0], "kind": "group"},
        "permissions": {"project_access": {"access_level": role, "notification_level": 3}, "group_access": None},
        **{setting: getattr(project, setting) for setting in settings},
    }


def protected_branch_view(rule: ProtectedBranch) -> View:
    """A protected branch."""
    return {
        "id": rule.id,
        "name": rule.name,
        "push_access_levels": [_level(rule.push_access_level)],
        "merge_access_levels": [_level(rule.merge_access_level)],
        "allow_force_push": rule.allow_force_push,
        "code_owner_approval_required": False,
    }


def note_view(world: World, merge_request: MergeRequest, note: Note) -> View:
    """A comment."""
    return {
        "id": note.id,
        "type": None,
        "body": note.body,
        "author": user_view(world, note.author),
        "created_at": note.created_at,
        "updated_at": note.updated_at,
        "system": note.system,
        "noteable_id": merge_request.id,
        "noteable_type": "MergeRequest",
        "noteable_iid": merge_request.iid,
        "resolvable": False,
        "internal": False,
    }


def pipeline_view(world: World, pipeline: Pipeline) -> View:
    """A pipeline."""
    project = world.records.projects[pipeline.project_id]
    fields = ("id", "iid", "project_id", "sha", "ref", "status", "created_at", "updated_at")
    url = f"{world.url}/{project.path}/-/pipelines/{pipeline.id}"
    return {**{name: getattr(pipeline, name) for name in fields}, "source": pipeline.source, "web_url": url}


def merge_request_view(world: World, project: Project, shown: MergeRequest) -> View:
    """A merge request as in a list."""
    number = f"!{shown.iid}"
    return {
        **{name: getattr(shown, name) for name in _SAME_NAMES},
        **_people(world, shown),
        **_NEVER_SET,
        "labels": list(shown.labels),
        "source_project_id": shown.source_project_id,
        "merge_status": "checking" if shown.merge_status == "preparing" else shown.merge_status,
        "target_project_id": project.id,
        "draft": is_draft(shown),
        "work_in_progress": is_draft(shown),
        "merge_when_pipeline_succeeds": shown.auto_merge_by is not None,
        "detailed_merge_status": detailed_status(world, project, shown),
        "has_conflicts": shown.state == "opened" and shown.merge_status == "cannot_be_merged",
        "squash_on_merge": {"always": True, "never": False}.get(project.squash_option, shown.squash),
        "user_notes_count": sum(not note.system for note in world.notes(shown)),
        "reference": number,
        "references": {"short": number, "relative": number, "full": f"{project.path}{number}"},
        "web_url": f"{world.url}/{project.path}/-/merge_requests/{shown.iid}",
    }


def single_merge_request_view(world: World, project: Project, shown: MergeRequest, identity: Identity) -> View:
    """A merge request looked at by itself, with what lists leave out."""
    pipeline = world.head_pipeline(shown)
    view = pipeline_view(world, pipeline) if pipeline else None
    return {
        **merge_request_view(world, project, shown),
        "merge_error": shown.merge_error,
        "changes_count": str(count_changed_files(world.repository(project), shown.base_sha, shown.sha)),
        "head_pipeline": view,
        "pipeline": view,
        "diff_refs": {"base_sha": shown.base_sha, "head_sha": shown.sha, "start_sha": shown.start_sha},
        "first_contribution": False,
        "user": {"can_merge": identity.may_merge(project, shown.target_branch)},
    }


def _people(world: World, shown: MergeRequest) -> View:
    """Everybody who has to do with the merge request; ``merge_user`` also who set it to merge later."""
    single = {
        "author": shown.author,
        "assignee": next(iter(shown.assignees), None),
        "merge_user": shown.merged_by or shown.auto_merge_by,
        "merged_by": shown.merged_by,
        "closed_by": shown.closed_by,
    }
    return {
        **{part: user_view(world, name) if name else None for part, name in single.items()},
        "assignees": [user_view(world, name) for name in shown.assignees],
        "reviewers": [user_view(world, name) for name in shown.reviewers],
    }


def _person(world: World, user: User) -> View:
    return {
        "id": user.id,
        "username": user.username,
        "name": user.name,
        "state": "active",
        "locked": False,
        "avatar_url": None,
        "web_url": f"{world.url}/{user.username}",
    }


def _level(level: int) -> View:
    return {"id": level, "access_level": level, "access_level_description": _LEVELS.get(level, "No one")}
