"""Whether GitLab lets somebody fetch from or push to a repository at all, in its own sentences."""

from bumper.sandbox.state.identity import Identity
from bumper.sandbox.state.records import Project, Role
from bumper.sandbox.state.world import World

NOT_FOUND = "The project you were looking for could not be found or you don't have permission to view it."


def refusal(world: World, identity: Identity, project: Project, *, push: bool) -> str | None:
    """Why not, before git is started; None where it may go on."""
    if not identity.may_see(project):
        return _invisible(identity, project)
    if push:
        return _push_refusal(world, identity, project)
    return None if _has_scope(identity, "read_api", "read_repository") else "You are not allowed to download code."


def _push_refusal(world: World, identity: Identity, project: Project) -> str | None:
    """GitLab's first reason of several."""
    may_upload = _job_may_push(world, identity, project) if identity.is_job else _has_scope(identity)
    reasons = {
        "You can't push code to a read-only GitLab instance.": world.settings.maintenance,
        "You are not allowed to upload code.": not may_upload,
        "The repository is temporarily read-only. Please try again later.": project.repository_read_only,
        "You can't push code to an archived project.": project.archived,
        "You are not allowed to push code to this project.": identity.role_in(project) < Role.DEVELOPER,
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


def _invisible(identity: Identity, project: Project) -> str:
    if not identity.is_job:
        return NOT_FOUND
    source, target = (path.rpartition("/")[2] for path in (identity.job_project, project.path))
    return f"Authentication by CI/CD job token not allowed from {source} to {target}."


def _has_scope(identity: Identity, *readers: str) -> bool:
    """A job token has no scopes, and SSH no token."""
    if identity.token is None or identity.is_job:
        return True
    return bool({"api", "write_repository", *readers} & set(identity.token.scopes))


def _job_may_push(world: World, identity: Identity, project: Project) -> bool:
    """To its own project with one setting; to another with that and four more, the feature flag of 19.1 among them."""
    if not project.ci_push_repository_for_job_token_allowed:
        return False
    if identity.job_project == project.path:
        return True
    return (
        world.settings.allow_push_to_allowlisted_projects
        and project.cross_project_push_for_job_token_allowed
        and project.ci_inbound_job_token_scope_enabled
        and "admin_repositories" in project.job_token_allowlist.get(identity.job_project, ())
    )
