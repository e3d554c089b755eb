"""Status and history, for people and for programs."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from bumper.cli.report import change_data
from bumper.commands.history import History
from bumper.commands.status.overview import Overview
from bumper.commands.status.status import Status
from bumper.records.history import Deployment
from bumper.records.known_requests import RecordedRequest
from bumper.records.record import Record
from bumper.values.change import Change

_NOTHING = "-"


def status_data(status: Status) -> dict[str, Any]:
    """The contract's JSON of status: always every row."""
    overview = status.overview
    return {
        "environments": {name: [asdict(row) for row in rows] for name, rows in overview.environments.items()},
        "drift": [{"app": one.app, "image": one.image, "tags": dict(one.tags)} for one in overview.drift],
        "merge_requests": [_request_data(one) for one in status.merge_requests],
        "warnings": list(overview.warnings),
    }


def _request_data(recorded: RecordedRequest) -> dict[str, Any]:
    one, record = recorded.merge_request, recorded.record
    return {
        "iid": one.iid,
        "url": one.url,
        "title": one.title,
        "state": one.state,
        "branch": one.source_branch,
        "command": record.command,
        "environment": record.environment,
        "urgent": record.urgent,
        "changes": [change_data(change) for change in record.changes],
    }


def status_text(status: Status, *, every_row: bool) -> str:
    """A table with a column for each environment; without ``every_row`` only what differs, is held or is proposed.

    One environment alone, compared with nothing, is shown with every row.
    """
    overview = status.overview
    rows = _rows(overview)
    telling = _telling(status)
    names = list(overview.environments)
    every_row = every_row or len(names) == 1
    shown = {key: cells for key, cells in rows.items() if every_row or key in telling}
    table = [["APPLICATION", "IMAGE", *(name.upper() for name in names)]]
    table += [[app, image, *(cells.get(name, _NOTHING) for name in names)] for (app, image), cells in shown.items()]
    lines = aligned(table) if shown else []
    if not every_row:
        lines.append(f"{len(rows) - len(shown)} of {len(rows)} rows are alike everywhere; --all shows them.")
    held = [
        f"held in {name}: {row.app} {row.image} ({row.held})"
        for name, own in overview.environments.items()
        for row in own
        if row.held is not None
    ]
    requests = [
        f"!{one.merge_request.iid} {one.merge_request.title}{_urgent(one.record)}: {one.merge_request.url}"
        for one in status.merge_requests
    ]
    return "\n".join([*lines, *held, *requests])


def _urgent(record: Record | None) -> str:
    return f" (urgent: {record.urgent})" if record is not None and record.urgent is not None else ""


def _rows(overview: Overview) -> dict[tuple[str, str], dict[str, str]]:
    """By application and image, the tags in each environment; an asterisk marks a hold."""
    cells: defaultdict[tuple[str, str], defaultdict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for name, rows in overview.environments.items():
        for row in rows:
            text = (row.tag or (row.digest or "(empty)")[:19]) + ("*" if row.held is not None else "")
            tags = cells[row.app, overview.one_name[row.image]][name]
            if text not in tags:
                tags.append(text)
    return {key: {name: ", ".join(tags) for name, tags in cells[key].items()} for key in sorted(cells)}


def _telling(status: Status) -> set[tuple[str, str]]:
    overview = status.overview
    drifting = {(one.app, one.image) for one in overview.drift}
    held = {
        (row.app, overview.one_name[row.image])
        for rows in overview.environments.values()
        for row in rows
        if row.held is not None
    }
    proposed = {
        (change.app, overview.one_name.get(str(change.image), str(change.image)))
        for one in status.merge_requests
        for change in one.record.changes
    }
    return drifting | held | proposed


def aligned(table: Sequence[Sequence[str]]) -> list[str]:
    """The rows with their columns one under another."""
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]


def history_data(history: History) -> dict[str, Any]:
    """The contract's JSON of history."""
    return {
        "environment": history.environment,
        "deployments": [_deployment_data(one) for one in history.deployments],
        "complete": history.complete,
    }


def _deployment_data(one: Deployment) -> Mapping[str, Any]:
    return {
        "commit": one.commit,
        "at": one.at.isoformat().replace("+00:00", "Z"),
        "author": one.author,
        "merge_request": one.merge_request,
        "urgent": one.record.urgent if one.record is not None else None,
        "changes": [change_data(change) for change in one.changes],
    }


def _before(change: Change) -> str:
    """The version before, with the image's name where it was another."""
    return str(change.before) if change.image_before is None else f"{change.image_before}:{change.before}"


def history_text(history: History) -> str:
    """One line a change, the newest first."""
    table = [["WHEN", "APPLICATION", "IMAGE", "FROM", "TO", "WHO", "MERGE REQUEST", "COMMIT"]]
    for one in history.deployments:
        when = one.at.astimezone().isoformat(" ", "minutes")  # local, with the offset: --since takes it
        request = f"!{one.merge_request}" if one.merge_request else _NOTHING
        table += [
            [when, change.app, str(change.image), _before(change), str(change.after),
             f"{one.author}{_urgent(one.record)}", request, one.commit[:12]]
            for change in one.changes
        ]  # fmt: skip
    more = [] if history.complete else ["older ones are left out; --limit, --since and --app look further back"]
    if not history.deployments:
        return "\n".join([f"{history.environment}: no deployment in the history", *more])
    return "\n".join([*aligned(table), *more])
