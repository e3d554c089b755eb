"""Every address that the server knows."""

from functools import cache
from urllib.parse import unquote

from werkzeug.routing import BaseConverter, Map, Rule

from bumper.sandbox.api import approvals as api_approvals
from bumper.sandbox.api import branches as api_branches
from bumper.sandbox.api import commits as api_commits
from bumper.sandbox.api import events as api_events
from bumper.sandbox.api import files as api_files
from bumper.sandbox.api import freeze_periods as api_freeze_periods
from bumper.sandbox.api import merge as api_merge
from bumper.sandbox.api import merge_requests as api_merge_requests
from bumper.sandbox.api import notes as api_notes
from bumper.sandbox.api import projects as api_projects
from bumper.sandbox.api import statuses as api_statuses
from bumper.sandbox.api import users as api_users
from bumper.sandbox.api.call import Endpoint

_PROJECT = "/projects/<id>"
_REPOSITORY = f"{_PROJECT}/repository"
_COMMIT = f"{_REPOSITORY}/commits/<sha>"
_ONE = f"{_PROJECT}/merge_requests/<iid>"

API: tuple[tuple[str, str, Endpoint], ...] = (
    ("GET", "/user", api_users.show_self),
    ("GET", "/users", api_users.list_users),
    ("GET", "/users/<user>", api_users.show_user),
    ("GET", "/personal_access_tokens/self", api_users.show_token),
    ("GET", "/version", api_users.show_version),
    ("GET", "/metadata", api_users.show_version),
    ("GET", "/job", api_users.show_job),
    ("GET", _PROJECT, api_projects.show),
    ("PUT", _PROJECT, api_projects.update),
    ("GET", f"{_PROJECT}/protected_branches", api_projects.list_protected),
    ("POST", f"{_PROJECT}/protected_branches", api_projects.protect),
    ("GET", f"{_PROJECT}/protected_branches/<name>", api_projects.show_protected),
    ("PATCH", f"{_PROJECT}/protected_branches/<name>", api_projects.update_protected),
    ("DELETE", f"{_PROJECT}/protected_branches/<name>", api_projects.unprotect),
    ("GET", f"{_PROJECT}/approvals", api_projects.show_approvals),
    ("POST", f"{_PROJECT}/approvals", api_projects.update_approvals),
    ("GET", f"{_PROJECT}/events", api_events.list_all),
    ("GET", f"{_PROJECT}/freeze_periods", api_freeze_periods.list_all),
    ("POST", f"{_PROJECT}/freeze_periods", api_freeze_periods.create),
    ("DELETE", f"{_PROJECT}/freeze_periods/<number>", api_freeze_periods.delete),
    ("GET", f"{_REPOSITORY}/branches", api_branches.list_all),
    ("POST", f"{_REPOSITORY}/branches", api_branches.create),
    ("GET", f"{_REPOSITORY}/branches/<branch>", api_branches.show),
    ("DELETE", f"{_REPOSITORY}/branches/<branch>", api_branches.delete),
    ("GET", f"{_REPOSITORY}/commits", api_commits.list_all),
    ("GET", _COMMIT, api_commits.show),
    ("GET", f"{_COMMIT}/diff", api_commits.diff),
    ("GET", f"{_COMMIT}/merge_requests", api_commits.merge_requests),
    ("GET", f"{_COMMIT}/refs", api_commits.refs),
    ("GET", f"{_COMMIT}/statuses", api_statuses.list_of_commit),
    ("GET", f"{_REPOSITORY}/compare", api_commits.compare),
    ("GET", f"{_REPOSITORY}/tree", api_files.tree),
    ("GET", f"{_REPOSITORY}/files/<path>", api_files.show),
    ("GET", f"{_REPOSITORY}/files/<path>/raw", api_files.raw),
    ("POST", f"{_PROJECT}/statuses/<sha>", api_statuses.report),
    ("GET", f"{_PROJECT}/pipelines", api_statuses.list_pipelines),
    ("GET", f"{_PROJECT}/merge_requests", api_merge_requests.list_all),
    ("POST", f"{_PROJECT}/merge_requests", api_merge_requests.create),
    ("GET", _ONE, api_merge_requests.show),
    ("PUT", _ONE, api_merge_requests.update),
    ("GET", f"{_ONE}/commits", api_merge_requests.commits),
    ("GET", f"{_ONE}/diffs", api_merge_requests.diffs),
    ("GET", f"{_ONE}/changes", api_merge_requests.changes),
    ("GET", f"{_ONE}/pipelines", api_statuses.list_of_merge_request),
    ("GET", f"{_ONE}/approvals", api_approvals.show),
    ("POST", f"{_ONE}/approvals", api_approvals.require),
    ("POST", f"{_ONE}/approve", api_approvals.approve),
    ("POST", f"{_ONE}/unapprove", api_approvals.unapprove),
    ("PUT", f"{_ONE}/reset_approvals", api_approvals.reset),
    ("PUT", f"{_ONE}/merge", api_merge.merge_now_or_later),
    ("POST", f"{_ONE}/cancel_merge_when_pipeline_succeeds", api_merge.cancel_auto_merge),
    ("PUT", f"{_ONE}/rebase", api_merge.rebase),
    ("GET", f"{_ONE}/notes", api_notes.list_all),
    ("POST", f"{_ONE}/notes", api_notes.create),
    ("GET", f"{_ONE}/notes/<note>", api_notes.show),
    ("PUT", f"{_ONE}/notes/<note>", api_notes.update),
    ("GET", f"{_PROJECT}/merge_trains", api_merge.list_train),
    ("GET", f"{_PROJECT}/merge_trains/merge_requests/<iid>", api_merge.show_train_car),
    ("POST", f"{_PROJECT}/merge_trains/merge_requests/<iid>", api_merge.join_train),
)

# GitLab's page about job tokens lists them.
JOB_TOKEN_ENDPOINTS = frozenset(
    {
        api_users.show_job,
        api_branches.list_all,
        api_commits.show,
        api_commits.merge_requests,
        api_files.show,
        api_files.raw,
        api_merge_requests.list_all,
        api_merge_requests.show,
    }
)


class _Encoded(BaseConverter):
    """One segment of the path as the client sent it: ``platform%2Fgitops`` is one, and is decoded afterwards."""

    def to_python(self, value: str) -> str:
        return unquote(value)


@cache
def api_map() -> Map:
    """The API's addresses below ``/api/v4``."""
    rules = [Rule(f"/api/v4{path}", methods=[method], endpoint=endpoint) for method, path, endpoint in API]
    return Map(rules, converters={"default": _Encoded}, strict_slashes=False, merge_slashes=False)


@cache
def site_map() -> Map:
    """Git, the hooks' way back, and the pages for people."""
    return Map(
        [
            Rule("/<path:project>.git/info/refs", methods=["GET"], endpoint="git", defaults={"service": "info/refs"}),
            Rule(
                "/<path:project>.git/<any('git-upload-pack','git-receive-pack'):service>",
                methods=["POST"],
                endpoint="git",
            ),
            Rule("/<path:project>/info/refs", methods=["GET"], endpoint="git without suffix"),
            Rule("/-/hooks/<hook>", methods=["POST"], endpoint="hook"),
            Rule("/", methods=["GET"], endpoint="index"),
            Rule("/<path:project>", methods=["GET"], endpoint="list"),
            Rule("/<path:project>/-/blob/<path:place>", methods=["GET"], endpoint="file"),
            Rule("/<path:project>/-/commit/<place>", methods=["GET"], endpoint="commit"),
            Rule("/<path:project>/-/tree/<path:place>", methods=["GET"], endpoint="files"),
            Rule("/<path:project>/-/merge_requests", methods=["GET"], endpoint="list"),
            Rule("/<path:project>/-/merge_requests/<int:iid>", methods=["GET"], endpoint="show"),
            Rule(
                "/<path:project>/-/merge_requests/<int:iid>/<any(merge, close):action>",
                methods=["POST"],
                endpoint="act",
            ),
        ],
        merge_slashes=False,
    )
