"""Who and what: the user, the token, other users, the version, the job."""

from datetime import UTC, datetime

from bumper.sandbox.api.call import Answer, Call, page_of
from bumper.sandbox.api.views import own_user_view, user_view
from bumper.sandbox.behaviour.errors import bad_request, not_found, unauthorized


def show_self(call: Call) -> Answer:
    """GET user."""
    return Answer(own_user_view(call.world, call.user))


def list_users(call: Call) -> Answer:
    """GET users, by ``username`` or ``search``."""
    parameters, users = call.parameters, call.world.records.users
    exact, part = parameters.text("username").lower(), parameters.text("search").lower()
    found = [name for name in users if exact in {"", name.lower()} and part in name.lower()]
    return page_of(call, found, lambda name: user_view(call.world, name))


def show_user(call: Call) -> Answer:
    """GET users/:id: what anybody may see of a user, among it whether it is a bot."""
    users = call.world.records.users.values()
    found = next((user for user in users if str(user.id) == call.arguments["user"]), None)
    if found is None:
        raise not_found("User")
    return Answer({**user_view(call.world, found.username), "bot": found.bot})


def show_token(call: Call) -> Answer:
    """GET personal_access_tokens/self: project access tokens answer here as well, an OAuth token is none."""
    token = call.identity.token
    if token is None or token.kind == "job":
        raise unauthorized()
    if token.kind == "oauth":
        raise bad_request("400 Bad request - This endpoint requires token type to be a personal access token")
    return Answer(
        {
            "id": token.id,
            "name": f"{token.kind} token",
            "revoked": token.revoked,
            "created_at": token.created_at,
            "scopes": list(token.scopes),
            "user_id": call.user.id,
            "active": not token.revoked,
            "expires_at": token.expires_at,
        }
    )


def show_version(call: Call) -> Answer:
    """GET version, GET metadata."""
    edition = f"{call.world.settings.gitlab_version}-ee"
    return Answer({"version": edition, "revision": "bumper", "kas": {"enabled": False}, "enterprise": True})


def show_job(call: Call) -> Answer:
    """GET job: the job that a job token belongs to."""
    token = call.identity.token
    if token is None or token.kind != "job":
        raise bad_request("400 Bad request - job token is required")
    started = datetime.now(UTC).isoformat()
    user = user_view(call.world, token.username)
    return Answer({"id": token.id, "status": "running", "name": "deploy", "started_at": started, "user": user})
