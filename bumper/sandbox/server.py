"""The embedded server: start it, use it, stop it; one server for a folder."""

import fcntl
import logging
import os
import re
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from werkzeug.serving import BaseWSGIServer, make_server

from bumper.errors import Refused
from bumper.sandbox.application import Application
from bumper.sandbox.behaviour.merge_requests import move_to_ghost
from bumper.sandbox.git.repository import NewCommit, Signature
from bumper.sandbox.state.faults import Fault
from bumper.sandbox.state.records import Project, Role
from bumper.sandbox.state.seed import (
    SAMPLE_BEGAN,
    SAMPLE_PROJECT,
    TOKEN_SCOPES,
    add_bot,
    add_people,
    add_project,
    add_sample,
    apply_settings,
)
from bumper.sandbox.state.settings import read_choices
from bumper.sandbox.state.world import World

_HOST = "127.0.0.1"


class Sandbox:
    """A GitLab-compatible server on loopback, whose projects and merge requests live in ``directory``."""

    def __init__(
        self,
        directory: Path,
        port: int = 0,
        *,
        sample: bool = True,
        settings: Mapping[str, object] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare the server; ``port`` 0 takes a free one. With ``sample`` it holds the project platform/gitops.

        ``settings`` are those of ``state.settings``, after what ``settings.json`` in the directory says; projects that
        are there already take them, too. What GitLab does in the background is done by the time that ``clock`` shows.

        Raises:
            Refused: the directory or its settings cannot be used.

        """
        with ExitStack() as stack:
            stack.enter_context(_lock(directory))
            self._world = World(directory, clock)
            apply_settings(self._world, None, {**read_choices(directory), **(settings or {})})
            self._lock = stack.pop_all()
        self._port = port
        self._application = Application(self._world)
        self._server: BaseWSGIServer | None = None
        self._thread: threading.Thread | None = None
        add_people(self._world)
        if sample and self._world.project_at(SAMPLE_PROJECT) is None:
            add_sample(self._world)
        self._world.save()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Listen, and answer from a thread of its own. Raises Refused when the port is taken."""
        logging.getLogger("werkzeug").setLevel(logging.ERROR)  # its log of every request is not for the user
        try:
            listener = socket.create_server((_HOST, self._port))
        except OSError as error:
            self._lock.close()
            reason = os.strerror(error.errno or 0)
            raise Refused(f"port {self._port} of {_HOST} cannot be used ({reason})", "choose another, or 0") from error
        with listener:
            self._port = listener.getsockname()[1]
            self._server = make_server(_HOST, self._port, self._application, threaded=True, fd=listener.fileno())
        self._world.url = f"http://{_HOST}:{self._port}"
        self._application.hooks.install(_HOST, self._port)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop listening, end what is under way, save."""
        if self._server and self._thread:
            self._server.shutdown()
            self._thread.join()
            self._application.git.stop()
            self._server.server_close()
            self._server = self._thread = None
        self.run_jobs()
        self._lock.close()

    @property
    def url(self) -> str:
        """Where the server listens."""
        return self._world.url

    @property
    def repo_url(self) -> str:
        """The sample project's repository."""
        return f"{self.url}/{SAMPLE_PROJECT}.git"

    @property
    def token(self) -> str:
        """The sample project's access token: its user is a bot with the role Developer."""
        return self._world.records.sample_token

    @property
    def requests(self) -> list[tuple[str, str]]:
        """Method and path of every request so far."""
        return list(self._application.requests)

    @property
    def mentions(self) -> list[str]:
        """The users whom a merge request's text or a comment notified, in order."""
        return list(self._world.records.mentions)

    def choose(self, project: str | None = None, /, **settings: object) -> None:
        """Change settings: those of the server, and those of this project, or of all and of new ones.

        Raises:
            Refused: a name or a value is unknown.

        """
        with self._world.lock:
            apply_settings(self._world, self._project(project) if project else None, settings)
            self._world.save()

    def run_jobs(self) -> None:
        """Let the time pass that GitLab needs for all that it does in the background."""
        with self._world.lock:
            self._world.jobs.run_all()
            self._world.save()

    def repository_path(self, project: str = SAMPLE_PROJECT) -> Path:
        """The bare repository of a project."""
        return self._world.repository(self._project(project)).path

    def create_project(self, path: str, files: Mapping[str, bytes]) -> str:
        """A new project with one commit of these files, its default branch protected; returns the repository's URL."""
        with self._world.lock:
            project = add_project(self._world, path)
            if files:
                author = Signature("Alice Archer", "alice@sandbox.local", f"{SAMPLE_BEGAN} +0000")
                commit = NewCommit(files, "Initial commit\n", author)
                self._world.repository(project).add_commits(project.default_branch, [commit])
            self._world.save()
        return f"{self.url}/{path}.git"

    def fork_project(self, path: str, fork: str) -> str:
        """A fork of the project at ``path``, with all its branches; returns the fork's repository's URL."""
        with self._world.lock:
            parent = self._project(path)
            made = add_project(self._world, fork)
            self._world.update_project(made, forked_from=parent.id, default_branch=parent.default_branch)
            source = str(self._world.repository(parent).path)
            self._world.repository(made).git("fetch", "--quiet", source, "+refs/heads/*:refs/heads/*")
            self._world.save()
        return f"{self.url}/{fork}.git"

    def move_project(self, path: str, new_path: str) -> str:
        """Rename or transfer a project; its old path still leads to it. Returns the repository's new URL."""
        with self._world.lock:
            project = self._project(path)
            folder = self._world.repository(project).path
            moved = self._world.update_project(project, path=new_path, former_paths=(*project.former_paths, path))
            repository = self._world.repository(moved)
            repository.path.parent.mkdir(parents=True, exist_ok=True)
            folder.rename(repository.path)
            repository.use_hooks(self._world.hooks_folder)
            self._world.save()
        return f"{self.url}/{new_path}.git"

    def create_token(
        self,
        username: str,
        *,
        role: str = "developer",
        kind: str = "project",
        scopes: tuple[str, ...] = TOKEN_SCOPES,
        expires_at: str | None = None,
        project: str = SAMPLE_PROJECT,
    ) -> str:
        """A new token; of kind personal or oauth it reaches every project, else only ``project``.

        A project's or group's token gets a bot of its own with GitLab's name for it, unless ``username`` is a person.
        """
        with self._world.lock:
            level, users = Role[role.upper()], self._world.records.users
            if kind in {"project", "group"} and (username not in users or users[username].bot):
                user = add_bot(self._world, self._project(project), username, of_group=kind == "group")
            else:
                user = self._world.add_user(username, username.capitalize(), level)
            project_id = None if kind in {"personal", "oauth"} else self._project(project).id
            token = self._world.add_token(
                user, kind=kind, role=level, scopes=scopes, project_id=project_id, expires_at=expires_at
            )
            self._world.save()
            return token.value

    def revoke_token(self, value: str) -> None:
        """Take a token back. With it goes a bot's user: its merge requests and notes are the ghost's from then on."""
        with self._world.lock:
            tokens = self._world.records.tokens
            tokens[value] = replace(tokens[value], revoked=True)
            if self._world.records.users[tokens[value].username].bot:
                move_to_ghost(self._world, tokens[value].username)
            self._world.save()

    def fail_next(
        self,
        method: str,
        path_regex: str,
        status: int,
        body: str = "",
        headers: Mapping[str, str] | None = None,
        times: int = 1,
    ) -> None:
        """Let the next requests with this method (``*`` for any) and path fail like this."""
        self._application.faults.order(Fault(method, re.compile(path_regex), status, body, headers or {}, times))

    def _project(self, path: str) -> Project:
        project = self._world.project_at(path)
        if project is None:
            raise KeyError(path)
        return project


def _lock(folder: Path) -> IO[bytes]:
    """Keep the folder for this process until the file that is returned is closed. Raises Refused when it is taken."""
    folder.mkdir(parents=True, exist_ok=True)
    file = (folder / "lock").open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.close()
        raise Refused(f"another sandbox is running in {folder}", "stop it, or choose another folder") from error
    return file
