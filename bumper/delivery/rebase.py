"""A merge request whose branch GitLab puts on the target's newest commit: fast-forward and semi-linear projects.

Every merge there outdates the others, and GitLab cancels their auto-merge. Its rebase writes bumper's commit anew, in
the background; the new one counts as bumper's only where it changes what the old one did.
"""

import contextlib

from bumper.clock import Clock, polls
from bumper.delivery import branch as branches
from bumper.environments.repository import Target
from bumper.gitlab import merge_request_changes, merge_requests, merge_trains
from bumper.gitlab.connection import AlreadyThere
from bumper.records.known_requests import KnownRequests

_REBASE_TIMEOUT = 30.0  # seconds


def rebased_head(
    known: KnownRequests, target: Target, branch: str, iid: int, head: str, clock: Clock
) -> str | None:  # fmt: skip
    """What became of the branch's ``head`` by a rebase; None where a merge train does it, or GitLab could not in time.

    Raises:
        NotDeployed: somebody pushed something else in the meantime.

    """
    if merge_trains.is_queued(known.gitlab, iid):
        return None
    before = branches.fetch(target.checkout, branch, known.gitlab)
    if before.head.id != head:  # somebody has pushed: nobody has looked at that
        return None
    with contextlib.suppress(AlreadyThere):  # 409: one is under way, and ends like this one
        merge_request_changes.rebase(known.gitlab, iid)
    for _ in polls(clock, _REBASE_TIMEOUT):
        found = merge_requests.read(known.gitlab, iid)
        if found.state != "opened" or found.merge_error is not None:
            return None
        if found.sha not in (None, before.head.id):
            after = branches.fetch(target.checkout, branch, known.gitlab)
            branches.require_same_change(target.checkout, before, after)
            return after.head.id
    return None
