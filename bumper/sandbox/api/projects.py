"""/projects/:id and its settings: merge method, protected branches, approvals."""

from typing import Any

from bumper.sandbox.api.call import Answer, Call, page_of
from bumper.sandbox.api.views import project_view, protected_branch_view
from bumper.sandbox.behaviour.errors import bad_parameter, bad_request, conflict, not_found
from bumper.sandbox.state.records import ProtectedBranch, Role

_CHOICES = {
    "merge_method": ("merge", "rebase_merge", "ff"),
    "squash_option": ("never", "always", "default_on", "default_off"),
}
_FLAGS = ("only_allow_merge_if_pipeline_succeeds", "remove_source_branch_after_merge", "merge_trains_enabled")
_TEXTS = ("ci_config_path", "squash_commit_template", "merge_commit_template", "merge_requests_template")
_ACCESS_LEVELS = frozenset({0, 30, 40, 60})


def show(call: Call) -> Answer:
    """GET: the project."""
    return Answer(project_view(call.world, call.project, call.identity.role_in(call.project)))


def update(call: Call) -> Answer:
    """PUT: its settings."""
    call.require_role(Role.MAINTAINER)
    parameters, changes = call.parameters, dict[str, Any]()
    for name, choices in _CHOICES.items():
        if name in parameters:
            changes[name] = parameters.choice(name, choices, "")
    changes |= {name: parameters.flag(name) for name in _FLAGS if name in parameters}
    changes |= {name: parameters.text(name) or None for name in _TEXTS if name in parameters}
    branch = parameters.text("default_branch")
    if branch:
        if call.repository.branch_tip(branch) is None:
            raise bad_request({"base": ["Could not change HEAD: branch does not exist"]})
        call.repository.git("symbolic-ref", "HEAD", f"refs/heads/{branch}")
        changes["default_branch"] = branch
    return Answer(
        project_view(
            call.world, call.world.update_project(call.project, **changes), call.identity.role_in(call.project)
        )
    )


def list_protected(call: Call) -> Answer:
    """GET protected_branches."""
    call.require_role(Role.DEVELOPER)
    return page_of(call, call.project.protected_branches, protected_branch_view)


def show_protected(call: Call) -> Answer:
    """GET protected_branches/:name."""
    call.require_role(Role.DEVELOPER)
    return Answer(protected_branch_view(_rule(call)))


def protect(call: Call) -> Answer:
    """POST protected_branches."""
    call.require_role(Role.MAINTAINER)
    call.parameters.require("name")
    name = call.parameters.text("name")
    if any(rule.name == name for rule in call.project.protected_branches):
        raise conflict(f"Protected branch '{name}' already exists")
    rule = ProtectedBranch(
        call.world.next_id(),
        name,
        _level(call, "push_access_level", Role.MAINTAINER),
        _level(call, "merge_access_level", Role.MAINTAINER),
        call.parameters.flag("allow_force_push"),
    )
    call.world.update_project(call.project, protected_branches=(*call.project.protected_branches, rule))
    return Answer(protected_branch_view(rule), 201)


def update_protected(call: Call) -> Answer:
    """PATCH protected_branches/:name: force push, and levels in ``allowed_to_push`` and ``allowed_to_merge``."""
    call.require_role(Role.MAINTAINER)
    old = _rule(call)
    new = ProtectedBranch(
        old.id,
        old.name,
        _granted(call, "allowed_to_push", old.push_access_level),
        _granted(call, "allowed_to_merge", old.merge_access_level),
        call.parameters.flag("allow_force_push", default=old.allow_force_push),
    )
    rules = tuple(new if rule.name == old.name else rule for rule in call.project.protected_branches)
    call.world.update_project(call.project, protected_branches=rules)
    return Answer(protected_branch_view(new))


def unprotect(call: Call) -> Answer:
    """DELETE protected_branches/:name."""
    call.require_role(Role.MAINTAINER)
    gone = _rule(call)
    rules = tuple(rule for rule in call.project.protected_branches if rule.name != gone.name)
    call.world.update_project(call.project, protected_branches=rules)
    return Answer(status=204)


def show_approvals(call: Call) -> Answer:
    """GET approvals."""
    project = call.project
    return Answer(
        {
            "approvals_before_merge": project.approvals_before_merge,
            "reset_approvals_on_push": project.reset_approvals_on_push,
            "merge_requests_author_approval": False,
        }
    )


def update_approvals(call: Call) -> Answer:
    """POST approvals: how many are needed, and whether new commits take them away."""
    call.require_role(Role.MAINTAINER)
    project, parameters = call.project, call.parameters
    call.world.update_project(
        project,
        approvals_before_merge=parameters.number("approvals_before_merge", project.approvals_before_merge),
        reset_approvals_on_push=parameters.flag("reset_approvals_on_push", default=project.reset_approvals_on_push),
    )
    return Answer(show_approvals(call).body, 201)


def _rule(call: Call) -> ProtectedBranch:
    found = next((rule for rule in call.project.protected_branches if rule.name == call.arguments["name"]), None)
    if found is None:
        raise not_found()
    return found


def _level(call: Call, name: str, default: int) -> int:
    level = call.parameters.number(name, default)
    if level not in _ACCESS_LEVELS:
        raise bad_parameter(f"{name} does not have a valid value")
    return level


def _granted(call: Call, name: str, default: int) -> int:
    """The level in a list such as ``[{"access_level": 40}]``, or by the older name ``push_access_level``."""
    entries = call.parameters.values.get(name)
    if isinstance(entries, list) and entries and isinstance(entries[-1], dict):
        level = entries[-1].get("access_level", default)
        if level not in _ACCESS_LEVELS:
            raise bad_parameter(f"{name} does not have a valid value")
        return int(level)
    return _level(call, f"{name.removeprefix('allowed_to_')}_access_level", default)
