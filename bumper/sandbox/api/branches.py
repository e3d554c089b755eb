"""/projects/:id/repository/branches."""

from bumper.sandbox.api.call import Answer, Call, page_of
from bumper.sandbox.api.git_views import View, branch_view
from bumper.sandbox.behaviour.branch_updates import RefUpdate, branches_updated
from bumper.sandbox.behaviour.errors import bad_request, forbidden, not_found
from bumper.sandbox.git.history import read_commits
from bumper.sandbox.git.repository import NO_COMMIT, GitError
from bumper.sandbox.state.records import Role
from bumper.sandbox.state.world import protection


def list_all(call: Call) -> Answer:
    """GET: every branch, by name; ``search`` for a part of it, ``^`` and ``$`` tie it to an end."""
    wanted = call.parameters.text("search")
    names = [name for name in call.repository.branches() if _found(name, wanted)]
    return page_of(call, names, lambda name: _view(call, name))


def show(call: Call) -> Answer:
    """GET: one branch."""
    _require_branch(call)
    return Answer(_view(call, call.arguments["branch"]))


def create(call: Call) -> Answer:
    """POST: a new branch at ``ref``."""
    call.require_role(Role.DEVELOPER)
    call.parameters.require("branch", "ref")
    name, repository = call.parameters.text("branch"), call.repository
    start = repository.commit_id(call.parameters.text("ref"))
    if repository.branch_tip(name):
        raise bad_request("Branch already exists")
    if start is None:
        raise bad_request(f"Invalid reference name: {call.parameters.text('ref')}")
    if not call.identity.may_push(call.project, name):
        raise forbidden()
    try:
        repository.set_branch(name, start, NO_COMMIT)
    except GitError:
        raise bad_request("Branch name is invalid") from None
    return Answer(_view(call, name), 201)


def delete(call: Call) -> Answer:
    """DELETE: the branch; what is open from it is closed."""
    call.require_role(Role.DEVELOPER)
    tip, name = _require_branch(call), call.arguments["branch"]
    if name == call.project.default_branch or (protection(call.project, name) and not call.user.admin):
        raise forbidden("Cannot remove HEAD branch" if name == call.project.default_branch else "")
    call.repository.set_branch(name, NO_COMMIT, tip)
    branches_updated(call.world, call.project, call.user, [RefUpdate(tip, NO_COMMIT, f"refs/heads/{name}")])
    return Answer(status=204)


def _require_branch(call: Call) -> str:
    tip = call.repository.branch_tip(call.arguments["branch"])
    if tip is None:
        raise not_found("Branch")
    return tip


def _found(name: str, wanted: str) -> bool:
    if wanted.startswith("^"):
        return name.startswith(wanted[1:])
    return name.endswith(wanted[:-1]) if wanted.endswith("$") else wanted in name


def _view(call: Call, name: str) -> View:
    commit = read_commits(call.repository, f"refs/heads/{name}", options=["-1"])[0]
    return branch_view(call.world, call.project, call.identity, name, commit)
