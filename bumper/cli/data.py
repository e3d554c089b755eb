"""Results for programs: the contract's JSON of every command, GitLab's dotenv variables and Code Quality report."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bumper.files import write_text
from bumper.values.pin import format_path

if TYPE_CHECKING:  # a command on local files imports nothing else
    from bumper.commands.doctor.check import Check
    from bumper.commands.history import History
    from bumper.commands.images import KeptImages
    from bumper.commands.pins import ListedPins
    from bumper.commands.set_tag import SetTags
    from bumper.commands.status import Status
    from bumper.delivery.result import Result
    from bumper.gate.check import Verdict
    from bumper.gate.rules import Finding
    from bumper.records.record import Record
    from bumper.values.change import Change


def change_data(change: "Change") -> dict[str, Any]:
    """A change as every JSON output writes it."""
    image_before = {"image": str(change.image_before)} if change.image_before is not None else {}
    return {
        "app": change.app,
        "file": change.file,
        "path": change.path,
        "line": change.line,
        "image": str(change.image),
        "from": asdict(change.before) | image_before,
        "to": asdict(change.after),
    }


def _changes(changes: "Sequence[Change]") -> list[dict[str, Any]]:
    return [change_data(change) for change in changes]


def result_data(result: "Result") -> dict[str, Any]:
    """JSON of bump, promote, rollback, hold and unhold; only a promotion has a source, and what waits."""
    waiting = [
        {"app": one.app, "reason": one.reason, "until": _iso(one.until, "seconds") if one.until else None}
        for one in result.waiting
    ]
    is_promotion = result.source is not None
    return {
        "command": result.command,
        "environment": result.environment,
        **({"source": result.source} if is_promotion else {}),
        "status": result.status,
        "changes": _changes(result.changes),
        "held": [change_data(held.change) | {"reason": held.reason} for held in result.held],
        **({"waiting": waiting} if is_promotion else {}),
        "warnings": list(result.warnings),
        "branch": result.branch,
        "commit": result.commit,
        "merge_request": asdict(result.merge_request) if result.merge_request is not None else None,
        "diff": result.diff,
        **({"rollback": result_data(result.rollback)} if result.rollback is not None else {}),
    }


def _iso(moment: datetime, precision: str = "auto") -> str:
    return moment.isoformat(timespec=precision).replace("+00:00", "Z")


def status_data(status: "Status") -> dict[str, Any]:
    """JSON of status: always every row."""
    overview = status.overview
    requests = [
        {
            "iid": one.iid,
            "url": one.url,
            "title": one.title,
            "state": one.state,
            "branch": one.source_branch,
            "command": record.command,
            "environment": record.environment,
            **_urgent(record),
            "changes": _changes(record.changes),
        }
        for one, record in ((one.merge_request, one.record) for one in status.merge_requests)
    ]
    return {
        "environments": {name: [asdict(row) for row in rows] for name, rows in overview.environments.items()},
        "drift": [{"app": one.app, "image": one.image, "tags": dict(one.tags)} for one in overview.drift],
        "merge_requests": requests,
        "warnings": list(overview.warnings),
    }


def _urgent(record: "Record | None") -> dict[str, str]:
    return {"urgent": record.urgent} if record is not None and record.urgent is not None else {}


def history_data(history: "History") -> dict[str, Any]:
    """JSON of history; a deployment that somebody watched has its outcome."""
    outcomes = {number: {"outcome": one.model_dump(mode="json")} for number, one in history.outcomes.items()}
    deployments = [
        {
            "commit": one.commit,
            "at": _iso(one.at),
            "author": one.author,
            "merge_request": one.merge_request,
            **_urgent(one.record),
            "changes": _changes(one.changes),
            **outcomes.get(one.merge_request or 0, {}),
        }
        for one in history.deployments
    ]
    return {"environment": history.environment, "deployments": deployments, "complete": history.complete}


def images_data(found: "KeptImages") -> dict[str, Any]:
    """JSON of images."""
    listed = [
        {
            "app": one.app,
            "environment": one.environment,
            "image": str(one.image.repository),
            "tag": one.image.tag,
            "digest": one.image.digest,
            "reason": one.reason,
        }
        for one in found.images
    ]
    return {"images": listed}


def check_data(verdict: "Verdict") -> dict[str, Any]:
    """JSON of check."""
    changes = [
        {"environment": one.environment} | change_data(change)
        for one in verdict.changes if (change := one.change) is not None
    ]  # fmt: skip
    return {"changes": changes, "findings": [asdict(one) for one in verdict.findings], "ok": not verdict.findings}


def doctor_data(checks: "Sequence[Check]") -> dict[str, Any]:
    """JSON of doctor."""
    return {"checks": [{"name": one.name, "ok": one.ok, "found": one.found, "mend": one.next_step} for one in checks]}


def pins_data(listed: "ListedPins") -> dict[str, Any]:
    """JSON of pins."""
    pins = [
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
    ]
    return {"pins": pins, "warnings": list(listed.warnings)}


def set_data(done: "SetTags") -> dict[str, Any]:
    """JSON of set."""
    return {"changes": _changes(done.changes), "warnings": list(done.warnings)}


def write_dotenv(path: Path, result: "Result") -> None:
    """GitLab's dotenv report: every variable each time, empty where there is nothing; BUMPER_COMMIT once landed.

    What a server put behind a line break would become a variable of the next job, so that such signs are replaced.
    """
    request, rollback = result.merge_request, result.rollback.merge_request if result.rollback is not None else None
    variables = {
        "BUMPER_STATUS": result.status,
        "BUMPER_MR_IID": str(request.iid) if request is not None else "",
        "BUMPER_MR_URL": request.url if request is not None else "",
        "BUMPER_BRANCH_NAME": result.branch or "",
        "BUMPER_TAG": ",".join(dict.fromkeys(change.after.tag or "" for change in result.changes)),
        "BUMPER_ROLLBACK_IID": str(rollback.iid) if rollback is not None else "",
        "BUMPER_ROLLBACK_URL": rollback.url if rollback is not None else "",
    }
    if result.landed is not None:
        variables["BUMPER_COMMIT"] = result.landed
    plain = {name: "".join(sign if sign.isprintable() else "?" for sign in text) for name, text in variables.items()}
    write_text(path, "".join(f"{name}={text}\n" for name, text in plain.items()), "--dotenv")


def write_code_quality(path: Path, findings: "Sequence[Finding]") -> None:
    """GitLab's Code Quality report, which shows each finding in the merge request's diff."""
    report = [
        {
            "description": f"{one.message}: {one.fix}",
            "check_name": f"bumper-{one.rule}",
            "fingerprint": _fingerprint(one),
            "severity": "blocker",
            "location": {"path": one.file, "lines": {"begin": one.line}},
        }
        for one in findings
    ]
    write_text(path, json.dumps(report, ensure_ascii=False, indent=2) + "\n", "--codequality")


def _fingerprint(finding: "Finding") -> str:
    """Of what is wrong and where, without the line: GitLab knows by it whether it has seen the finding before."""
    parts = (finding.environment, finding.app, finding.file, finding.rule, finding.message)
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
