"""What GitLab says about the project: how it merges, who may open merge requests, who may push and merge where."""

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
class ProjectExamination:
    """The project's checks, of how bumper uses it; ``user`` is the token's, as far as GitLab shows it."""

    report: Report
    gitlab: GitLab
    use: ProjectUse
    user: int | None

    def run(self) -> None:
        """Make the checks."""
        report, use, address = self.report, self.use, self.gitlab.settings.address
        try:
            project = read_answer(self.gitlab, "reading the project", self.gitlab.path, _ProjectAnswer)
        except BumperError as error:
            self._check_target_branch(use.branch, None)
            report.fail("project", error)
            return
        path = project.path_with_namespace
        # The old path of a project that was moved serves git and GET, but nothing that changes it.
        if path is not None and path.casefold() != address.project.casefold():
            url = project.ssh_url_to_repo if address.over_ssh else project.http_url_to_repo
            report.fail("project", Refused(f"{address.project} has moved to {path}", f"set BUMPER_REPO to {url}"))
            return
        self._check_target_branch(use.branch or project.default_branch, project.level)
        if use.by_commit and not use.by_request:
            return
        with report.check("may open merge requests"):
            self._require_merge_requests(project)
            role = _ROLES.get(project.level or 0, "a member")
            report.add("may open merge requests", f"in {address.project} as {role}")
            self._check_merging(project)
            if any(one.has_rules for one in use.config.environments.values()):
                report.add("gate", *_explain_gate(project))
            self._check_own_branches()
        match project.ci_push_repository_for_job_token_allowed:
            case True:
                report.add("job tokens", "CI_JOB_TOKEN may push to this project; such a push starts no pipeline")
            case False:
                only = "which matters only without BUMPER_TOKEN"
                report.add("job tokens", f"CI_JOB_TOKEN may not push to this project, {only}")

    def _require_merge_requests(self, project: _ProjectAnswer) -> None:
        where = self.gitlab.settings.address.project
        if project.archived:
            raise Refused(f"{where} is archived", "unarchive it, or correct BUMPER_REPO")
        if not project.merge_requests_enabled or project.merge_requests_access_level == "disabled":
            raise Refused(f"merge requests are switched off in {where}", "switch them on in its Settings > General")
        # A group that the project is shared with gives a role that is not shown here: what a push shows comes first.
        is_low = project.level is not None and project.level < _DEVELOPER and not self.use.may_push
        if is_low or not project.can_create_merge_request_in:
            raise Unavailable(
                f"the token has {_ROLES.get(project.level or 0, 'no role')} in {where}",
                "give it the role Developer, or set BUMPER_TOKEN to a token that has it",
            )

    def _check_merging(self, project: _ProjectAnswer) -> None:
        method = _METHODS.get(project.merge_method or "", f"merge method {project.merge_method}")
        found = f"{method}, {_SQUASHING.get(project.squash_option or '', 'squashed if asked for')}"
        file, files = project.ci_file, self.use.files
        is_elsewhere = "@" in file or "://" in file  # another project's file, or one on the web
        if not project.only_allow_merge_if_pipeline_succeeds:
            self.report.add("merging", f"{found}; pipelines need not succeed")
        elif files is None or project.auto_devops_enabled or is_elsewhere or file in files:
            self.report.add("merging", f"{found}; pipelines must succeed")
        else:
            nothing = "but no file starts one: nothing is merged unless another system reports one"
            next_step = f"add {file}, or switch off 'Pipelines must succeed' in Settings > Merge requests"
            self.report.add("merging", f"{found}; pipelines must succeed, {nothing}", next_step)

    def _check_target_branch(self, name: str | None, level: int | None) -> None:
        """Check its protection, and whether the environments that push to it or merge by themselves may do so.

        ``level`` is that of the token's role, as far as GitLab shows it.
        """
        if not self.use.has_branch or name is None:
            return
        with self.report.check("target branch"):
            path = f"{self.gitlab.path}/repository/branches/{quote(name, safe='')}"
            branch = read_answer(self.gitlab, f"reading branch {name}", path, _BranchAnswer)
            by_key = self.gitlab.settings.address.over_ssh  # whose rights are not the token's, and are not shown
            if branch.protected:
                may = "may push to it" if branch.can_push else "may not push to it, which merge requests do not need"
                self.report.add("target branch", f"{name} is protected" + ("" if by_key else f"; this token {may}"))
            else:
                next_step = f"protect it in {_PROTECTED_BRANCHES}, so that deployments are reviewed"
                found = f"{name} is not protected: every Developer may push to it"
                self.report.add("target branch", found, next_step)
            report_delivery(self.report, name, self.use, may_push=None if by_key else branch.can_push)
            merging = [one for one in self.use.by_request if self.use.config.rules_of(one).auto_merge]
            if merging:
                self._check_auto_merge(name, ", ".join(merging), may_merge=self._may_merge(name, branch, level))

    def _check_auto_merge(self, name: str, environments: str, *, may_merge: bool | None) -> None:
        with self.report.check("auto-merge"):
            if may_merge is False:
                raise Refused(
                    f"bumper.yaml has auto_merge: true for {environments}, but this token may not merge into {name}",
                    f"give it the role Maintainer, or allow Developers to merge in {_PROTECTED_BRANCHES}",
                )
            found = f"this token may merge into {name}, which auto_merge of {environments} needs"
            if may_merge is None:
                found = f"wanted for {environments}; whether this token may merge into {name} is not shown to it"
            self.report.add("auto-merge", found)

    def _may_merge(self, name: str, branch: _BranchAnswer, level: int | None) -> bool | None:
        """Whether the token may merge into the branch; None where GitLab does not show it."""
        if level is None:
            return None
        if not branch.protected:
            return level >= _DEVELOPER
        rules = self._rules_for(name)
        if rules is None:
            return level >= (_DEVELOPER if branch.developers_can_merge else _MAINTAINER)
        accesses = [access for rule in rules for access in rule.merge_access_levels]
        for access in accesses:
            is_role = access.user_id is None and access.group_id is None
            is_own = access.user_id is not None and access.user_id == self.user
            if is_own or (is_role and 0 < (access.access_level or 0) <= level):
                return True
        return None if any(access.group_id is not None for access in accesses) else False

    def _rules_for(self, name: str) -> list[_ProtectionAnswer] | None:
        """The protected branches and wildcards that a branch falls under; None where the token may not see them."""
        path = f"{self.gitlab.path}/protected_branches?per_page=100"
        try:
            rules = read_answer(self.gitlab, "reading the protected branches", path, _Protections).root
        except BumperError:
            return None
        return [rule for rule in rules if rule.name == name or fnmatchcase(name, rule.name)]

    def _check_own_branches(self) -> None:
        """Check whether others may push to the branches that bumper makes, where GitLab shows it."""
        name, prefix = "bumper's branches", self.use.config.branch_prefix
        rules = self._rules_for(f"{prefix}any")
        if rules is None:
            return
        with self.report.check(name):
            if not rules:
                found = f"{prefix}* is not protected: every Developer may push to bumper's branches"
                by_whom = "with force push, for bumper's own user or role"
                self.report.add(name, found, f"protect {prefix}* in {_PROTECTED_BRANCHES}, {by_whom}")
                return
            rule = rules[0].name
            if not rules[0].allow_force_push:
                what = f"{rule} is protected without force push, so bumper cannot update a merge request that is open"
                raise Refused(what, f"allow force push for it in {_PROTECTED_BRANCHES}")
            self.report.add(name, f"{rule} is protected")


def report_delivery(report: Report, branch: str, use: ProjectUse, *, may_push: bool | None) -> None:
    """Report the environments that are pushed straight to ``branch``; ``may_push`` is None where nothing shows it."""
    for environment in use.by_commit:
        with report.check(f"delivery to {environment}"):
            if may_push is False:
                raise Refused(
                    f"bumper.yaml has delivery: commit, but this token may not push to the protected branch {branch}",
                    f"allow it in {_PROTECTED_BRANCHES}, or remove delivery: commit from bumper.yaml",
                )
            whether = ", which this token may do"
            if may_push is None:
                whether = "; the first push will show whether that is allowed"
            report.add(f"delivery to {environment}", f"pushes straight to {branch}{whether}")


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
