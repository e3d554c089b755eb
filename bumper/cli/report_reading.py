"""Status, history and images, for people and for programs."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from bumper.cli.report import change_data
from bumper.cli.report_result import waiting_text
from bumper.cli.screen import Column, Screen, Style, count, short_names, styled, table, wrapped
from bumper.commands.history import History
from bumper.commands.images import KeptImages
from bumper.commands.status import Overview, Status
from bumper.records.history import Deployment
from bumper.records.known_requests import RecordedRequest
from bumper.records.record import Record
from bumper.records.watches import WatchRecord
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
        **_urgent_data(record),
        "changes": [change_data(change) for change in record.changes],
    }


def status_text(status: Status, screen: Screen, *, every_row: bool) -> str:
    """A table with a column for each environment; without ``every_row`` only what differs, is held or is proposed.

    One environment alone, compared with nothing, is shown with every row.
    """
    rows, telling, names = _rows(status.overview), _telling(status), list(status.overview.environments)
    every_row = every_row or len(names) == 1
    shown = {key: cells for key, cells in rows.items() if every_row or key in telling}
    images = short_names(screen, (image for _, image in shown))
    columns = (Column("app"), Column("image"), *(Column(name, labelled=True) for name in names))
    cells = ([app, images[image], *(own.get(name, _NOTHING) for name in names)] for (app, image), own in shown.items())
    lines = table(screen, columns, cells) if shown else []
    if hidden := len(rows) - len(shown):
        verb, them = ("is", "it") if hidden == 1 else ("are", "them")
        lines.append(f"{hidden} of {count(len(rows), 'row')} {verb} the same everywhere; --all shows {them}.")
    return "\n".join([*lines, *(line for note in _notes(status) for line in wrapped(note, screen.width, "", "  "))])


def _notes(status: Status) -> Iterator[str]:
    """What a table has no room for: why something is held or waits, and which merge requests are open."""
    for name, own in status.overview.environments.items():
        for row in own:
            if row.held is not None:
                yield f"{styled('held', Style.ATTENTION)} in {name}: {row.app} {row.image} ({row.held})"
    for name, listed in status.waiting.items():
        yield from (f"{styled('waiting', Style.ATTENTION)} for {name}: {waiting_text(one)}" for one in listed)
    for recorded in status.merge_requests:
        one = recorded.merge_request
        yield f"{styled(f'!{one.iid}', Style.GOOD)} {one.title}{_urgent(recorded.record)}: {one.url}"


def _urgent_data(record: Record | None) -> dict[str, str]:
    return {"urgent": record.urgent} if record is not None and record.urgent is not None else {}


def _urgent(record: Record | None) -> str:
    return f" (urgent: {record.urgent})" if record is not None and record.urgent is not None else ""


def _rows(overview: Overview) -> dict[tuple[str, str], dict[str, str]]:
    """By application and image, the tags in each environment; an asterisk marks a hold, a colour what differs."""
    cells: defaultdict[tuple[str, str], defaultdict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for name, rows in overview.environments.items():
        for row in rows:
            text = (row.tag or (row.digest or "(empty)")[:19]) + ("*" if row.held is not None else "")
            tags = cells[row.app, overview.one_name[row.image]][name]
            if text not in tags:
                tags.append(text)
    found = {key: {name: ", ".join(tags) for name, tags in cells[key].items()} for key in sorted(cells)}
    for one in overview.drift:
        source, *others = one.tags
        own = found[one.app, one.image]
        own |= {name: styled(own[name], Style.ATTENTION) for name in others if one.tags[name] != one.tags[source]}
    return found


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


def history_data(history: History) -> dict[str, Any]:
    """The contract's JSON of history."""
    return {
        "environment": history.environment,
        "deployments": [_deployment_data(one, history.outcomes) for one in history.deployments],
        "complete": history.complete,
    }


def _deployment_data(one: Deployment, outcomes: Mapping[int, WatchRecord]) -> Mapping[str, Any]:
    outcome = outcomes.get(one.merge_request or 0)
    return {
        "commit": one.commit,
        "at": one.at.isoformat().replace("+00:00", "Z"),
        "author": one.author,
        "merge_request": one.merge_request,
        **_urgent_data(one.record),
        "changes": [change_data(change) for change in one.changes],
        **({"outcome": outcome.model_dump(mode="json")} if outcome is not None else {}),
    }


def _before(change: Change) -> str:
    """The version before, with the image's name where it was another."""
    return str(change.before) if change.image_before is None else f"{change.image_before}:{change.before}"


def _outcome(history: History, one: Deployment) -> str:
    """What became of a deployment that somebody watched."""
    outcome = history.outcomes.get(one.merge_request or 0)
    return outcome.words if outcome is not None else _NOTHING


def history_text(history: History, screen: Screen) -> str:
    """One line a change, the newest first."""
    changes = [(one, change) for one in history.deployments for change in one.changes]
    used = {(change.app, str(change.image)) for _, change in changes}
    before = {str(change.image_before) for _, change in changes if change.image_before is not None}
    images = short_names(screen, [*(image for _, image in used), *before])
    is_spare = len({app for app, _ in used}) == len(used)  # an application has one image: its name says which
    columns = [Column("when"), Column("app"), Column("image", spare=is_spare)]
    columns += [Column("from", labelled=True), Column("to", labelled=True), Column("who"), Column("mr")]
    columns += [Column("outcome", labelled=True)] if history.outcomes else []
    columns += [Column("commit")] if screen.verbose else []
    rows = (
        (
            one.at.astimezone().isoformat(" ", "minutes"),  # local, with the offset: --since takes it
            change.app, images[str(change.image)], _before(change),
            str(change.after), f"{one.author}{_urgent(one.record)}",
            f"!{one.merge_request}" if one.merge_request else _NOTHING,
            *([_outcome(history, one)] if history.outcomes else []), one.commit[:12],
        )[: len(columns)]
        for one, change in changes
    )  # fmt: skip
    more = [] if history.complete else ["older ones are left out; --limit, --since and --app look further back"]
    if not history.deployments:
        return "\n".join([f"{history.environment}: no deployment in the history", *more])
    return "\n".join([*table(screen, columns, rows), *more])


def images_data(found: KeptImages) -> dict[str, Any]:
    """The contract's JSON of images."""
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


def images_text(found: KeptImages) -> str:
    """Each image once, one a line."""
    return "\n".join(sorted({str(one.image) for one in found.images}))
