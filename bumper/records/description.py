"""The record in a merge request's description, as a comment that no reader sees and a program can read."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from bumper.ci import Pipeline, is_pipeline_id
from bumper.image import read_repository
from bumper.records.record import ChangeRow, Record, read_command, read_references
from bumper.values.change import Change
from bumper.values.pin import Version

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
    return _read_json(match[1]) if match is not None else None


def replace_comment(description: str, record: Record) -> str:
    """``description`` with its record replaced; everything else in it stays."""
    match = _find_comment(description)
    if match is None:
        return f"{description}\n\n{comment(record)}"
    return f"{description[: match.start()]}{comment(record)}{description[match.end() :]}"


def _find_comment(description: str) -> re.Match[str] | None:
    """The last one, as bumper writes it: what stands before may quote anything, a user's name for one."""
    return next(reversed(list(_COMMENT.finditer(description))), None)


class _Json(BaseModel):
    model_config = ConfigDict(strict=True, defer_build=True)

    command: str
    environment: str
    images: tuple[str, ...]
    changes: tuple[ChangeRow, ...]
    pipeline: tuple[int, str, str] | None = None
    requested_by: str | None = None
    undoes: tuple[str, ...] = ()
    superseded_by: int | None = None
    urgent: str | None = None
    watched: int | None = None
    by_itself: bool = False


def _read_json(text: str) -> Record | None:
    """The record that ``text`` is; None where it is none."""
    try:
        read = _Json.model_validate_json(text)
    except ValidationError:  # somebody edited it by hand: then it says nothing
        return None
    command = read_command(read.command)
    if command is None:
        return None
    return Record(
        command=command,
        environment=read.environment,
        images=tuple(read_references(read.images)),
        changes=tuple(_load_changes(read.changes)),
        pipeline=_load_pipeline(read.pipeline),
        requested_by=read.requested_by,
        undoes=read.undoes,
        superseded_by=read.superseded_by,
        urgent=read.urgent,
        watched=read.watched,
        by_itself=read.by_itself,
    )


def _load_pipeline(pipeline: tuple[int, str, str] | None) -> Pipeline | None:
    return Pipeline(*pipeline) if pipeline is not None and is_pipeline_id(str(pipeline[0])) else None


def _load_changes(rows: Iterable[ChangeRow]) -> Iterator[Change]:
    for app, file, path, line, image, tag, digest, new_tag, new_digest in rows:
        repository = read_repository(image)
        if repository is not None:
            yield Change(app, file, path, line, repository, Version(tag, digest), Version(new_tag, new_digest))
