"""/projects/:id/merge_requests/:iid/approvals, approve, unapprove and reset_approvals."""

from bumper.sandbox.api.call import Answer, Call
from bumper.sandbox.api.views import View, user_view
from bumper.sandbox.behaviour.errors import conflict, unauthorized
from bumper.sandbox.behaviour.mergeability import approvals_left, approvals_required
from bumper.sandbox.behaviour.pipelines import process_auto_merges
from bumper.sandbox.state.records import Role


def show(call: Call) -> Answer:
    """GET approvals: how many are needed, who gave one."""
    return Answer(_view(call))


def require(call: Call) -> Answer:
    """POST approvals: how many this merge request needs, whatever the project says."""
    call.require_role(Role.DEVELOPER)
    call.parameters.require("approvals_required")
    number = call.parameters.number("approvals_required", 0)
    call.world.update(call.merge_request, approvals_required=number)
    process_auto_merges(call.world, call.project, call.merge_request.sha)
    return Answer(_view(call), 201)


def approve(call: Call) -> Answer:
    """POST approve: 401 for the author and for who did so already, 409 when ``sha`` is not the head."""
    call.require_role(Role.DEVELOPER)
    merge_request, username = call.merge_request, call.user.username
    if "sha" in call.parameters and call.parameters.text("sha") != merge_request.sha:
        raise conflict(f"SHA does not match HEAD of source branch: {merge_request.sha}")
    if username in {merge_request.author, *merge_request.approved_by} or merge_request.state != "opened":
        raise unauthorized()
    call.world.update(merge_request, approved_by=(*merge_request.approved_by, username))
    call.world.add_note(merge_request, username, "approved this merge request", system=True)
    process_auto_merges(call.world, call.project, merge_request.sha)
    return Answer(_view(call), 201)


def unapprove(call: Call) -> Answer:
    """POST unapprove: take one's own approval back."""
    merge_request, username = call.merge_request, call.user.username
    if username not in merge_request.approved_by:
        raise unauthorized()
    left = tuple(name for name in merge_request.approved_by if name != username)
    call.world.update(merge_request, approved_by=left)
    call.world.add_note(merge_request, username, "unapproved this merge request", system=True)
    return Answer(_view(call), 201)


def reset(call: Call) -> Answer:
    """PUT reset_approvals: for bots with a project or group access token only, else 401."""
    token = call.identity.token
    if token is None or token.kind not in {"project", "group"}:
        raise unauthorized()
    call.require_role(Role.DEVELOPER)
    call.world.update(call.merge_request, approved_by=())
    return Answer(None, 202)


def _view(call: Call) -> View:
    project, shown = call.project, call.merge_request
    left = approvals_left(project, shown)
    return {
        "id": shown.id,
        "iid": shown.iid,
        "project_id": project.id,
        "title": shown.title,
        "state": shown.state,
        "approved": left == 0,
        "approvals_required": approvals_required(project, shown),
        "approvals_left": left,
        "approved_by": [{"user": user_view(call.world, name)} for name in shown.approved_by],
        "user_has_approved": call.user.username in shown.approved_by,
        "user_can_approve": call.user.username not in {shown.author, *shown.approved_by},
    }
