"""Argo CD's JSON of an application, as far as bumper reads it; every key may be missing."""

from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict, Field

from bumper.argocd.verdict import Application

_MAX_MESSAGE = 300  # characters
_WELL = frozenset({None, "Healthy", "Suspended", "Progressing"})


class _Answer(BaseModel):
    model_config = ConfigDict(defer_build=True)  # most runs ask no Argo CD


class _Revisions(_Answer):
    revision: str | None = None
    revisions: list[str] | None = None

    def all(self) -> tuple[str, ...]:
        return tuple(filter(None, (*(self.revisions or ()), self.revision)))


class _Sync(_Revisions):
    status: str | None = None


class _Health(_Answer):
    status: str | None = None
    message: str | None = None


class _SyncedResource(_Answer):
    kind: str | None = None
    name: str | None = None
    status: str | None = None
    message: str | None = None
    hook_phase: str | None = Field(default=None, alias="hookPhase")


class _SyncResult(_Revisions):
    resources: list[_SyncedResource] | None = None


class _Operation(_Answer):
    phase: str | None = None
    message: str | None = None
    sync_result: _SyncResult | None = Field(default=None, alias="syncResult")

    def why(self) -> str:
        """What became of the sync, the resources and hooks that failed first: Argo CD's own summary names none."""
        resources = self.sync_result.resources if self.sync_result is not None else None
        failed = [
            f"{one.kind} {one.name}: {one.message}"
            for one in resources or ()
            if one.message and (one.hook_phase in {"Failed", "Error"} or one.status == "SyncFailed")
        ]
        return _in_one_line([*failed, self.message or ""]).rstrip("; ")


class _Summary(_Answer):
    images: list[str] | None = None


class _Condition(_Answer):
    type: str | None = None
    message: str | None = None


class _Resource(_Answer):
    kind: str | None = None
    name: str | None = None
    health: _Health | None = None


class _Status(_Answer):
    sync: _Sync | None = None
    health: _Health | None = None
    operation_state: _Operation | None = Field(default=None, alias="operationState")
    summary: _Summary | None = None
    conditions: list[_Condition] | None = None
    resources: list[_Resource] | None = None

    def why(self) -> str:
        """Argo CD's own words for what is wrong: the application's, its resources', its conditions'."""
        own = self.health.message if self.health is not None else None
        resources = [
            f"{resource.kind} {resource.name}: {resource.health.message or resource.health.status}"
            for resource in self.resources or ()
            if resource.health is not None and resource.health.status not in _WELL
        ]
        conditions = [
            found.message for found in self.conditions or () if found.message and "Error" in (found.type or "")
        ]
        return _in_one_line([*([own] if own else []), *resources, *conditions])


class ApplicationAnswer(_Answer):
    """The answer to ``GET /api/v1/applications/{name}``."""

    status: _Status | None = None

    def application(self, name: str, page: str) -> Application:
        """The application ``name`` as it is now; ``page`` is where people look at it."""
        status = self.status or _Status()
        sync, operation = status.sync or _Sync(), status.operation_state or _Operation()
        return Application(
            name=name,
            page=page,
            sync=sync.status or "Unknown",
            health=(status.health.status if status.health is not None else None) or "Unknown",
            message=status.why(),
            revisions=sync.all(),
            images=tuple((status.summary.images if status.summary is not None else None) or ()),
            phase=operation.phase or "",
            operation_message=operation.why(),
            operation_revisions=operation.sync_result.all() if operation.sync_result is not None else (),
        )


class FailureAnswer(_Answer):
    """The body of an answer that reports a failure."""

    message: str | None = None
    error: str | None = None

    def text(self) -> str:
        """Argo CD's own words."""
        return _in_one_line([self.message or self.error or ""])


def _in_one_line(texts: Iterable[str]) -> str:
    """The texts in a line of a length that people read."""
    return " ".join("; ".join(texts).split())[:_MAX_MESSAGE]
