"""Which commit of the target branch ``promote --as-of`` means: a commit, or a time."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from bumper.clock import show_time
from bumper.errors import Refused, WrongUsage
from bumper.git.command import NETWORK_TIMEOUT, GitFailed
from bumper.git.past_commits import PastCommit
from bumper.gitlab.commits import merge_requests_of, message_of
from bumper.gitlab.connection import GitLab, NotShown
from bumper.records.line import Line

_COMMIT = re.compile(r"[0-9a-f]{7,64}")


def parse_as_of(text: str, now: datetime) -> str | datetime:
    """A commit's id, or a moment in UTC.

    Raises:
        WrongUsage: it is neither, or a time without a zone.

    """
    if _COMMIT.fullmatch(text.lower()) is not None:
        return text.lower()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise WrongUsage(
            f"--as-of {text!r} is neither a commit nor a time",
            "give a commit's id (BUMPER_COMMIT), or a time like 2026-01-31T12:00+03:00",
        ) from None
    if moment.tzinfo is None:
        raise WrongUsage(
            f"--as-of {text!r} has no time zone", "write it like 2026-01-31T12:00+03:00, or with Z for UTC"
        )
    if moment > now:
        raise WrongUsage(f"--as-of {text!r} is in the future", "give a time that is over")
    return moment.astimezone(UTC)


def commit_as_of(wanted: str | datetime, line: Line, gitlab: GitLab | None) -> str:
    """The first-parent commit that is meant.

    A commit that was merged in stands for the first-parent commit that brought it, and the head of a squashed merge
    request for the commit as which that landed.

    Raises:
        Refused: there is no such commit on the target branch.

    """
    if isinstance(wanted, datetime):
        return _at(wanted, line)
    read: list[PastCommit] = []
    landed: str | None = None
    for stretch in line.stretches():
        asked_gitlab, read = bool(read), [*read, *stretch]
        found = _of_line(wanted, read)
        if found is None and not asked_gitlab and gitlab is not None:
            landed = _landed_as(wanted, line.branch, gitlab)
        found = found or (_of_line(landed, read) if landed is not None else None) or _brought_by(wanted, line, read)
        if found is not None:
            return found
    rebased = _rebased(wanted, read, gitlab) if gitlab is not None else None
    if rebased is None:
        raise _unknown(wanted, line, gitlab)
    return rebased


def _at(moment: datetime, line: Line) -> str:
    """The newest commit that had landed by then."""
    for stretch in line.stretches():
        for past in stretch:
            if line.landed_at(past.commit.id) <= moment:
                return past.commit.id
    raise Refused(
        f"the history of {line.branch} that can be read begins after {show_time(moment)}",
        "give a later time, or a commit",
    )


def _of_line(wanted: str, read: Sequence[PastCommit]) -> str | None:
    found = [past.commit.id for past in read if past.commit.id.startswith(wanted)]
    if len(found) > 1:
        raise Refused(f"{wanted} may be several commits", "give more of its id")
    return found[0] if found else None


def _brought_by(wanted: str, line: Line, read: Sequence[PastCommit]) -> str | None:
    """The oldest of the first-parent commits that were made on top of the commit, as far as is fetched."""
    try:
        listed = line.checkout.git.text(
            "rev-list", "--ancestry-path", f"{wanted}..{line.checkout.tip}", "--", timeout=NETWORK_TIMEOUT
        )
    except GitFailed:  # it is not there
        return None
    on_top = set(listed.split())
    return next((past.commit.id for past in reversed(read) if past.commit.id in on_top), None)


def _landed_as(wanted: str, branch: str, gitlab: GitLab) -> str | None:
    """The commit that landed of a merge request whose head this is."""
    try:
        requests = merge_requests_of(gitlab, wanted)
    except NotShown:
        return None
    merged = (one for one in requests if one.state == "merged" and one.target_branch == branch)
    return next((one.merged_as for one in merged if one.sha is not None and one.sha.startswith(wanted)), None)


def _rebased(wanted: str, read: Sequence[PastCommit], gitlab: GitLab) -> str | None:
    """The commit that GitLab made of a merge request's head when it rebased it, by bumper's trailers in the message."""
    message = message_of(gitlab, wanted).rstrip()
    if "\nBumper-Command: " not in message:
        return None
    return next((past.commit.id for past in read if past.commit.message.rstrip() == message), None)


def _unknown(wanted: str, line: Line, gitlab: GitLab | None) -> Refused:
    where = "in the newest part of the history that can be read" if line.is_cut else f"on {line.branch}"
    squashed = "" if gitlab is not None else "; whether a merge request was squashed into one only GitLab's API tells"
    return Refused(
        f"there is no commit {wanted[:12]} {where}{squashed}", "give a commit that landed there (BUMPER_COMMIT)"
    )
