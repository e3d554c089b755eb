"""What GitLab says about the project: where it is, whether it takes merge requests, how it merges them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pydantic import BaseModel

from bumper.commands.doctor.branches import Member, check_own_branches, examine_target_branch, read_protections
from bumper.commands.doctor.check import Check, failed
from bumper.errors import BumperError, Refused, Unavailable
from bumper.gitlab.connection import GitLab, read_answer

_DEVELOPER = 30
_ROLES = {5: "Minimal Access", 10: "Guest", 15: "Planner", 20: "Reporter", 30: "Developer", 40: "Maintainer"}
_REQUESTS = "may open merge requests"
_GATE = "gate"
_ANYBODY = frozenset({"developer"})
_METHODS = {"merge": "merge commits", "rebase_merge": "merge commits, semi-linear", "ff": "fast-forward merges"}
_SQUASHING = {"always": "always squashed", "never": "never squashed"}


@dataclass(frozen=True, slots=True)
class ProjectUse:
    """How bumper uses the project, as far as the checks before have shown.

    ``branch`` is None for the project's default branch, ``may_push`` None where no push was tried with the token,
    ``files`` None where the repository could not be read. ``by_commit`` are the environments that are pushed straight
    to the branch, ``auto_merge`` those whose merge requests merge by themselves; ``by_request``: there are merge
    requests; ``has_rules``: bumper.yaml keeps something from entering an environment.
    """

    branch: str | None
    has_branch: bool
    may_push: bool | None
    by_commit: Sequence[str]
    by_request: bool
    auto_merge: Sequence[str]
    branch_prefix: str
    has_rules: bool
    files: frozenset[str] | None


class _RoleAnswer(BaseModel):
    access_level: int


class _PermissionsAnswer(BaseModel):
    project_access: _RoleAnswer | None = None
    group_access: _RoleAnswer | None = None


class _ProjectAnswer(BaseModel):
    path_with_namespace: str | None = None
    http_url_to_repo: str | None = None
    ssh_url_to_repo: str | None = None
    default_branch: str | None = None
    archived: bool = False
    merge_requests_enabled: bool = True
    merge_requests_access_level: str | None = None
    can_create_merge_request_in: bool = True
    merge_method: str | None = None
    squash_option: str | None = None
    only_allow_merge_if_pipeline_succeeds: bool = False
    merge_trains_enabled: bool | None = None
    ci_config_path: str | None = None
    ci_pipeline_variables_minimum_override_role: str | None = None
    auto_devops_enabled: bool | None = None
    ci_push_repository_for_job_token_allowed: bool | None = None
    permissions: _PermissionsAnswer | None = None

    def level(self) -> int | None:
        """The higher of the project's and the group's; an administrator has neither."""
        found = self.permissions or _PermissionsAnswer()
        accesses = (found.project_access, found.group_access)
        return max((access.access_level for access in accesses if access is not None), default=None)


def examine_project(gitlab: GitLab, use: ProjectUse, user: int | None) -> Iterator[Check]:
    """The project's checks, in the order in which they are shown; ``user`` is the token's."""
    try:
        project = read_answer(gitlab, "reading the project", gitlab.path, _ProjectAnswer)
    except BumperError as error:
        yield from _examine_branch(gitlab, use, use.branch, Member(user, None))
        yield failed("project", error)
        return
    moved = _check_path(gitlab, project)
    if moved is not None:
        yield moved
        return
    yield from _examine_branch(gitlab, use, use.branch or project.default_branch, Member(user, project.level()))
    if not use.by_request:
        return
    requests = _check_requests(gitlab, project, use)
    yield requests
    if requests.ok:
        yield _check_merging(project, use)
        if use.has_rules:
            yield _check_gate(project)
        own = check_own_branches(use.branch_prefix, read_protections(gitlab))
        yield from [own] if own is not None else []
    if project.ci_push_repository_for_job_token_allowed is not None:
        yield _check_job_tokens(allowed=project.ci_push_repository_for_job_token_allowed)


def _examine_branch(gitlab: GitLab, use: ProjectUse, branch: str | None, member: Member) -> Iterator[Check]:
    if use.has_branch and branch is not None:
        yield from examine_target_branch(gitlab, branch, member, use.by_commit, use.auto_merge)


def _check_path(gitlab: GitLab, project: _ProjectAnswer) -> Check | None:
    """The old path of a project that was moved serves git and GET, but nothing that changes it."""
    address, path = gitlab.settings.address, project.path_with_namespace
    if path is None or path.casefold() == address.project.casefold():
        return None
    url = project.ssh_url_to_repo if address.over_ssh else project.http_url_to_repo
    return Check("project", f"{address.project} has moved to {path}", f"set BUMPER_REPO to {url}", Refused.exit_code)


def _check_requests(gitlab: GitLab, project: _ProjectAnswer, use: ProjectUse) -> Check:
    where, level = gitlab.settings.address.project, project.level()
    if project.archived:
        return Check(_REQUESTS, f"{where} is archived", "unarchive it, or correct BUMPER_REPO", Refused.exit_code)
    if not project.merge_requests_enabled or project.merge_requests_access_level == "disabled":
        found = f"merge requests are switched off in {where}"
        return Check(_REQUESTS, found, "switch them on in its Settings > General", Refused.exit_code)
    # A group that the project is shared with gives a role that is not shown here: what a push has shown comes first.
    is_low = level is not None and level < _DEVELOPER and not use.may_push
    if is_low or not project.can_create_merge_request_in:
        role = _ROLES.get(level or 0, "no role")
        next_step = "give it the role Developer, or set BUMPER_TOKEN to a token that has it"
        return Check(_REQUESTS, f"the token has {role} in {where}", next_step, Unavailable.exit_code)
    return Check(_REQUESTS, f"in {where} as {_ROLES.get(level or 0, 'a member')}")


def _check_merging(project: _ProjectAnswer, use: ProjectUse) -> Check:
    method = _METHODS.get(project.merge_method or "", f"merge method {project.merge_method}")
    squashing = _SQUASHING.get(project.squash_option or "", "squashed if asked for")
    found = f"{method}, {squashing}"
    if not project.only_allow_merge_if_pipeline_succeeds:
        return Check("merging", f"{found}; pipelines need not succeed")
    if use.files is None or _has_pipelines(project, use.files):
        return Check("merging", f"{found}; pipelines must succeed")
    return Check(
        "merging",
        f"{found}; pipelines must succeed, but no file starts one: nothing is merged unless another system reports one",
        f"add {_ci_file(project)}, or switch off 'Pipelines must succeed' in Settings > Merge requests",
    )


def _check_gate(project: _ProjectAnswer) -> Check:
    """Whether `bumper check` could keep people's own merge requests to the rules of bumper.yaml."""
    where = "in Settings > CI/CD > General pipelines"
    if not project.only_allow_merge_if_pipeline_succeeds:
        found = "only bumper's own commands keep the rules of bumper.yaml; people can merge anything"
        return Check(_GATE, found, "include the component check and switch on 'Pipelines must succeed'")
    if "@" not in _ci_file(project):
        found = f"a merge request can change {_ci_file(project)}, and so whether bumper check runs"
        return Check(
            _GATE, found, f"set the CI/CD configuration file to one of another project (file@group/project) {where}"
        )
    if project.ci_pipeline_variables_minimum_override_role in _ANYBODY:
        found = "every Developer may give a pipeline variables, with which it can mislead bumper check"
        return Check(_GATE, found, "raise the minimum role to use pipeline variables in Settings > CI/CD > Variables")
    found = f"pipelines must succeed, and are configured in {_ci_file(project).partition('@')[2]}"
    found += "; for a merge request from a fork a member has to start one here"
    if project.merge_method == "merge" and not project.merge_trains_enabled:
        found += "; a green one may be old by the merge, unless merges are fast-forward or go by merge train"
    return Check(_GATE, found)


def _ci_file(project: _ProjectAnswer) -> str:
    return project.ci_config_path or ".gitlab-ci.yml"


def _has_pipelines(project: _ProjectAnswer, files: frozenset[str]) -> bool:
    path = _ci_file(project)
    is_elsewhere = "@" in path or "://" in path  # another project's file, or one on the web
    return bool(project.auto_devops_enabled) or is_elsewhere or path in files


def _check_job_tokens(*, allowed: bool) -> Check:
    if allowed:
        return Check("job tokens", "CI_JOB_TOKEN may push to this project; such a push starts no pipeline")
    return Check("job tokens", "CI_JOB_TOKEN may not push to this project, which matters only without BUMPER_TOKEN")
