"""What bumper remembers of a deployment.

It stands in the commit's trailers and, because GitLab's squashing drops those, in a comment inside the merge request's
description, which no reader sees and a program can read.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from pydantic import BaseModel, ConfigDict, ValidationError

from bumper.change import Change, Version
from bumper.image import ImageReference, read_reference, read_repository
from bumper.settings import Pipeline, Source

# app, file, path, line, image; tag and digest before; tag and digest after
_ChangeRow: TypeAlias = tuple[str, str, str, int, str, str | None, str | None, str | None, str | None]

COMMAND_TRAILER = "Bumper-Command"
_COMMENT = re.compile(r"<!-- bumper: (\{.*\}) -->")
_TRAILER = re.compile(r"([A-Za-z][A-Za-z0-9-]*): (.*)")
# Lone surrogates stand for bytes that are not UTF-8, which neither git nor GitLab takes in a text.
_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029\ud800-\udfff]+")
_LONGEST_NUMBER = 18  # digits; a pipeline's have ten
_LONGEST_COMMENT = 500_000  # characters; GitLab takes a description of 1,048,576


@dataclass(frozen=True, slots=True)
class Record:
    """One deployment: which command, where, which images (with the digests that the registry named), and who asked."""

    command: str
    environment: str
    images: tuple[ImageReference, ...]
    changes: tuple[Change, ...] = ()
    pipeline: Pipeline | None = None
    requested_by: str | None = None
    undoes: tuple[str, ...] = ()  # a rollback's: the commits of the target branch whose deployments it takes back
    superseded_by: int | None = None  # the merge request for whose sake bumper closed this one
    source: Source | None = None  # told in trailers and description; nothing reads it back


def trailers(record: Record, extra: Mapping[str, str]) -> str:
    """The commit message's trailers, one a line."""
    lines = [
        (COMMAND_TRAILER, record.command),
        ("Bumper-Environment", record.environment),
        *(("Bumper-Image", str(image)) for image in record.images),
    ]
    if record.pipeline is not None:
        order = f"{record.pipeline.id} {record.pipeline.project}"
        lines += [("Bumper-Pipeline", record.pipeline.url or order), ("Bumper-Order", order)]
    if record.source is not None:
        lines.append(("Bumper-Source", f"{record.source.project}@{record.source.commit} {record.source.branch}"))
    if record.requested_by is not None:
        lines.append(("Bumper-Requested-By", record.requested_by))
    lines += [("Bumper-Undoes", commit) for commit in record.undoes]
    return "".join(f"{name}: {one_line(value)}\n" for name, value in [*lines, *extra.items()])


def one_line(text: str) -> str:
    """``text`` without line breaks, control and broken characters, so that it cannot become a trailer of its own."""
    return _CONTROL.sub(" ", text).strip()


def read_trailers(message: str) -> Record | None:
    """The record in a commit message; None where the commit is not bumper's."""
    found: dict[str, list[str]] = {}
    for line in message.rstrip("\n").rpartition("\n\n")[2].splitlines():
        match = _TRAILER.fullmatch(line)
        if match is not None:
            found.setdefault(match[1], []).append(match[2].strip())
    if COMMAND_TRAILER not in found:
        return None
    first = {name: values[0] for name, values in found.items()}
    return Record(
        command=first[COMMAND_TRAILER],
        environment=first.get("Bumper-Environment", ""),
        images=tuple(_references(found.get("Bumper-Image", []))),
        pipeline=_read_order(first.get("Bumper-Order", ""), first.get("Bumper-Pipeline", "")),
        requested_by=first.get("Bumper-Requested-By"),
        undoes=tuple(found.get("Bumper-Undoes", [])),
    )


def _read_order(order: str, url: str) -> Pipeline | None:
    number, _, project = order.partition(" ")
    return Pipeline(int(number), url, project) if number.isdecimal() and len(number) <= _LONGEST_NUMBER else None


def _references(texts: Iterable[str]) -> Iterator[ImageReference]:
    for text in texts:
        reference = read_reference(text)
        if reference is not None:
            yield reference


def comment(record: Record) -> str:
    """The record as a comment of Markdown. Nothing in it can end the comment or be read as Markdown or HTML."""
    data: dict[str, Any] = {
        "command": record.command,
        "environment": record.environment,
        "images": [str(image) for image in record.images],
        "requested_by": record.requested_by,
        "undoes": list(record.undoes),
        "superseded_by": record.superseded_by,
        "changes": [_dump_change(change) for change in record.changes],
    }
    if record.pipeline is not None:
        data["pipeline"] = [record.pipeline.id, record.pipeline.url, record.pipeline.project]
    if len(text := _dump(data)) > _LONGEST_COMMENT:
        text = _dump(data | {"changes": []})
    return f"<!-- bumper: {text} -->"


def _dump(data: object) -> str:
    text = json.dumps(data, separators=(",", ":"))
    for sign in "<>&@`":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text.replace("--", "-\\u002d")


def _dump_change(change: Change) -> _ChangeRow:
    before, after = change.before, change.after
    place = (change.app, change.file, change.path, change.line, str(change.image))
    return (*place, before.tag, before.digest, after.tag, after.digest)


class _Comment(BaseModel):
    """The comment's JSON; everybody who may edit the merge request may have written it."""

    model_config = ConfigDict(strict=True)

    command: str
    environment: str
    images: tuple[str, ...]
    changes: tuple[_ChangeRow, ...]
    pipeline: tuple[int, str, str] | None = None
    requested_by: str | None = None
    undoes: tuple[str, ...] = ()
    superseded_by: int | None = None


def read_comment(description: str) -> Record | None:
    """The record in a merge request's description; None where there is none that can be read."""
    match = _find_comment(description)
    if match is None:
        return None
    try:
        read = _Comment.model_validate_json(match[1])
    except ValidationError:  # somebody edited it by hand: then it says nothing
        return None
    return Record(
        command=read.command,
        environment=read.environment,
        images=tuple(_references(read.images)),
        changes=tuple(_load_changes(read.changes)),
        pipeline=Pipeline(*read.pipeline) if read.pipeline is not None else None,
        requested_by=read.requested_by,
        undoes=read.undoes,
        superseded_by=read.superseded_by,
    )


def replace_comment(description: str, record: Record) -> str:
    """``description`` with its record replaced; everything else in it stays."""
    match = _find_comment(description)
    if match is None:
        return f"{description}\n\n{comment(record)}"
    return f"{description[: match.start()]}{comment(record)}{description[match.end() :]}"


def _find_comment(description: str) -> re.Match[str] | None:
    """The last one, as bumper writes it: what stands before may quote anything, a user's name for one."""
    return next(reversed(list(_COMMENT.finditer(description))), None)


def _load_changes(rows: Iterable[_ChangeRow]) -> Iterator[Change]:
    for app, file, path, line, image, tag, digest, new_tag, new_digest in rows:
        repository = read_repository(image)
        if repository is not None:
            yield Change(app, file, path, line, repository, Version(tag, digest), Version(new_tag, new_digest))
