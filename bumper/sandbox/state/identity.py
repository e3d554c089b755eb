"""Who acts, and what GitLab lets them do."""

from dataclasses import dataclass

from bumper.sandbox.state.records import Project, ProtectedBranch, Role, Token, User
from bumper.sandbox.state.world import World, protection


@dataclass(frozen=True, slots=True)
class Identity:
    """The user behind a request, with the token's role; no token where the push came over SSH or from a page.

    ``job_project`` is the path of the project whose job has a job token.
    """

    user: User
    role: int
    token: Token | None = None
    job_project: str = ""

    @property
    def is_job(self) -> bool:
        """Whether a CI job calls with its own token."""
        return self.token is not None and self.token.kind == "job"

    def may_see(self, project: Project) -> bool:
        """Whether the token reaches this project."""
        if self.token is None or self.token.project_id in {None, project.id}:
            return True
        allowed = not project.ci_inbound_job_token_scope_enabled or self.job_project in project.job_token_allowlist
        return self.is_job and allowed

    def role_in(self, project: Project) -> int:
        """The access level in this project; an administrator may do everything."""
        if not self.may_see(project):
            return Role.NOBODY
        return Role.MAINTAINER if self.user.admin else self.role

    def may_push(self, project: Project, branch: str) -> bool:
        """Whether the user may push to this branch."""
        rule = protection(project, branch)
        return self._reaches(rule.push_access_level if rule else Role.DEVELOPER)

    def may_merge(self, project: Project, branch: str) -> bool:
        """Whether the user may merge into this branch."""
        rule = protection(project, branch)
        return self._reaches(_lowest(rule) if rule else Role.DEVELOPER)

    def _reaches(self, level: int) -> bool:
        return level > Role.NOBODY and (self.user.admin or self.role >= level)


def identity_of(world: World, token: Token) -> Identity:
    """Whoever has this token."""
    home = world.records.projects.get(token.project_id) if token.project_id is not None else None
    return Identity(world.records.users[token.username], token.role, token, home.path if home else "")


def _lowest(rule: ProtectedBranch) -> int:
    """Who may push to a protected branch may merge into it as well."""
    levels = [level for level in (rule.push_access_level, rule.merge_access_level) if level]
    return min(levels, default=Role.NOBODY)
