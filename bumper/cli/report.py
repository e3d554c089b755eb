"""Results for people, for programs (JSON) and for later jobs (GitLab's dotenv)."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bumper.cli.screen import Column, Screen, table
from bumper.clock import show_time
from bumper.commands.pins import ListedPins
from bumper.commands.set_tag import SetTags
from bumper.delivery.result import NotDone, Result
from bumper.errors import BumperError
from bumper.files import write_text
from bumper.gate.rules import Waiting
from bumper.values.change import Change
from bumper.values.pin import Version, format_path


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
    """An application that waits, in one line; a freeze says its end itself."""
    until = f", until {show_time(one.until)}" if one.until and show_time(one.until) not in one.reason else ""
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


def pins_text(listed: ListedPins, screen: Screen) -> str:
    """One pin a line: place, path, image and what it holds."""
    columns = (Column("place"), Column("path"), Column("image"), Column("tag"))
    rows = (
        (f"{file}:{pin.line}:", format_path(pin.path), str(pin.repository or f"({pin.unnamed})"),
         str(pin.version))
        for file, pin in listed.pins
    )  # fmt: skip
    return "\n".join(table(screen, columns, rows, head=False)) or "no pins"


def set_data(done: SetTags) -> dict[str, Any]:
    """The contract's JSON of set."""
    return {"changes": [change_data(change) for change in done.changes], "warnings": list(done.warnings)}


def set_text(done: SetTags, screen: Screen) -> str:
    """One change a line."""
    columns = (Column("place"), Column("path"), Column("image"), Column("change"))
    rows = (
        (f"{change.file}:{change.line}:", change.path, str(change.image), f"{change.before} -> {change.after}")
        for change in done.changes
    )
    return "\n".join(table(screen, columns, rows, head=False)) or "unchanged"
