"""The record in a merge request's description, as a comment that no reader sees and a program can read."""

import json
import re
from typing import Any

from bumper.records.record import ChangeRow, Record
from bumper.values.change import Change

_COMMENT = re.compile(r"<!-- bumper: (\{.*\}) -->")
_MAX_COMMENT = 500_000  # characters; GitLab takes a description of 1,048,576


def comment(record: Record) -> str:
    """The record as a comment of Markdown. Nothing in it can end the comment or be read as Markdown or HTML."""
    data: dict[str, Any] = {
        "command": record.command,
        "environment": record.environment,
        "images": [str(image) for image in record.images],
        "requested_by": record.requested_by,
        "undoes": list(record.undoes),
        "superseded_by": record.superseded_by,
        "urgent": record.urgent,
        "watched": record.watched,
        "by_itself": record.by_itself,
        "changes": [_dump_change(change) for change in record.changes],
    }
    if record.pipeline is not None:
        data["pipeline"] = [record.pipeline.id, record.pipeline.url, record.pipeline.project]
    if len(text := dump(data)) > _MAX_COMMENT:
        text = dump(data | {"changes": []})
    return f"<!-- bumper: {text} -->"


def dump(data: object) -> str:
    """``data`` as JSON that a comment of Markdown can hold, and in which nobody is mentioned."""
    text = json.dumps(data, separators=(",", ":"))
    for sign in "<>&@`":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text.replace("--", "-\\u002d")


def _dump_change(change: Change) -> ChangeRow:
    before, after = change.before, change.after
    place = (change.app, change.file, change.path, change.line, str(change.image))
    return (*place, before.tag, before.digest, after.tag, after.digest)


def read_comment(description: str) -> Record | None:
    """The record in a merge request's description; None where there is none that can be read."""
    match = _find_comment(description)
    if match is None:
        return None
    from bumper.records.description_json import read_json  # with pydantic, which no description without a record needs

    return read_json(match[1])


def replace_comment(description: str, record: Record) -> str:
    """``description`` with its record replaced; everything else in it stays."""
    match = _find_comment(description)
    if match is None:
        return f"{description}\n\n{comment(record)}"
    return f"{description[: match.start()]}{comment(record)}{description[match.end() :]}"


def _find_comment(description: str) -> re.Match[str] | None:
    """The last one, as bumper writes it: what stands before may quote anything, a user's name for one."""
    return next(reversed(list(_COMMENT.finditer(description))), None)
