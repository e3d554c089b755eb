"""The server's memory: the records and the settings under one lock, saved as JSON beside the repositories."""

import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from bumper.errors import Refused
from bumper.sandbox.git.repository import Repository
from bumper.sandbox.state.jobs import Jobs
from bumper.sandbox.state.records import (
    MergeRequest,
    Note,
    Pipeline,
    Project,
    ProtectedBranch,
    Records,
    Role,
    Token,
    User,
)
from bumper.sandbox.state.settings import Settings, settings_from

_RECORDS = TypeAdapter(Records)
_TOUCH_INTERVAL = timedelta(minutes=1)  # comments within it do not count as a change of the merge request


class World:
    """Users, tokens, projects and merge requests. Hold ``lock`` while you read or change them."""

    def __init__(self, directory: Path, clock: Callable[[], float]) -> None:
        """Continue with what ``directory`` holds, or start anew. Raises Refused when a sandbox did not write that."""
        self.directory = directory
        self.hooks_folder = directory / "hooks"
        self.settings = Settings()
        self.jobs = Jobs(clock)
        self.url = ""
        self.kept_for_lists: dict[tuple[MergeRequest, str], dict[str, Any]] = {}  # what a user was shown of it
        self.lock = threading.RLock()
        self._file = directory / "sandbox.json"
        directory.mkdir(parents=True, exist_ok=True)
        self.records = self._load()

    def _load(self) -> Records:
        if not self._file.exists():
            return Records()
        try:
            return _RECORDS.validate_json(self._file.read_bytes())
        except ValidationError as error:
            what = f"{self._file} was not written by a sandbox of this version"
            raise Refused(what, "remove it or choose another folder") from error

    def save(self) -> None:
        """Write the records; a reader never sees half a file."""
        draft = self._file.with_suffix(".new")
        draft.write_bytes(_RECORDS.dump_json(self.records))
        draft.chmod(0o600)
        draft.replace(self._file)

    def next_id(self) -> int:
        """A number that no record has yet."""
        self.records.last_id += 1
        return self.records.last_id

    def choose(self, choices: Mapping[str, object]) -> None:
        """Change settings. Raises Refused when a name or a value is unknown."""
        self.settings = settings_from(asdict(self.settings) | dict(choices))

    def knows(self, version: str) -> bool:
        """Whether the GitLab that is played is at least ``version``."""
        return _numbers(self.settings.gitlab_version) >= _numbers(version)

    def repository(self, project: Project) -> Repository:
        """The project's bare repository."""
        return Repository(self.directory / "repositories" / f"{project.path}.git")

    def project_at(self, address: str) -> Project | None:
        """The project with this number or path, or the one that had this path before it was moved."""
        projects = self.records.projects.values()
        if address.isdecimal():
            return self.records.projects.get(int(address))
        moved = (project for project in projects if address in project.former_paths)
        return next((project for project in projects if project.path == address), next(moved, None))

    def add_user(self, username: str, name: str, role: Role, *, bot: bool = False, admin: bool = False) -> User:
        """A new user, or the one who has this name already."""
        known = self.records.users.get(username)
        if known:
            return known
        user = User(self.next_id(), username, name, role, bot, admin)
        self.records.users[username] = user
        return user

    def add_token(
        self,
        user: User,
        *,
        kind: str,
        role: Role,
        scopes: tuple[str, ...],
        project_id: int | None,
        expires_at: str | None = None,
    ) -> Token:
        """A new token; its prefix shows its kind, as GitLab's do."""
        prefix = "glcbt-" if kind == "job" else "glpat-"
        value = prefix + secrets.token_urlsafe(15)
        token = Token(self.next_id(), value, user.username, kind, role, scopes, project_id, expires_at, now())
        self.records.tokens[value] = token
        return token

    def update(self, merge_request: MergeRequest, **changes: Any) -> MergeRequest:  # noqa: ANN401 - any field
        """Store the merge request with these fields changed."""
        changes.setdefault("updated_at", now())
        changed = replace(merge_request, **changes)
        self.records.merge_requests[changed.id] = changed
        return changed

    def update_project(self, project: Project, **changes: Any) -> Project:  # noqa: ANN401 - any field
        """Store the project with these fields changed."""
        changed = replace(project, **changes)
        self.records.projects[changed.id] = changed
        return changed

    def merge_requests(self, project: Project) -> Iterator[MergeRequest]:
        """The project's merge requests, oldest first."""
        return (found for found in list(self.records.merge_requests.values()) if found.project_id == project.id)

    def source_project(self, merge_request: MergeRequest) -> Project:
        """The project of the source branch: another than the target's for a merge request from a fork."""
        return self.records.projects[merge_request.source_project_id]

    def merge_request(self, project: Project, iid: int) -> MergeRequest | None:
        """The project's merge request with this number."""
        return next((found for found in self.merge_requests(project) if found.iid == iid), None)

    def add_note(self, merge_request: MergeRequest, author: str, body: str, *, system: bool = False) -> Note:
        """A comment; with ``system`` a line of the merge request's history.

        Both its times are the same instant, as in GitLab: only an edit moves ``updated_at``. It counts as a change of
        the merge request, unless that has changed within the last minute.
        """
        at = now()
        note = Note(self.next_id(), merge_request.id, author, body, at, at, system)
        self.records.notes[note.id] = note
        known = self.records.merge_requests[merge_request.id]
        if datetime.fromisoformat(at) - datetime.fromisoformat(known.updated_at) > _TOUCH_INTERVAL:
            self.update(known, updated_at=at)
        return note

    def notes(self, merge_request: MergeRequest) -> list[Note]:
        """The merge request's notes, oldest first."""
        return [note for note in self.records.notes.values() if note.merge_request_id == merge_request.id]

    def head_pipeline(self, merge_request: MergeRequest) -> Pipeline | None:
        """The newest pipeline of the merge request's newest commit."""
        wanted = (merge_request.source_project_id, merge_request.sha)
        found = [one for one in self.records.pipelines.values() if (one.project_id, one.sha) == wanted]
        return found[-1] if found else None


def protection(project: Project, branch: str) -> ProtectedBranch | None:
    """The rule that protects this branch, the most permissive where several do, as GitLab has it."""
    rules = (rule for rule in project.protected_branches if fnmatchcase(branch, rule.name))
    return min(rules, key=lambda rule: rule.push_access_level or Role.MAINTAINER + 1, default=None)


def now() -> str:
    """The time as GitLab writes it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.partition("-")[0].split("."))
