"""The WSGI application: counts requests, answers with the faults that a test ordered, and finds the right room."""

from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from werkzeug import Request, Response
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from bumper.sandbox import argocd
from bumper.sandbox.api.auth import api_identity, git_identity
from bumper.sandbox.api.call import Answer, Call, Endpoint
from bumper.sandbox.api.parameters import read_parameters
from bumper.sandbox.api.routes import JOB_TOKEN_ENDPOINTS, api_map, site_map
from bumper.sandbox.behaviour.errors import GitLabError, not_found, unauthorized
from bumper.sandbox.pages.pages import Pages
from bumper.sandbox.remote.access import NOT_FOUND, refusal
from bumper.sandbox.remote.hooks import Hooks
from bumper.sandbox.remote.http import GitBackend
from bumper.sandbox.state.faults import Faults
from bumper.sandbox.state.world import World

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


class Application:
    """The server without its socket."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.faults = Faults()
        self.requests: list[tuple[str, str]] = []
        self.git = GitBackend(world)
        self.hooks = Hooks(world)
        self._pages = Pages(world)
        self._api = api_map().bind("127.0.0.1")
        self._site = site_map().bind("127.0.0.1")

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer one request."""
        return self._answer(Request(environ))(environ, start_response)

    def _answer(self, request: Request) -> Response:
        """The hooks' questions are the server's own affair: they are neither counted nor made to fail."""
        if not _is_own_host(request):
            return Response("This server answers to 127.0.0.1 and localhost only.\n", 403, content_type="text/plain")
        path = str(request.environ["RAW_URI"]).partition("?")[0]
        if not path.startswith("/-/hooks/"):
            self.requests.append((request.method, path))
            with self._world.lock:
                self._world.jobs.run_due()
            fault = self.faults.take(request.method, path)
            if fault:
                return fault
        if path.startswith(argocd.PREFIX):
            with self._world.lock:
                return argocd.answer(self._world, request, unquote(path.removeprefix(argocd.PREFIX))).response()
        return self._answer_api(request, path) if path.startswith("/api/v4/") else self._answer_site(request)

    def _answer_site(self, request: Request) -> Response:
        try:
            endpoint, arguments = self._site.match(request.path, request.method)
        except HTTPException as error:
            return error.get_response(request.environ)
        if endpoint == "git":
            return self._answer_git(request, **arguments)
        if endpoint == "git without suffix":
            query = request.query_string.decode("latin-1")
            return Response("", 301, {"Location": f"/{arguments['project']}.git/info/refs?{query}"})
        if endpoint == "hook":
            return self.hooks.answer(arguments["hook"], request.get_data())
        return self._pages.answer(request, endpoint, arguments)

    def _answer_api(self, request: Request, path: str) -> Response:
        with self._world.lock:
            try:
                endpoint, arguments = self._match_api(path, request.method)
                answer = self._call(request, endpoint, arguments)
            except GitLabError as error:
                answer = Answer(error.body, error.status, error.headers)
            if request.method != "GET":
                self._world.save()
            return answer.response()

    def _match_api(self, path: str, method: str) -> tuple[Endpoint, dict[str, str]]:
        try:
            endpoint, arguments = self._api.match(path, method)
        except MethodNotAllowed:
            raise GitLabError(405, {"error": "405 Not Allowed"}) from None
        except HTTPException:
            raise GitLabError(404, {"error": "404 Not Found"}) from None
        return endpoint, dict(arguments)

    def _call(self, request: Request, endpoint: Endpoint, arguments: dict[str, str]) -> Answer:
        """A job token opens few doors: elsewhere its bearer is nobody, to whom private projects do not exist."""
        if self._world.settings.maintenance and request.method != "GET":
            raise GitLabError(403, {"message": "You cannot perform write operations on a read-only instance"})
        identity = api_identity(self._world, request)
        if identity.is_job and endpoint not in JOB_TOKEN_ENDPOINTS:
            raise not_found("Project") if request.method == "GET" and "id" in arguments else unauthorized()
        return endpoint(Call(self._world, request, identity, read_parameters(request), arguments))

    def _answer_git(self, request: Request, project: str, service: str) -> Response:
        push = "git-receive-pack" in {service, request.args.get("service")}
        with self._world.lock:
            identity, found = git_identity(self._world, request), self._world.project_at(project)
            reason = NOT_FOUND
            if identity is not None and found is not None:
                reason = refusal(self._world, identity, found, push=push) or ""
        if identity is None:
            challenge = {"WWW-Authenticate": 'Basic realm="GitLab"'}
            return Response("HTTP Basic: Access denied.\n", 401, challenge, content_type="text/plain")
        if found is None or reason:
            return Response(f"{reason}\n", 404 if reason == NOT_FOUND else 403, content_type="text/plain")
        return self.git.answer(request, found, identity, project, service)


def _is_own_host(request: Request) -> bool:
    """Whether the client names this machine: no script of a site whose name leads here may read what is served."""
    return urlsplit(f"//{request.host}").hostname in {"127.0.0.1", "localhost"}
