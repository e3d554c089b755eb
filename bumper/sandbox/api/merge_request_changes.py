"""/projects/:id/merge_requests/:iid/commits, diffs and changes."""

from bumper.sandbox.api.call import Answer, Call, page_of
from bumper.sandbox.api.git_views import commit_view, diff_view
from bumper.sandbox.api.views import single_merge_request_view
from bumper.sandbox.git.history import FileDiff, read_commits, read_diff


def commits(call: Call) -> Answer:
    """GET commits: newest first."""
    shown = call.merge_request
    found = read_commits(call.repository, f"{shown.base_sha}..{shown.sha}")
    return page_of(call, found, lambda one: commit_view(call.world, call.project, one))


def diffs(call: Call) -> Answer:
    """GET diffs: one entry for each changed file."""
    return page_of(call, _diffs(call), diff_view)


def changes(call: Call) -> Answer:
    """GET changes: the merge request with its diffs, the older way."""
    view = single_merge_request_view(call.world, call.project, call.merge_request, call.identity)
    return Answer({**view, "changes": [diff_view(one) for one in _diffs(call)], "overflow": False})


def _diffs(call: Call) -> list[FileDiff]:
    shown = call.merge_request
    return read_diff(call.repository, shown.base_sha, shown.sha)
