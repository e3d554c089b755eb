"""Argo CD's REST API: one application as it is now. The only place that speaks to Argo CD."""

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode

from pydantic import AliasPath, BaseModel, ConfigDict, Field, ValidationError

from bumper.argocd.verdict import Application
from bumper.errors import Refused, Unavailable
from bumper.http.session import NoAnswer, Response, Session, UntrustedCertificate, ask_once, is_private
from bumper.http.transport import Limits
from bumper.log import redactor
from bumper.settings import Settings

_MAX_MESSAGE = 300  # characters
_WELL = frozenset({None, "Healthy", "Suspended", "Progressing"})
_FAILED = frozenset({"Failed", "Error"})
REFRESH_LIMITS = Limits(tries=1, timeouts=(5.0, 3.0))  # for the answer that may never come


class NotAnswering(Unavailable):
    """Argo CD cannot be reached, or is in trouble of its own: it may answer in a moment."""


class NoSuchApplication(Unavailable):
    """Argo CD shows no such application to this token."""


def _at(*keys: str) -> Any:  # noqa: ANN401 - as pydantic's Field has it
    """A field by its keys from the outside in; every one of them may be missing."""
    return Field(default=None, validation_alias=AliasPath(*keys))


class _Answer(BaseModel):
    model_config = ConfigDict(defer_build=True)  # most runs ask no Argo CD


class _Resource(_Answer):
    """A resource of the application, or one of its last sync with what became of it."""

    kind: str | None = None
    name: str | None = None
    health: str | None = _at("health", "status")
    health_message: str | None = _at("health", "message")
    status: str | None = None
    hook_phase: str | None = _at("hookPhase")
    message: str | None = None


class _Condition(_Answer):
    type: str | None = None
    message: str | None = None


class ApplicationAnswer(_Answer):
    """The answer to ``GET /api/v1/applications/{name}``, as far as bumper reads it."""

    status: dict[str, object] | None = None  # anything else is another server's
    sync: str | None = _at("status", "sync", "status")
    revision: str | None = _at("status", "sync", "revision")
    revisions: list[str] | None = _at("status", "sync", "revisions")
    health: str | None = _at("status", "health", "status")
    health_message: str | None = _at("status", "health", "message")
    images: list[str] | None = _at("status", "summary", "images")
    conditions: list[_Condition] | None = _at("status", "conditions")
    resources: list[_Resource] | None = _at("status", "resources")
    phase: str | None = _at("status", "operationState", "phase")
    operation_message: str | None = _at("status", "operationState", "message")
    synced_revision: str | None = _at("status", "operationState", "syncResult", "revision")
    synced_revisions: list[str] | None = _at("status", "operationState", "syncResult", "revisions")
    synced: list[_Resource] | None = _at("status", "operationState", "syncResult", "resources")

    def application(self, name: str, page: str) -> Application:
        """The application ``name`` as it is now; ``page`` is where people look at it."""
        return Application(
            name=name,
            page=page,
            sync=self.sync or "Unknown",
            health=self.health or "Unknown",
            message=self._why_unhealthy(),
            revisions=tuple(filter(None, (*(self.revisions or ()), self.revision))),
            images=tuple(self.images or ()),
            phase=self.phase or "",
            operation_message=self._why_failed(),
            operation_revisions=tuple(filter(None, (*(self.synced_revisions or ()), self.synced_revision))),
        )

    def _why_unhealthy(self) -> str:
        """Argo CD's own words for what is wrong: the application's, its resources', its conditions'."""
        resources = [
            f"{resource.kind} {resource.name}: {resource.health_message or resource.health}"
            for resource in self.resources or ()
            if resource.health not in _WELL
        ]
        conditions = [
            found.message for found in self.conditions or () if found.message and "Error" in (found.type or "")
        ]
        return _in_one_line([*([self.health_message] if self.health_message else []), *resources, *conditions])

    def _why_failed(self) -> str:
        """What became of the sync, the resources and hooks that failed first: Argo CD's own summary names none."""
        failed = [
            f"{resource.kind} {resource.name}: {resource.message}"
            for resource in self.synced or ()
            if resource.message and (resource.hook_phase in _FAILED or resource.status == "SyncFailed")
        ]
        return _in_one_line([*failed, self.operation_message or ""]).rstrip("; ")


class _FailureAnswer(_Answer):
    message: str | None = None
    error: str | None = None


def _in_one_line(texts: Iterable[str]) -> str:
    """Argo CD's words in a line of a length that people read."""
    return " ".join("; ".join(texts).split())[:_MAX_MESSAGE]


@dataclass(frozen=True, slots=True)
class ArgoServer:
    """A connection to Argo CD; ``project`` is that of the applications, where bumper.yaml names it."""

    url: str
    project: str | None
    _settings: Settings = field(repr=False)
    _session: Session = field(repr=False)

    def read(self, name: str) -> Application:
        """An application by its name, or by ``namespace/name``.

        Raises:
            NoSuchApplication: Argo CD shows none of that name.
            NotAnswering: Argo CD may answer in a moment.
            Unavailable: it refuses the token, or is no Argo CD.

        """
        answer = self._ask(self._session, name)
        if answer.status_code != HTTPStatus.OK:
            raise self._explain(name, answer)
        try:
            found = ApplicationAnswer.model_validate_json(answer.content)
        except ValidationError as error:
            raise Unavailable(
                f"{self.url} answers for application {name} with something that is not an Argo CD application",
                "check argocd.server in bumper.yaml",
            ) from error
        return found.application(name, f"{self.url}/applications/{quote(name)}")

    def refresh(self, name: str) -> None:
        """Have Argo CD look at the repository now, so that a commit of a moment ago is seen.

        Argo CD answers only once its controller has done so, which may take longer than anybody waits. The request
        alone starts it: whatever becomes of the answer, the application is read afterwards.
        """
        with Session(self._settings.ca_file, REFRESH_LIMITS) as session, contextlib.suppress(Unavailable):
            self._ask(session, name, {"refresh": "normal"})

    def _ask(self, session: Session, name: str, query: dict[str, str] | None = None) -> Response:
        namespace, _, bare = name.rpartition("/")
        wanted = {**(query or {}), "appNamespace": namespace, "project": self.project or ""}
        parameters = urlencode({key: value for key, value in wanted.items() if value})
        url = f"{self.url}/api/v1/applications/{quote(bare, safe='')}?{parameters}".rstrip("?")
        try:
            return ask_once(session, "GET", url, {"Authorization": f"Bearer {self._token}"})
        except UntrustedCertificate:
            raise
        except NoAnswer as error:
            raise NotAnswering(f"Argo CD does not answer: {error.what}", error.next_step) from error

    @property
    def _token(self) -> str:
        return self._settings.argocd_token.value if self._settings.argocd_token is not None else ""

    def _explain(self, name: str, answer: Response) -> Unavailable:
        try:
            failure = _FailureAnswer.model_validate_json(answer.content)
        except ValidationError:
            failure = _FailureAnswer()
        text = redactor([self._token])(_in_one_line([failure.message or failure.error or ""]))
        reason = f" ({text})" if text else ""
        if answer.status_code == HTTPStatus.UNAUTHORIZED:
            return Unavailable(f"{self.url} refused the token in ARGOCD_AUTH_TOKEN{reason}", "make a new token")
        if answer.status_code == HTTPStatus.FORBIDDEN:  # also of a missing one, unless the question names the project
            return NoSuchApplication(
                f"{self.url} has no application {name}, or the token in ARGOCD_AUTH_TOKEN may not see it{reason}",
                "correct argocd.application in bumper.yaml, or let the token's role get applications",
            )
        if answer.status_code == HTTPStatus.NOT_FOUND:
            place = f" in its project {self.project}" if self.project is not None else ""
            return NoSuchApplication(
                f"{self.url} has no application {name}{place}{reason}",
                "correct argocd.application in bumper.yaml",
            )
        if answer.status_code in range(300, 400):
            return Unavailable(f"{self.url} redirects elsewhere", "write the new address into argocd.server")
        return NotAnswering(f"{self.url} (Argo CD) answers {answer.status_code}{reason}", "try again")


def connect_to_argocd(url: str, project: str | None, settings: Settings) -> ArgoServer:
    """A connection to the Argo CD at ``url``; nothing is asked yet.

    bumper.yaml says where Argo CD is, and whoever may change bumper.yaml must not get the token by that.

    Raises:
        Unavailable: there is no token.
        Refused: the token must not be sent there.

    """
    if settings.argocd_token is None:
        raise Unavailable(f"{url} (Argo CD) needs a token", "set ARGOCD_AUTH_TOKEN")
    if settings.argocd_server is not None and _host(url) != _host(settings.argocd_server):
        raise Refused(
            f"argocd.server in bumper.yaml is {url}, but ARGOCD_SERVER is {settings.argocd_server}, so the token in "
            "ARGOCD_AUTH_TOKEN is not sent",
            "correct the one that is wrong, or unset ARGOCD_SERVER",
        )
    if not is_private(url):
        raise Refused(
            f"argocd.server in bumper.yaml is {url}, and the token in ARGOCD_AUTH_TOKEN is not sent without encryption",
            "write its https:// address there",
        )
    return ArgoServer(url.rstrip("/"), project, settings, Session(settings.ca_file))


def _host(address: str) -> str:
    """Host and port; ``ARGOCD_SERVER`` has no scheme, as Argo CD's own command line wants it."""
    rest = address.partition("://")[2] or address
    return rest.partition("/")[0].lower().removesuffix(":443")
