"""What GitLab says of the project: the target branch and its protection, merge requests, pushes to the branch."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from bumper.commands.doctor.check import Check, failed
from bumper.commands.doctor.gitlab import Answer, answer_of
from bumper.errors import BumperError, Refused, Unavailable
from bumper.gitlab.connection import GitLab

_DEVELOPER = 30
_ROLES = {5: "Minimal Access", 10: "Guest", 15: "Planner", 20: "Reporter", 30: "Developer", 40: "Maintainer"}
_REQUESTS = "may open merge requests"
_BRANCH = "target branch"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be done in the project, as far as the checks before have told.

    ``branch`` is None for the project's default branch, ``may_push`` None where the token was tried by no push.
    ``by_commit`` are the environments that are pushed straight to the branch; ``by_request`` is whether there are
    others.
    """

    branch: str | None
    has_branch: bool
    may_push: bool | None
    by_commit: Sequence[str]
    by_request: bool


def examine_project(gitlab: GitLab, wanted: Wanted) -> Iterator[Check]:
    """The project's checks, in the order in which they are shown."""
    project = answer_of(gitlab, "reading the project", f"/projects/{gitlab.project.encoded_id}")
    branch = wanted.branch or (None if isinstance(project, BumperError) else project.get("default_branch"))
    if wanted.has_branch and branch:
        yield from _examine_branch(gitlab, str(branch), wanted.by_commit)
    if isinstance(project, BumperError):
        yield failed("project", project)
    elif wanted.by_request:
        yield _check_requests(gitlab, project, wanted)


def branch_without_api(branch: str, by_commit: Sequence[str]) -> Iterator[Check]:
    """The target branch where only git tells of it."""
    yield Check(_BRANCH, f"{branch}; its protection is told by GitLab's API alone")
    yield from (_unknown_delivery(branch, name) for name in by_commit)


def _unknown_delivery(branch: str, environment: str) -> Check:
    told = f"pushes straight to {branch}; whether that is allowed is seen at the first push"
    return Check(f"delivery to {environment}", told)


def _examine_branch(gitlab: GitLab, name: str, by_commit: Sequence[str]) -> Iterator[Check]:
    path = f"/projects/{gitlab.project.encoded_id}/repository/branches/{quote(name, safe='')}"
    branch = answer_of(gitlab, f"reading branch {name}", path)
    if isinstance(branch, BumperError):
        yield failed(_BRANCH, branch)
        return
    by_key = gitlab.settings.address.over_ssh  # whose rights are not the token's, and are not told
    yield _check_protection(name, branch, by_key=by_key)
    for environment in by_commit:
        yield _unknown_delivery(name, environment) if by_key else _check_delivery(name, branch, environment)


def _check_protection(name: str, branch: Answer, *, by_key: bool) -> Check:
    if not branch.get("protected"):
        mend = "protect it in GitLab's Settings > Repository > Protected branches, so that deployments are reviewed"
        return Check(_BRANCH, f"{name} is not protected: every Developer may push to it", mend)
    if by_key:
        return Check(_BRANCH, f"{name} is protected")
    may = "may push to it" if branch.get("can_push") else "may not push to it, which merge requests do not need"
    return Check(_BRANCH, f"{name} is protected; this token {may}")


def _check_delivery(name: str, branch: Answer, environment: str) -> Check:
    if branch.get("can_push"):
        return Check(f"delivery to {environment}", f"pushes straight to {name}, which this token may")
    return Check(
        f"delivery to {environment}",
        f"bumper.yaml has delivery: commit, but this token may not push to the protected branch {name}",
        "allow it in GitLab's Settings > Repository > Protected branches, or take delivery: commit out of bumper.yaml",
        Refused.exit_code,
    )


def _check_requests(gitlab: GitLab, project: Answer, wanted: Wanted) -> Check:
    where, level = gitlab.settings.address.project, _level(project)
    if project.get("archived"):
        return _closed(f"{where} is archived", "unarchive it, or mend BUMPER_REPO")
    is_off = project.get("merge_requests_enabled") is False
    if is_off or project.get("merge_requests_access_level") == "disabled":
        return _closed(f"merge requests are switched off in {where}", "switch them on in its Settings > General")
    # A group that the project is shared with gives a role that is not told here: what a push has shown stands above.
    is_low = level is not None and level < _DEVELOPER and not wanted.may_push
    if is_low or project.get("can_create_merge_request_in") is False:
        role = _ROLES.get(level or 0, "no role")
        mend = "give it the role Developer, or set BUMPER_TOKEN to one that has it"
        return Check(_REQUESTS, f"the token has {role} in {where}", mend, Unavailable.exit_code)
    return Check(
        _REQUESTS, f"in {where} as {_ROLES.get(level or 0, 'a member')}; merge method {project.get('merge_method')}"
    )


def _closed(found: str, mend: str) -> Check:
    return Check(_REQUESTS, found, mend, Refused.exit_code)


def _level(project: Answer) -> int | None:
    """The higher of the project's and the group's; an administrator has neither."""
    permissions: dict[str, Any] = project.get("permissions") or {}
    accesses = (permissions.get("project_access"), permissions.get("group_access"))
    return max((int(one["access_level"]) for one in accesses if one), default=None)
