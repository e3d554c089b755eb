"""Open merge requests for an environment that is frozen: GitLab is not to merge them by itself, and each says so."""

from bumper.gate.freeze import Frozen
from bumper.gitlab import merge_request_changes, merge_requests
from bumper.progress import report_step
from bumper.records.known_requests import KnownRequests, recorded_requests
from bumper.records.record import Command

_STOPPED = frozenset({Command.BUMP, Command.PROMOTE})


def mark_frozen(known: KnownRequests | None, frozen: Frozen) -> None:
    """Take auto-merge off the environment's open bumps and promotions, and comment on each once a freeze.

    Those that were opened as urgent, rollbacks and holds pass a freeze. Without GitLab's API nothing can be done.
    """
    if known is None:
        return
    for one in recorded_requests(known.opened_now()):
        record, request = one.record, one.merge_request
        if record.environment == frozen.environment and record.command in _STOPPED and record.urgent is None:
            report_step(f"marking !{request.iid} as frozen")
            if request.auto_merge:
                merge_request_changes.cancel_auto_merge(known.gitlab, request.iid)
            note = f"{frozen}: it should not be merged before that is over. bumper sets no auto-merge until then."
            if all(text != note for _, text in merge_requests.notes_of(known.gitlab, request.iid)):
                merge_request_changes.comment(known.gitlab, request.iid, note)
