"""The JSON of a record, read back: everybody who may edit a merge request's description may have written it."""

from collections.abc import Iterable, Iterator

from pydantic import BaseModel, ConfigDict, ValidationError

from bumper.ci import Pipeline, is_pipeline_id
from bumper.image import read_repository
from bumper.records.record import ChangeRow, Record, read_command, read_references
from bumper.values.change import Change, Version


class _Json(BaseModel):
    model_config = ConfigDict(strict=True)

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


def read_json(text: str) -> Record | None:
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
