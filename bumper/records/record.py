"""What bumper remembers of a deployment.

It stands in the commit's trailers and, because GitLab's squashing drops those, in a comment inside the merge request's
description, which no reader sees and a program can read.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from bumper.ci import Pipeline, Source, is_pipeline_id
from bumper.image import ImageReference, read_reference
from bumper.values.change import Change

# app, file, path, line, image; tag and digest before; tag and digest after
ChangeRow: TypeAlias = tuple[str, str, str, int, str, str | None, str | None, str | None, str | None]

COMMAND_TRAILER = "Bumper-Command"
URGENT_TRAILER = "Bumper-Urgent"
_TRAILER = re.compile(r"([A-Za-z][A-Za-z0-9-]*): (.*)")
# Lone surrogates stand for bytes that are not UTF-8, which neither git nor GitLab takes in a text.
_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029\ud800-\udfff]+")


class Command(StrEnum):
    """The commands that leave a record."""

    BUMP = "bump"
    PROMOTE = "promote"
    ROLLBACK = "rollback"
    HOLD = "hold"
    UNHOLD = "unhold"


def read_command(text: str) -> Command | None:
    """The command of that name; None where bumper has none."""
    return Command(text) if text in list(Command) else None


@dataclass(frozen=True, slots=True)
class Record:
    """One deployment: which command, where, which images (with the digests that the registry named), and who asked."""

    command: Command
    environment: str
    images: tuple[ImageReference, ...]
    changes: tuple[Change, ...] = ()
    pipeline: Pipeline | None = None
    requested_by: str | None = None
    undoes: tuple[str, ...] = ()  # a rollback's: the commits of the target branch whose deployments it takes back
    superseded_by: int | None = None  # the merge request for whose sake bumper closed this one
    urgent: str | None = None  # why it passes soak and freeze
    source: Source | None = None  # shown in trailers and description; nothing reads it back
    by_itself: bool = False  # a rollback that nobody asked for, because Argo CD reported what it undoes sick
    watched: int | None = None  # seconds after the merge, at most, for which somebody watches it

    def claims_no_more_than(self, other: "Record") -> bool:
        """Whether everything in it that a later run goes by is in ``other``, too: no other image, no newer pipeline."""
        images = {*other.images, *(image.with_digest(None) for image in other.images)}
        return (
            (self.command, self.environment, self.undoes) == (other.command, other.environment, other.undoes)
            and images.issuperset(self.images)
            and self.urgent in (None, other.urgent)
            and (self.pipeline is None or _is_no_newer(self.pipeline, other.pipeline))
        )


def _is_no_newer(pipeline: Pipeline, other: Pipeline | None) -> bool:
    return other is not None and pipeline.project == other.project and pipeline.id <= other.id


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
    lines += [("Bumper-Watched", f"{record.watched}")] if record.watched is not None else []
    if record.urgent is not None:
        lines.append((URGENT_TRAILER, record.urgent))
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
    first = {name: values[0] for name, values in found.items()}
    command = read_command(first.get(COMMAND_TRAILER, ""))
    if command is None:
        return None
    return Record(
        command=command,
        environment=first.get("Bumper-Environment", ""),
        images=tuple(read_references(found.get("Bumper-Image", []))),
        pipeline=_read_order(first.get("Bumper-Order", ""), first.get("Bumper-Pipeline", "")),
        requested_by=first.get("Bumper-Requested-By"),
        undoes=tuple(found.get("Bumper-Undoes", [])),
        watched=_read_seconds(first.get("Bumper-Watched", "")),
        urgent=first.get(URGENT_TRAILER),
    )


def read_urgent(messages: Iterable[str]) -> list[str]:
    """The reasons that commits give to go past soak and freeze: anybody may write one, and it is recorded."""
    lines = (line for message in messages for line in message.rstrip("\n").rpartition("\n\n")[2].splitlines())
    found = (match[2].strip() for line in lines if (match := _TRAILER.fullmatch(line)) and match[1] == URGENT_TRAILER)
    return list(dict.fromkeys(one_line(reason) for reason in found if reason))


def _read_seconds(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) is not None else None


def _read_order(order: str, url: str) -> Pipeline | None:
    number, _, project = order.partition(" ")
    return Pipeline(int(number), url, project) if is_pipeline_id(number) else None


def read_references(texts: Iterable[str]) -> Iterator[ImageReference]:
    """Those of ``texts`` that are image references."""
    for text in texts:
        reference = read_reference(text)
        if reference is not None:
            yield reference
