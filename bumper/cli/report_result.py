"""What bump, promote, rollback, hold and unhold came to: for people, programs (JSON) and later jobs (dotenv)."""

import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bumper.cli.report import change_data
from bumper.cli.screen import Column, Screen, Style, count, short_names, styled, table, wrapped
from bumper.clock import show_time
from bumper.delivery.result import NotDone, ProposedAt, Result, Status
from bumper.errors import BumperError
from bumper.files import write_text
from bumper.gate.rules import Waiting
from bumper.values.change import Change, Held

_MAX_ROWS = 20  # without -v
_STYLES = {
    Status.PROPOSED: Style.GOOD,
    Status.MERGED: Style.GOOD,
    Status.COMMITTED: Style.GOOD,
    Status.HELD: Style.ATTENTION,
    Status.SUPERSEDED: Style.ATTENTION,
}
_COLUMNS = (Column("app"), Column("image"), Column("change"))


def result_data(result: Result) -> dict[str, Any]:
    """The contract's JSON of bump, promote, rollback, hold and unhold."""
    is_promotion = result.source is not None
    source = {"source": result.source} if is_promotion else {}
    waiting = {"waiting": [waiting_data(one) for one in result.waiting]} if is_promotion else {}
    return {
        "command": result.command,
        "environment": result.environment,
        **source,
        "status": result.status,
        "changes": [change_data(change) for change in result.changes],
        "held": [change_data(held.change) | {"reason": held.reason} for held in result.held],
        **waiting,
        "warnings": list(result.warnings),
        "branch": result.branch,
        "commit": result.commit,
        "merge_request": asdict(result.merge_request) if result.merge_request is not None else None,
        "diff": result.diff,
        **({"rollback": result_data(result.rollback)} if result.rollback is not None else {}),
    }


def waiting_data(one: Waiting) -> dict[str, str | None]:
    """The contract's JSON of an application that waits."""
    until = one.until.isoformat(timespec="seconds").replace("+00:00", "Z") if one.until is not None else None
    return {"app": one.app, "reason": one.reason, "until": until}


def waiting_text(one: Waiting) -> str:
    """An application that waits, in one line; a freeze says its end itself."""
    until = f", until {show_time(one.until)}" if one.until and show_time(one.until) not in one.reason else ""
    return f"{one.app}: {one.reason}{until}"


def error_data(error: BumperError) -> dict[str, Any]:
    """The contract's JSON of a failure, beside what was done until then."""
    done = result_data(error.result) if isinstance(error, NotDone) else {}
    return {**done, "error": {"code": error.exit_code, "message": str(error)}}


def write_dotenv(path: Path, result: Result) -> None:
    """GitLab's dotenv report: every variable each time, empty where there is nothing; BUMPER_COMMIT once landed."""
    request, rollback = result.merge_request, result.rollback.merge_request if result.rollback is not None else None
    tags = dict.fromkeys(change.after.tag or "" for change in result.changes)
    variables = {
        "BUMPER_STATUS": result.status,
        "BUMPER_MR_IID": str(request.iid) if request is not None else "",
        "BUMPER_MR_URL": request.url if request is not None else "",
        "BUMPER_BRANCH_NAME": result.branch or "",
        "BUMPER_TAG": ",".join(tags),
        "BUMPER_ROLLBACK_IID": str(rollback.iid) if rollback is not None else "",
        "BUMPER_ROLLBACK_URL": rollback.url if rollback is not None else "",
    }
    if result.landed is not None:
        variables["BUMPER_COMMIT"] = result.landed
    lines = (f"{name}={_in_one_line(value)}\n" for name, value in variables.items())
    write_text(path, "".join(lines), "--dotenv")


def _in_one_line(value: str) -> str:
    """A value for a dotenv file: what a server put behind a line break would become a variable of the next job."""
    return "".join(sign if sign.isprintable() else "?" for sign in value)


def result_text(result: Result, screen: Screen, *, with_rows: bool = True) -> str:
    """What happens to which application, and where to look.

    Without ``with_rows`` the changes are left out: whoever was asked about them has them on the screen.
    """
    lines = wrapped(_head(result), screen.width, "", "  ")
    if with_rows:
        most = None if screen.verbose or result.status is Status.DRY_RUN else _MAX_ROWS
        lines += changes_text(result.changes, screen, most) or _kept(result.kept, screen)
        lines += wrapped(result.hold, screen.width, "  ", "    ") if result.hold else []
        lines += [line for held in result.held for line in wrapped(_held(held), screen.width, "  ", "    ")]
        lines += [line for one in result.waiting for line in wrapped(_waiting(one), screen.width, "  ", "    ")]
    if result.preview:
        lines += ["", result.diff.rstrip("\n"), "", _preview(result.preview, screen)]
    if result.merge_request is not None:
        lines.append(_merge_request(result.merge_request, result.waited))
    elif result.commit is not None:
        lines.append(f"commit {result.commit[:12]} pushed to {result.branch}")
    return "\n".join(lines)


def question_text(result: Result, screen: Screen) -> str:
    """What somebody is asked about: every change, and last, where they look, how many those are."""
    texts = ([result.hold] if result.hold else []) + [_held(one) for one in result.held]
    texts += [_waiting(one) for one in result.waiting]
    held = [line for text in texts for line in wrapped(text, screen.width, "  ", "    ")]
    return "\n".join([*changes_text(result.changes, screen), *held, f"{result.environment}: {_summary(result)}"])


def _head(result: Result) -> str:
    """``prod: proposed, 103 images in 102 applications, 1 held``; the numbers where there is more than one change."""
    status = f"{result.environment}: {styled(result.status, _STYLES.get(result.status, Style.STRONG))}"
    return f"{status}, {_summary(result)}" if len(result.changes) > 1 else status


def _summary(result: Result) -> str:
    images = count(len({(change.app, change.image) for change in result.changes}), "image")
    apps = count(len({change.app for change in result.changes}), "application")
    return f"{images} in {apps}" + (f", {len(result.held)} held" if result.held else "")


def changes_text(changes: Sequence[Change], screen: Screen, most: int | None = None) -> list[str]:
    """The changes as a table, with their files only for ``-v``; at most so many of them."""
    names = short_names(screen, (str(change.image) for change in changes))
    columns = (*_COLUMNS, Column("file")) if screen.verbose else _COLUMNS
    rows = (
        (change.app, names[str(change.image)], versions(change), f"{change.file}:{change.line}")[: len(columns)]
        for change in changes[:most]
    )
    more = len(changes) - len(changes[:most])
    ending = [styled(f"  and {more} more; -v lists all", Style.QUIET)] if more else []
    return [*table(screen, columns, rows, indent="  ", head=False), *ending]


def versions(change: Change) -> str:
    """From what to what; hold and unhold leave the tag as it is."""
    return f"{change.before} -> {change.after}" if change.before != change.after else str(change.before)


def _kept(pins: Sequence[Change], screen: Screen) -> list[str]:
    """What runs as asked for already."""
    names = short_names(screen, (str(pin.image) for pin in pins))
    rows = list(dict.fromkeys((pin.app, names[str(pin.image)], f"is at {pin.before} already") for pin in pins))
    more = [f"  and {len(rows) - _MAX_ROWS} more"] if len(rows) > _MAX_ROWS else []
    return [*table(screen, _COLUMNS, rows[:_MAX_ROWS], indent="  ", head=False), *more]


def _held(held: Held) -> str:
    change = held.change
    return f"{styled('held', Style.ATTENTION)}: {change.app} {change.image} stays at {change.before} ({held.reason})"


def _waiting(one: Waiting) -> str:
    return f"{styled('waiting', Style.ATTENTION)}: {waiting_text(one)}"


def _merge_request(request: ProposedAt, waited: float | None) -> str:
    if request.state == "merged":
        after = f" after {waited:.0f} s" if waited is not None else ""
        return f"merged !{request.iid}{after}: {request.url}"
    return f"merge request !{request.iid} {request.action}: {request.url}"


def _preview(text: str, screen: Screen) -> str:
    """A merge request's words, without the table, which the screen has above, where it is too wide."""
    width = screen.width
    if width is None:
        return text
    lines = text.split("\n")
    if any(line.startswith("|") and len(line) > width for line in lines):
        lines = [line for line in lines if not line.startswith("|")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(part for line in lines for part in wrapped(line, width, "", "  ")))
