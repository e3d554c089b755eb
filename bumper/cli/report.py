"""Results for people, for programs (JSON) and for later jobs (GitLab's dotenv)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bumper.commands.pins import ListedPins
from bumper.commands.set_tag import SetTags
from bumper.delivery.result import NotDone, ProposedAt, Result
from bumper.errors import BumperError
from bumper.files import write_text
from bumper.gate.rules import Waiting
from bumper.gate.soak import show_time
from bumper.values.change import Change, Version
from bumper.values.pin_path import format_path

_MAX_KEPT = 10  # lines


def as_json(data: Mapping[str, Any]) -> str:
    """One JSON object."""
    return json.dumps(data, ensure_ascii=False, indent=2)


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
    """An application that waits, in one line."""
    until = f" (until {show_time(one.until)})" if one.until is not None else ""
    return f"{one.app}: {one.reason}{until}"


def change_data(change: Change) -> dict[str, Any]:
    """A change as every JSON output writes it."""
    return {
        "app": change.app,
        "file": change.file,
        "path": change.path,
        "line": change.line,
        "image": str(change.image),
        "from": _version_data(change.before)
        | ({"image": str(change.image_before)} if change.image_before is not None else {}),
        "to": _version_data(change.after),
    }


def _version_data(version: Version) -> dict[str, str | None]:
    return {"tag": version.tag, "digest": version.digest}


def error_data(error: BumperError) -> dict[str, Any]:
    """The contract's JSON of a failure, beside what was done until then."""
    done = result_data(error.result) if isinstance(error, NotDone) else {}
    return {**done, "error": {"code": error.exit_code, "message": str(error)}}


def result_text(result: Result) -> str:
    """The result for a reader: what happens to which application, and where to look."""
    lines = [f"{result.environment}: {result.status}"]
    lines += _table(result.changes) or _kept(result.kept)
    lines += [f"  {result.hold}"] if result.hold else []
    lines += [
        f"  held: {held.change.app} {held.change.image} stays at {held.change.before} ({held.reason})"
        for held in result.held
    ]
    lines += [f"  waiting: {waiting_text(one)}" for one in result.waiting]
    if result.preview:
        lines += ["", result.diff.rstrip("\n"), "", result.preview]
    if result.merge_request is not None:
        lines.append(_merge_request(result.merge_request, result.waited))
    elif result.commit is not None:
        lines.append(f"commit {result.commit[:12]} pushed to {result.branch}")
    return "\n".join(lines)


def _merge_request(request: ProposedAt, waited: float | None) -> str:
    if request.state == "merged":
        after = f" after {waited:.0f} s" if waited is not None else ""
        return f"merged !{request.iid}{after}: {request.url}"
    return f"merge request !{request.iid} {request.action}: {request.url}"


def _kept(pins: Sequence[Change]) -> list[str]:
    """What runs as asked for already."""
    lines = [f"  {pin.app}  {pin.image}  is at {pin.before} already" for pin in pins]
    lines = list(dict.fromkeys(lines))
    more = [f"  and {len(lines) - _MAX_KEPT} more"] if len(lines) > _MAX_KEPT else []
    return lines[:_MAX_KEPT] + more


def _table(changes: Sequence[Change]) -> list[str]:
    rows = [(change.app, str(change.image), _versions(change), f"{change.file}:{change.line}") for change in changes]
    widths = [max(len(row[column]) for row in rows) for column in range(3)] if rows else []
    return [
        "  " + "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]])
        for row in rows
    ]


def _versions(change: Change) -> str:
    """Hold and unhold leave the tag as it is."""
    return f"{change.before} -> {change.after}" if change.before != change.after else str(change.before)


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


def pins_data(listed: ListedPins) -> dict[str, Any]:
    """The contract's JSON of pins."""
    return {
        "pins": [
            {
                "file": file,
                "path": format_path(pin.path),
                "line": pin.line,
                "image": str(pin.repository) if pin.repository is not None else None,
                "tag": pin.tag,
                "digest": pin.digest,
                "shape": pin.shape,
            }
            for file, pin in listed.pins
        ],
        "warnings": list(listed.warnings),
    }


def pins_text(listed: ListedPins) -> str:
    """One pin a line: place, path, image and what it holds."""
    lines = [
        f"{file}:{pin.line}: {format_path(pin.path)}  {pin.repository or f'({pin.unnamed})'}  "
        f"{Version(pin.tag, pin.digest)}"
        for file, pin in listed.pins
    ]
    return "\n".join(lines) or "no pins"


def set_data(done: SetTags) -> dict[str, Any]:
    """The contract's JSON of set."""
    return {"changes": [change_data(change) for change in done.changes], "warnings": list(done.warnings)}


def set_text(done: SetTags) -> str:
    """One change a line."""
    lines = [
        f"{change.file}:{change.line}: {change.path}  {change.image}  {change.before} -> {change.after}"
        for change in done.changes
    ]
    return "\n".join(lines) or "unchanged"
