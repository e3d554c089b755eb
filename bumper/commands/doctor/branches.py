"""What GitLab says about branches: who may push to the target branch, who may merge into it, who may push bumper's."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TypeAlias
from urllib.parse import quote

from pydantic import BaseModel, RootModel

from bumper.commands.doctor.check import Check, failed
from bumper.errors import BumperError, Refused
from bumper.gitlab.connection import GitLab, read_answer

_DEVELOPER, _MAINTAINER = 30, 40
_TARGET = "target branch"
_SETTINGS = "GitLab's Settings > Repository > Protected branches"


class _BranchAnswer(BaseModel):
    protected: bool
    can_push: bool = False
    developers_can_merge: bool = False


class _AccessAnswer(BaseModel):
    access_level: int | None = None  # 0: nobody
    user_id: int | None = None
    group_id: int | None = None


class _ProtectionAnswer(BaseModel):
    name: str
    allow_force_push: bool = True
    merge_access_levels: list[_AccessAnswer] = []


class _ProtectionsAnswer(RootModel[list[_ProtectionAnswer]]):
    pass


Protections: TypeAlias = Sequence[_ProtectionAnswer]


@dataclass(frozen=True, slots=True)
class Member:
    """The token's user: its id and role in the project, as far as GitLab shows them."""

    user: int | None
    level: int | None


def target_branch_without_api(branch: str, by_commit: Sequence[str]) -> Iterator[Check]:
    """The target branch as git alone shows it."""
    yield Check(_TARGET, f"{branch}; only GitLab's API shows whether it is protected")
    yield from (_unknown_delivery(branch, name) for name in by_commit)


def _unknown_delivery(branch: str, environment: str) -> Check:
    found = f"pushes straight to {branch}; the first push will show whether that is allowed"
    return Check(f"delivery to {environment}", found)


def examine_target_branch(
    gitlab: GitLab, name: str, member: Member, by_commit: Sequence[str], auto_merge: Sequence[str]
) -> Iterator[Check]:
    """Its protection, and whether the environments that push to it or merge by themselves may do so."""
    path = f"{gitlab.path}/repository/branches/{quote(name, safe='')}"
    try:
        branch = read_answer(gitlab, f"reading branch {name}", path, _BranchAnswer)
    except BumperError as error:
        yield failed(_TARGET, error)
        return
    by_key = gitlab.settings.address.over_ssh  # whose rights are not the token's, and are not shown
    yield _check_protection(name, branch, by_key=by_key)
    for environment in by_commit:
        yield _unknown_delivery(name, environment) if by_key else _check_delivery(name, branch, environment)
    if auto_merge:
        yield _check_auto_merge(name, _may_merge(name, branch, member, read_protections(gitlab)), auto_merge)


def _check_protection(name: str, branch: _BranchAnswer, *, by_key: bool) -> Check:
    if not branch.protected:
        next_step = f"protect it in {_SETTINGS}, so that deployments are reviewed"
        return Check(_TARGET, f"{name} is not protected: every Developer may push to it", next_step)
    if by_key:
        return Check(_TARGET, f"{name} is protected")
    may = "may push to it" if branch.can_push else "may not push to it, which merge requests do not need"
    return Check(_TARGET, f"{name} is protected; this token {may}")


def _check_delivery(name: str, branch: _BranchAnswer, environment: str) -> Check:
    if branch.can_push:
        return Check(f"delivery to {environment}", f"pushes straight to {name}, which this token may do")
    return Check(
        f"delivery to {environment}",
        f"bumper.yaml has delivery: commit, but this token may not push to the protected branch {name}",
        f"allow it in {_SETTINGS}, or remove delivery: commit from bumper.yaml",
        Refused.exit_code,
    )


def read_protections(gitlab: GitLab) -> Protections | None:
    """The project's protected branches and wildcards; None where the token may not see them."""
    path = f"{gitlab.path}/protected_branches?per_page=100"
    try:
        return read_answer(gitlab, "reading the protected branches", path, _ProtectionsAnswer).root
    except BumperError:
        return None


def _may_merge(name: str, branch: _BranchAnswer, member: Member, protections: Protections | None) -> bool | None:
    """Whether the token may merge into the branch; None where GitLab does not show it."""
    if member.level is None:
        return None
    if not branch.protected:
        return member.level >= _DEVELOPER
    if protections is None:
        return member.level >= (_DEVELOPER if branch.developers_can_merge else _MAINTAINER)
    accesses = [each for rule in _rules_for(name, protections) for each in rule.merge_access_levels]
    if any(_admits(access, member) for access in accesses):
        return True
    return None if any(access.group_id is not None for access in accesses) else False


def _admits(access: _AccessAnswer, member: Member) -> bool:
    if access.user_id is not None:
        return access.user_id == member.user
    is_role = access.group_id is None and bool(access.access_level)
    return is_role and (member.level or 0) >= (access.access_level or 0)


def _rules_for(name: str, protections: Protections) -> Iterable[_ProtectionAnswer]:
    return (rule for rule in protections if rule.name == name or fnmatchcase(name, rule.name))


def _check_auto_merge(name: str, may_merge: bool | None, environments: Sequence[str]) -> Check:  # noqa: FBT001
    which = ", ".join(environments)
    if may_merge is None:
        return Check("auto-merge", f"wanted for {which}; whether this token may merge into {name} is not shown to it")
    if may_merge:
        return Check("auto-merge", f"this token may merge into {name}, which auto_merge of {which} needs")
    return Check(
        "auto-merge",
        f"bumper.yaml has auto_merge: true for {which}, but this token may not merge into {name}",
        f"give it the role Maintainer, or allow Developers to merge in {_SETTINGS}",
        Refused.exit_code,
    )


def check_own_branches(prefix: str, protections: Protections | None) -> Check | None:
    """Whether others may push to the branches that bumper makes; None where GitLab does not show it."""
    if protections is None:
        return None
    rule = next(iter(_rules_for(f"{prefix}any", protections)), None)
    if rule is not None and not rule.allow_force_push:
        found = f"{rule.name} is protected without force push, so bumper cannot update a merge request that is open"
        return Check("bumper's branches", found, f"allow force push for it in {_SETTINGS}", Refused.exit_code)
    if rule is not None:
        return Check("bumper's branches", f"{rule.name} is protected")
    return Check(
        "bumper's branches",
        f"{prefix}* is not protected: every Developer may push to bumper's branches",
        f"protect {prefix}* in {_SETTINGS}, with force push, for bumper's own user or role",
    )
