"""Argo CD's JSON of an application, as far as bumper reads it; every key may be missing. Pure."""

from collections.abc import Iterable
from typing import Any

from pydantic import AliasPath, BaseModel, ConfigDict, Field, field_validator
from pydantic_core import PydanticUseDefault

_MAX_MESSAGE = 300  # characters
_WELL = frozenset({"", "Healthy", "Suspended", "Progressing"})
_UNDER_WAY = frozenset({"Running", "Terminating"})
_FAILED = frozenset({"Failed", "Error"})


def _at(default: Any, *keys: str) -> Any:  # noqa: ANN401 - as pydantic's Field has it
    """A field by its keys from the outside in, with what it is where one of them is missing."""
    return Field(default=default, validation_alias=AliasPath(*keys))


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, defer_build=True)  # most runs ask no Argo CD

    @field_validator("*", mode="before")
    @classmethod
    def _fill(cls, value: object) -> object:
        """What is null or empty is as good as missing."""
        if value is None or value == "":
            raise PydanticUseDefault
        return value


class _Resource(_Answer):
    """A resource of the application, or one of its last sync with what became of it."""

    kind: str = ""
    name: str = ""
    health: str = _at("", "health", "status")
    health_message: str = _at("", "health", "message")
    status: str = ""
    hook_phase: str = _at("", "hookPhase")
    message: str = ""


class _Condition(_Answer):
    type: str = ""
    message: str = ""


class Application(_Answer):
    """What Argo CD says of an application (``GET /api/v1/applications/{name}``), as far as bumper reads it.

    ``images`` are those of its running pods; ``phase`` is of the last sync.
    """

    status: dict[str, object] = {}  # anything else is another server's
    sync: str = _at("Unknown", "status", "sync", "status")
    revision: str = _at("", "status", "sync", "revision")
    of_sources: tuple[str, ...] = _at((), "status", "sync", "revisions")
    health: str = _at("Unknown", "status", "health", "status")
    health_message: str = _at("", "status", "health", "message")
    images: tuple[str, ...] = _at((), "status", "summary", "images")
    conditions: tuple[_Condition, ...] = _at((), "status", "conditions")
    resources: tuple[_Resource, ...] = _at((), "status", "resources")
    reconciled_at: str = _at("", "status", "reconciledAt")
    phase: str = _at("", "status", "operationState", "phase")
    finished_at: str = _at("", "status", "operationState", "finishedAt")
    is_dry_run: bool = _at(False, "status", "operationState", "operation", "sync", "dryRun")  # noqa: FBT003 - a default
    phase_message: str = _at("", "status", "operationState", "message")
    synced_revision: str = _at("", "status", "operationState", "syncResult", "revision")
    synced_of_sources: tuple[str, ...] = _at((), "status", "operationState", "syncResult", "revisions")
    synced: tuple[_Resource, ...] = _at((), "status", "operationState", "syncResult", "resources")

    @property
    def revisions(self) -> tuple[str, ...]:
        """The revisions that are to run, one for each of its sources."""
        return tuple(filter(None, (*self.of_sources, self.revision)))

    @property
    def operation_revisions(self) -> tuple[str, ...]:
        """The revisions of the last sync."""
        return tuple(filter(None, (*self.synced_of_sources, self.synced_revision)))

    @property
    def is_under_way(self) -> bool:
        """Whether a sync is under way, or Argo CD has not reconciled the application since it ended.

        Until it has, ``health`` is of before the sync, while ``images`` may be of new pods already: its controller
        lists those as they come, and judges health only when it compares. ``argocd app wait`` waits for it likewise.
        """
        is_stale = self.reconciled_at < self.finished_at  # both in UTC, in one form
        return not self.is_dry_run and (self.phase in _UNDER_WAY or is_stale)

    @property
    def has_failed(self) -> bool:
        """Whether the last sync failed, with all its retries."""
        return not self.is_dry_run and self.phase in _FAILED

    @property
    def message(self) -> str:
        """Argo CD's own words for what is wrong: the application's, its resources', its conditions'."""
        ill = [resource for resource in self.resources if resource.health not in _WELL]
        resources = [f"{one.kind} {one.name}: {one.health_message or one.health}" for one in ill]
        conditions = [found.message for found in self.conditions if found.message and "Error" in found.type]
        return _in_one_line(filter(None, [self.health_message, *resources, *conditions]))

    @property
    def operation_message(self) -> str:
        """What became of the sync, the resources and hooks that failed first: Argo CD's own summary names none."""
        failed = [
            f"{resource.kind} {resource.name}: {resource.message}"
            for resource in self.synced
            if resource.message and (resource.hook_phase in _FAILED or resource.status == "SyncFailed")
        ]
        return _in_one_line([*failed, self.phase_message]).rstrip("; .")


class Failure(_Answer):
    """The body of an answer that reports a failure."""

    message: str = ""
    error: str = ""

    @property
    def text(self) -> str:
        """Argo CD's own words."""
        return _in_one_line([self.message or self.error])


def _in_one_line(texts: Iterable[str]) -> str:
    """Argo CD's words in a line of a length that people read."""
    return " ".join("; ".join(texts).split())[:_MAX_MESSAGE]
