"""The embedded server in a process of its own, which counts what it is asked and what it sends."""

import multiprocessing
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from werkzeug.wsgi import ClosingIterator

from bumper.sandbox import Sandbox
from bumper.sandbox.git.repository import Repository
from tests.support.gitops import AT_ONCE, SET_UP

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


@dataclass(frozen=True, slots=True)
class Place:
    """A repository on the server, and how it is reached."""

    project: str
    url: str
    api: str
    token: str
    folder: Path
    tip: str


@dataclass(frozen=True, slots=True)
class State:
    """Requests and bytes sent so far; the branches of the open merge requests."""

    requests: int
    sent: int
    opened: tuple[str, ...]


class Server:
    """The server's process, told what to do over a pipe."""

    def __init__(self, folder: Path) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, far_end = context.Pipe()
        self._process = context.Process(target=_serve, args=(far_end, folder), daemon=True)

    def __enter__(self) -> Self:
        self._process.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ask("stop")
        self._process.join()

    def place(self, project: str, repository: Path) -> Place:
        """Serve a copy of this bare repository."""
        place: Place = self._ask("place", project, repository)
        return place

    def reset(self, place: Place) -> None:
        """Put the repository back as it was placed, without branches and merge requests."""
        self._ask("reset", place)

    @property
    def url(self) -> str:
        """Where the server listens."""
        url: str = self._ask("url")
        return url

    def state(self) -> State:
        """What there is now."""
        state: State = self._ask("state")
        return state

    def _ask(self, order: str, *arguments: object) -> Any:  # noqa: ANN401 - what _Orders answers
        self._pipe.send((order, arguments))
        answer = self._pipe.recv()
        if isinstance(answer, Exception):
            raise answer
        return answer


class _Counting:
    """The application, with the bytes of its answers counted."""

    def __init__(self, application: "WSGIApplication") -> None:
        self._application = application
        self.sent = 0

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        answer = self._application(environ, start_response)
        return ClosingIterator(self._counted(answer), getattr(answer, "close", None))

    def _counted(self, answer: Iterable[bytes]) -> Iterator[bytes]:
        for block in answer:
            self.sent += len(block)
            yield block


class _Orders:
    """What the server's process does when it is told to."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        server = sandbox._server
        assert server is not None
        server.app = self._counting = _Counting(server.app)

    def place(self, project: str, source: Path) -> Place:
        url = self._sandbox.create_project(project, {})
        folder = self._sandbox.repository_path(project)
        shutil.copytree(source / "objects", folder / "objects", dirs_exist_ok=True)
        tip = Repository(source).git("rev-parse", "refs/heads/main").strip()
        Repository(folder).git("update-ref", "refs/heads/main", tip)
        api = f"{self._sandbox.url}/api/v4/projects/{project.replace('/', '%2F')}"
        return Place(project, url, api, self._sandbox.create_token("bumper", project=project), folder, tip)

    def url(self) -> str:
        return self._sandbox.url

    def reset(self, place: Place) -> None:
        world, repository = self._sandbox._world, Repository(place.folder)
        with world.lock:
            world.records.merge_requests.clear()
            world.records.notes.clear()
            refs = repository.git("for-each-ref", "--format=delete %(refname)").splitlines(keepends=True)
            kept = [line for line in refs if line.strip() != "delete refs/heads/main"]
            orders = "".join([*kept, f"update refs/heads/main {place.tip}\n"])
            repository.git("update-ref", "--no-deref", "--stdin", stdin=orders.encode())

    def state(self) -> State:
        opened = [one for one in self._sandbox._world.records.merge_requests.values() if one.state == "opened"]
        return State(len(self._sandbox.requests), self._counting.sent, tuple(one.source_branch for one in opened))


def _serve(pipe: Connection, folder: Path) -> None:
    """Serve until told to stop."""
    with Sandbox(folder, sample=False, settings=AT_ONCE | SET_UP) as sandbox:
        orders = _Orders(sandbox)
        while (order := pipe.recv()) != ("stop", ()):
            name, arguments = order
            try:
                pipe.send(getattr(orders, name)(*arguments))
            except Exception as error:  # noqa: BLE001 - raised again where the order came from
                pipe.send(error)
    pipe.send(None)
