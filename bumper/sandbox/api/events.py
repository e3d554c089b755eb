"""/projects/:id/events: who pushed what. Other events are not kept."""

from bumper.sandbox.api.call import Answer, Call, page_of
from bumper.sandbox.api.views import View, user_view
from bumper.sandbox.git.repository import NO_COMMIT
from bumper.sandbox.state.records import Push
from bumper.sandbox.state.world import World

_ACTIONS = {"created": "pushed new", "pushed": "pushed to", "removed": "deleted"}


def list_all(call: Call) -> Answer:
    """GET: the newest first unless asked otherwise."""
    descending = call.parameters.choice("sort", ("asc", "desc"), "desc") == "desc"
    asked = call.parameters.text("action") in {"", "pushed"}
    found = [one for one in call.world.records.pushes if asked and one.project_id == call.project.id]
    shown = sorted(found, key=lambda one: one.id, reverse=descending)
    return page_of(call, shown, lambda one: _event_view(call.world, one))


def _event_view(world: World, push: Push) -> View:
    author = user_view(world, push.author)
    action = "created" if push.old == NO_COMMIT else "removed" if push.new == NO_COMMIT else "pushed"
    old, new = (commit if commit != NO_COMMIT else None for commit in (push.old, push.new))
    return {
        "id": push.id,
        "project_id": push.project_id,
        "action_name": _ACTIONS[action],
        **dict.fromkeys(("target_id", "target_iid", "target_type", "target_title")),
        "author_id": author["id"],
        "author": author,
        "author_username": push.author,
        "created_at": push.created_at,
        "push_data": {
            "action": action,
            "ref_type": "branch",
            "ref": push.branch,
            "commit_from": old,
            "commit_to": new,
            "ref_count": None,
        },
    }
