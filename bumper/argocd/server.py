"""Argo CD's REST API: one application as it is now. The only place that speaks to Argo CD.

``GET /api/v1/applications/{name}?refresh=normal`` has Argo CD look at the repository first, so that a commit of a
moment ago is seen.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import quote, urlencode

from pydantic import BaseModel, Field, ValidationError

from bumper.argocd.verdict import Application
from bumper.errors import Unavailable
from bumper.http import NoAnswer, Question, Session, UntrustedCertificate, ask_once
from bumper.redaction import redactor
from bumper.settings import Settings

_MAX_MESSAGE = 300  # characters


class NotAnswering(Unavailable):
    """Argo CD cannot be reached, or is in trouble of its own: it may answer in a moment."""


class NoSuchApplication(Unavailable):
    """Argo CD's 404: there is no such application, or the token may not see it."""


@dataclass(frozen=True, slots=True)
class ArgoServer:
    """A connection to Argo CD; ``token`` is never shown."""

    url: str
    _session: Session = field(repr=False)
    _token: str = field(repr=False)

    def read(self, name: str) -> Application:
        """An application by its name, or by ``namespace/name``.

        Raises:
            NoSuchApplication: Argo CD shows none of that name.
            Unavailable: it does not answer, or refuses the token.

        """
        namespace, _, bare = name.rpartition("/")
        query = {"refresh": "normal"} | ({"appNamespace": namespace} if namespace else {})
        url = f"{self.url}/api/v1/applications/{quote(bare, safe='')}?{urlencode(query)}"
        try:
            answer = ask_once(self._session, Question("GET", url, {"Authorization": f"Bearer {self._token}"}))
        except UntrustedCertificate:
            raise
        except NoAnswer as error:
            raise NotAnswering(f"Argo CD does not answer: {error.what}", error.next_step) from error
        if answer.status != HTTPStatus.OK:
            raise self._explain(name, answer.status, _said(answer.body))
        try:
            told = _Application.model_validate_json(answer.body)
        except ValidationError as error:
            raise Unavailable(f"{self.url} answers as no Argo CD does; check argocd.server in bumper.yaml.") from error
        return told.read(name, f"{self.url}/applications/{quote(name)}")

    def _explain(self, name: str, status: int, said: str) -> Unavailable:
        told = f" ({redactor([self._token])(said)})" if said else ""
        if status == HTTPStatus.UNAUTHORIZED:
            return Unavailable(f"{self.url} refused the token in ARGOCD_AUTH_TOKEN{told}; make a new one.")
        if status == HTTPStatus.FORBIDDEN:
            return Unavailable(
                f"The token in ARGOCD_AUTH_TOKEN may not see application {name} on {self.url}{told}, or there is none; "
                "let its role get applications, or mend argocd.application in bumper.yaml."
            )
        if status == HTTPStatus.NOT_FOUND:
            return NoSuchApplication(
                f"{self.url} has no application {name}{told}; mend argocd.application in bumper.yaml."
            )
        if status in range(300, 400):
            return Unavailable(f"{self.url} redirects elsewhere; write its present address into argocd.server.")
        return NotAnswering(f"{self.url} (Argo CD) answers {status}{told}; try again.")


def connect_to_argocd(url: str, settings: Settings) -> ArgoServer:
    """A connection to the Argo CD at ``url``; nothing is asked yet.

    Raises:
        Unavailable: there is no token.

    """
    if settings.argocd_token is None:
        raise Unavailable(f"{url} (Argo CD) needs a token; set ARGOCD_AUTH_TOKEN.")
    return ArgoServer(url.rstrip("/"), Session(settings.ca_file), settings.argocd_token.value)


def _said(body: bytes) -> str:
    try:
        told = _Failure.model_validate_json(body)
    except ValidationError:
        return ""
    return " ".join((told.message or told.error or "").split())[:_MAX_MESSAGE]


class _Failure(BaseModel):
    message: str | None = None
    error: str | None = None


class _Revisions(BaseModel):
    revision: str | None = None
    revisions: list[str] | None = None

    def all(self) -> tuple[str, ...]:
        return tuple(one for one in (*(self.revisions or ()), self.revision) if one)


class _Sync(_Revisions):
    status: str | None = None


class _Health(BaseModel):
    status: str | None = None
    message: str | None = None


class _Operation(BaseModel):
    phase: str | None = None
    message: str | None = None
    sync_result: _Revisions | None = Field(default=None, alias="syncResult")


class _Summary(BaseModel):
    images: list[str] | None = None


class _Condition(BaseModel):
    type: str | None = None
    message: str | None = None


class _Resource(BaseModel):
    kind: str | None = None
    name: str | None = None
    health: _Health | None = None


class _Status(BaseModel):
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
            f"{one.kind} {one.name}: {one.health.message or one.health.status}"
            for one in self.resources or ()
            if one.health is not None and one.health.status not in {None, "Healthy", "Suspended", "Progressing"}
        ]
        conditions = [one.message for one in self.conditions or () if one.message and "Error" in (one.type or "")]
        return _in_one_line([*([own] if own else []), *resources, *conditions])


class _Application(BaseModel):
    """Argo CD's JSON, as far as it is read."""

    status: _Status | None = None

    def read(self, name: str, page: str) -> Application:
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
            operation_message=_in_one_line([operation.message or ""]),
            operation_revisions=operation.sync_result.all() if operation.sync_result is not None else (),
        )


def _in_one_line(texts: Sequence[str]) -> str:
    return " ".join("; ".join(texts).split())[:_MAX_MESSAGE]
