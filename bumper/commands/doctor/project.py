"""What GitLab says about the project: how it merges, who may open merge requests, who may push and merge where."""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from urllib.parse import quote

from pydantic import BaseModel, RootModel

from bumper.commands.doctor.check import ProjectUse, Report
from bumper.errors import BumperError, Refused, Unavailable
from bumper.gitlab.connection import GitLab, read_answer

_DEVELOPER, _MAINTAINER = 30, 40
_ROLES = {5: "Minimal Access", 10: "Guest", 15: "Planner", 20: "Reporter", 30: "Developer", 40: "Maintainer"}
_METHODS = {"merge": "merge commits", "rebase_merge": "merge commits, semi-linear", "ff": "fast-forward merges"}
_SQUASHING = {"always": "always squashed", "never": "never squashed"}
_PROTECTED_BRANCHES = "GitLab's Settings > Repository > Protected branches"


class _AccessAnswer(BaseModel):
    access_level: int | None = None  # 0: nobody
    user_id: int | None = None
    group_id: int | None = None


class _PermissionsAnswer(BaseModel):
    project_access: _AccessAnswer | None = None
    group_access: _AccessAnswer | None = None


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

    @property
    def level(self) -> int | None:
        """The higher of the project's and the group's; an administrator has neither."""
        found = self.permissions or _PermissionsAnswer()
        accesses = (found.project_access, found.group_access)
        return max((one.access_level or 0 for one in accesses if one is not None), default=None)

    @property
    def ci_file(self) -> str:
        return self.ci_config_path or ".gitlab-ci.yml"


class _BranchAnswer(BaseModel):
    protected: bool
    can_push: bool = False
    developers_can_merge: bool = False


class _ProtectionAnswer(BaseModel):
    name: str
    allow_force_push: bool = True
    merge_access_levels: list[_AccessAnswer] = []


_Protections = RootModel[list[_ProtectionAnswer]]


@dataclass(frozen=True, slots=True)
class _Member:
    """The token's user: its id and role in the project, as far as GitLab shows them."""

    user: int | None
    level: int | None

    def is_admitted(self, access: _AccessAnswer) -> bool:
        if access.user_id is not None:
            return access.user_id == self.user
        return access.group_id is None and 0 < (access.access_level or 0) <= (self.level or 0)


def examine_project(report: Report, gitlab: GitLab, use: ProjectUse, user: int | None) -> None:
    """Make the project's checks; ``user`` is the token's."""
    try:
        project = read_answer(gitlab, "reading the project", gitlab.path, _ProjectAnswer)
    except BumperError as error:
        _examine_target_branch(report, gitlab, use, use.branch, _Member(user, None))
        report.fail("project", error)
        return
    address, path = gitlab.settings.address, project.path_with_namespace
    # The old path of a project that was moved serves git and GET, but nothing that changes it.
    if path is not None and path.casefold() != address.project.casefold():
        url = project.ssh_url_to_repo if address.over_ssh else project.http_url_to_repo
        report.fail("project", Refused(f"{address.project} has moved to {path}", f"set BUMPER_REPO to {url}"))
        return
    branch, member = use.branch or project.default_branch, _Member(user, project.level)
    _examine_target_branch(report, gitlab, use, branch, member)
    if use.by_commit and not use.by_request:
        return
    refusal = _why_no_requests(project, use, address.project)
    if refusal is not None:
        report.fail("may open merge requests", refusal)
    else:
        role = _ROLES.get(project.level or 0, "a member")
        report.add("may open merge requests", f"in {address.project} as {role}")
        _check_merging(report, project, use)
        if any(one.has_rules for one in use.config.environments.values()):
            report.add("gate", *_explain_gate(project))
        _check_own_branches(report, use.config.branch_prefix, _read_protections(gitlab))
    match project.ci_push_repository_for_job_token_allowed:
        case True:
            report.add("job tokens", "CI_JOB_TOKEN may push to this project; such a push starts no pipeline")
        case False:
            only = "which matters only without BUMPER_TOKEN"
            report.add("job tokens", f"CI_JOB_TOKEN may not push to this project, {only}")


def _why_no_requests(project: _ProjectAnswer, use: ProjectUse, where: str) -> BumperError | None:
    if project.archived:
        return Refused(f"{where} is archived", "unarchive it, or correct BUMPER_REPO")
    if not project.merge_requests_enabled or project.merge_requests_access_level == "disabled":
        return Refused(f"merge requests are switched off in {where}", "switch them on in its Settings > General")
    # A group that the project is shared with gives a role that is not shown here: what a push has shown comes first.
    is_low = project.level is not None and project.level < _DEVELOPER and not use.may_push
    if is_low or not project.can_create_merge_request_in:
        return Unavailable(
            f"the token has {_ROLES.get(project.level or 0, 'no role')} in {where}",
            "give it the role Developer, or set BUMPER_TOKEN to a token that has it",
        )
    return None


def _check_merging(report: Report, project: _ProjectAnswer, use: ProjectUse) -> None:
    method = _METHODS.get(project.merge_method or "", f"merge method {project.merge_method}")
    found = f"{method}, {_SQUASHING.get(project.squash_option or '', 'squashed if asked for')}"
    if not project.only_allow_merge_if_pipeline_succeeds:
        report.add("merging", f"{found}; pipelines need not succeed")
        return
    file = project.ci_file
    is_elsewhere = "@" in file or "://" in file  # another project's file, or one on the web
    if use.files is None or project.auto_devops_enabled or is_elsewhere or file in use.files:
        report.add("merging", f"{found}; pipelines must succeed")
        return
    report.add(
        "merging",
        f"{found}; pipelines must succeed, but no file starts one: nothing is merged unless another system reports one",
        f"add {file}, or switch off 'Pipelines must succeed' in Settings > Merge requests",
    )


def _explain_gate(project: _ProjectAnswer) -> tuple[str, str | None]:
    """Whether `bumper check` could keep people's own merge requests to the rules of bumper.yaml, and the next step."""
    where = "in Settings > CI/CD > General pipelines"
    if not project.only_allow_merge_if_pipeline_succeeds:
        return (
            "only bumper's own commands keep the rules of bumper.yaml; people can merge anything",
            "include the component check and switch on 'Pipelines must succeed'",
        )
    if "@" not in project.ci_file:
        return (
            f"a merge request can change {project.ci_file}, and so whether bumper check runs",
            f"set the CI/CD configuration file to one of another project (file@group/project) {where}",
        )
    if project.ci_pipeline_variables_minimum_override_role == "developer":
        return (
            "every Developer may give a pipeline variables, with which it can mislead bumper check",
            "raise the minimum role to use pipeline variables in Settings > CI/CD > Variables",
        )
    found = f"pipelines must succeed, and are configured in {project.ci_file.partition('@')[2]}"
    found += "; for a merge request from a fork a member has to start one here"
    if project.merge_method == "merge" and not project.merge_trains_enabled:
        found += "; a green one may be old by the merge, unless merges are fast-forward or go by merge train"
    return found, None


def _examine_target_branch(
    report: Report, gitlab: GitLab, use: ProjectUse, name: str | None, member: _Member
) -> None:  # fmt: skip
    """Check the branch's protection, and whether the environments that push to it or merge by themselves may do so."""
    if not use.has_branch or name is None:
        return
    with report.check("target branch"):
        path = f"{gitlab.path}/repository/branches/{quote(name, safe='')}"
        branch = read_answer(gitlab, f"reading branch {name}", path, _BranchAnswer)
        by_key = gitlab.settings.address.over_ssh  # whose rights are not the token's, and are not shown
        if branch.protected:
            may = "may push to it" if branch.can_push else "may not push to it, which merge requests do not need"
            report.add("target branch", f"{name} is protected" + ("" if by_key else f"; this token {may}"))
        else:
            next_step = f"protect it in {_PROTECTED_BRANCHES}, so that deployments are reviewed"
            report.add("target branch", f"{name} is not protected: every Developer may push to it", next_step)
        report_delivery(report, name, use, may_push=None if by_key else branch.can_push)
        _check_auto_merge(report, gitlab, use, name, branch, member)


def report_delivery(report: Report, branch: str, use: ProjectUse, *, may_push: bool | None) -> None:
    """Report the environments that are pushed straight to ``branch``; ``may_push`` is None where nothing shows it."""
    for environment in use.by_commit:
        with report.check(f"delivery to {environment}"):
            if may_push is False:
                raise Refused(
                    f"bumper.yaml has delivery: commit, but this token may not push to the protected branch {branch}",
                    f"allow it in {_PROTECTED_BRANCHES}, or remove delivery: commit from bumper.yaml",
                )
            whether = "which this token may do" if may_push else "the first push will show whether that is allowed"
            found = f"pushes straight to {branch}{',' if may_push else ';'} {whether}"
            report.add(f"delivery to {environment}", found)


def _check_auto_merge(
    report: Report, gitlab: GitLab, use: ProjectUse, name: str, branch: _BranchAnswer, member: _Member
) -> None:  # fmt: skip
    which = ", ".join(one for one in use.by_request if use.config.rules_of(one).auto_merge)
    if not which:
        return
    may_merge = _may_merge(name, branch, member, _read_protections(gitlab))
    if may_merge is None:
        found = f"wanted for {which}; whether this token may merge into {name} is not shown to it"
        report.add("auto-merge", found)
    elif may_merge:
        report.add("auto-merge", f"this token may merge into {name}, which auto_merge of {which} needs")
    else:
        what = f"bumper.yaml has auto_merge: true for {which}, but this token may not merge into {name}"
        next_step = f"give it the role Maintainer, or allow Developers to merge in {_PROTECTED_BRANCHES}"
        report.fail("auto-merge", Refused(what, next_step))


def _may_merge(
    name: str, branch: _BranchAnswer, member: _Member, protections: Sequence[_ProtectionAnswer] | None
) -> bool | None:  # fmt: skip
    """Whether the token may merge into the branch; None where GitLab does not show it."""
    if member.level is None:
        return None
    if not branch.protected:
        return member.level >= _DEVELOPER
    if protections is None:
        return member.level >= (_DEVELOPER if branch.developers_can_merge else _MAINTAINER)
    accesses = [access for rule in _rules_for(name, protections) for access in rule.merge_access_levels]
    if any(member.is_admitted(access) for access in accesses):
        return True
    return None if any(access.group_id is not None for access in accesses) else False


def _read_protections(gitlab: GitLab) -> Sequence[_ProtectionAnswer] | None:
    """The project's protected branches and wildcards; None where the token may not see them."""
    path = f"{gitlab.path}/protected_branches?per_page=100"
    try:
        return read_answer(gitlab, "reading the protected branches", path, _Protections).root
    except BumperError:
        return None


def _rules_for(name: str, protections: Sequence[_ProtectionAnswer]) -> list[_ProtectionAnswer]:
    return [rule for rule in protections if rule.name == name or fnmatchcase(name, rule.name)]


def _check_own_branches(report: Report, prefix: str, protections: Sequence[_ProtectionAnswer] | None) -> None:
    """Check whether others may push to the branches that bumper makes, where GitLab shows it."""
    if protections is None:
        return
    name, rules = "bumper's branches", _rules_for(f"{prefix}any", protections)
    if not rules:
        found = f"{prefix}* is not protected: every Developer may push to bumper's branches"
        next_step = f"protect {prefix}* in {_PROTECTED_BRANCHES}, with force push, for bumper's own user or role"
        report.add(name, found, next_step)
    elif rules[0].allow_force_push:
        report.add(name, f"{rules[0].name} is protected")
    else:
        what = f"{rules[0].name} is protected without force push, so bumper cannot update a merge request that is open"
        report.fail(name, Refused(what, f"allow force push for it in {_PROTECTED_BRANCHES}"))
