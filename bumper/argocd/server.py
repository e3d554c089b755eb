"""Argo CD's REST API: one application as it is now. The only place that speaks to Argo CD."""

import contextlib
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import quote, urlencode

from pydantic import ValidationError

from bumper.argocd.application import Application, Failure
from bumper.errors import Refused, Unavailable
from bumper.http.session import NoAnswer, Response, Session, UntrustedCertificate, ask_once, is_private
from bumper.http.transport import Limits
from bumper.log import redactor
from bumper.settings import Settings

REFRESH_LIMITS = Limits(tries=1, timeouts=(5.0, 3.0))  # for the answer that may never come


class NotAnswering(Unavailable):
    """Argo CD cannot be reached, or is in trouble of its own: it may answer in a moment."""


class NoSuchApplication(Unavailable):
    """Argo CD shows no such application to this token."""


@dataclass(frozen=True, slots=True)
class ArgoServer:
    """A connection to Argo CD; ``project`` is that of the applications, where bumper.yaml names it."""

    url: str
    project: str | None
    _settings: Settings = field(repr=False)
    _session: Session = field(repr=False)

    def read(self, name: str) -> Application:
        """An application by its name, or by ``namespace/name``.

        NoSuchApplication where Argo CD shows none of that name; NotAnswering where Argo CD may answer in a moment;
        Unavailable where it refuses the token, or is no Argo CD.
        """
        answer = self._ask(self._session, name)
        if answer.status_code != HTTPStatus.OK:
            raise self._explain(name, answer)
        try:
            return Application.model_validate_json(answer.content)
        except ValidationError as error:
            raise Unavailable(
                f"{self.url} answers for application {name} with something that is not an Argo CD application",
                "check argocd.server in bumper.yaml",
            ) from error

    def page(self, name: str) -> str:
        """Where people look at an application."""
        return f"{self.url}/applications/{quote(name)}"

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
            failure = Failure.model_validate_json(answer.content)
        except ValidationError:
            failure = Failure()
        text = redactor([self._token])(failure.text)
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

    Unavailable where there is no token; Refused where the token must not be sent there.
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
