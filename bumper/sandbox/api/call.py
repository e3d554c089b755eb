"""One API call: what an endpoint is given, and what it gives back."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlencode

from werkzeug import Request, Response

from bumper.sandbox.api.parameters import Parameters
from bumper.sandbox.behaviour.errors import forbidden, moved, not_found
from bumper.sandbox.git.repository import Repository
from bumper.sandbox.state.identity import Identity
from bumper.sandbox.state.records import MergeRequest, Project, Role, User
from bumper.sandbox.state.world import World

_MAX_PER_PAGE = 100

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Call:
    """A request by somebody; ``arguments`` are the parts of its path, decoded."""

    world: World
    request: Request
    identity: Identity
    parameters: Parameters
    arguments: Mapping[str, str]

    @property
    def user(self) -> User:
        """Who calls."""
        return self.identity.user

    @property
    def project(self) -> Project:
        """The project that the path names. Raises GitLabError 404 when it is unknown or out of reach."""
        address = self.arguments["id"]
        project = self.world.project_at(address)
        if project is None or not self.identity.may_see(project):
            raise not_found("Project")
        if address in project.former_paths:
            raise moved(self.request.method, self._with_number(project))
        return project

    @property
    def repository(self) -> Repository:
        """The project's repository."""
        return self.world.repository(self.project)

    @property
    def merge_request(self) -> MergeRequest:
        """The merge request that the path names. Raises GitLabError 404 when there is none."""
        iid = self.arguments["iid"]
        found = self.world.merge_request(self.project, int(iid)) if iid.isdecimal() else None
        if found is None:
            raise not_found()
        return found

    def _with_number(self, project: Project) -> str:
        """The request's own address with the project's number in the place of its path."""
        path = str(self.request.environ["RAW_URI"])
        return self.world.url + re.sub(r"^/api/v4/projects/[^/?]+", f"/api/v4/projects/{project.id}", path)

    def require_role(self, role: Role) -> None:
        """Raises GitLabError 403 when the caller's role is lower, 404 when the project is out of reach."""
        if self.identity.role_in(self.project) < role:
            raise forbidden()


@dataclass(frozen=True, slots=True)
class Answer:
    """An endpoint's answer: JSON, or with ``content`` bytes as they are."""

    body: object = None
    status: int = 200
    headers: Mapping[str, str] | None = None
    content: bytes | None = None

    def response(self) -> Response:
        """The answer as HTTP."""
        if self.content is not None:
            return Response(self.content, self.status, self.headers, content_type="text/plain; charset=utf-8")
        text = "" if self.status == 204 else json.dumps(self.body, separators=(",", ":"))  # noqa: PLR2004 - no content
        return Response(text, self.status, self.headers, content_type="application/json")


Endpoint = Callable[[Call], Answer]


def page_of(call: Call, items: Sequence[Item], view: Callable[[Item], object]) -> Answer:
    """One page of a list, with GitLab's pagination headers."""
    page, size = page_asked(call)
    pages = max(1, -(-len(items) // size))
    shown = items[(page - 1) * size : page * size]
    totals = {"X-Total": str(len(items)), "X-Total-Pages": str(pages)}
    links = {"first": 1, "last": pages} | ({"prev": page - 1} if page > 1 else {})
    headers = {**totals, **page_headers(call, more=page < pages, links=links)}
    return Answer([view(item) for item in shown], headers=headers)


def page_asked(call: Call) -> tuple[int, int]:
    """The page's number and its size."""
    page, size = call.parameters.number("page", 1), call.parameters.number("per_page", 20)
    return max(1, page), min(max(1, size), _MAX_PER_PAGE)


def page_headers(call: Call, *, more: bool, links: Mapping[str, int]) -> dict[str, str]:
    """The headers that every list has, also those whose length GitLab does not count."""
    page, size = page_asked(call)
    known = {**links, "next": page + 1} if more else links
    return {
        "X-Page": str(page),
        "X-Per-Page": str(size),
        "X-Next-Page": str(page + 1) if more else "",
        "X-Prev-Page": str(page - 1) if page > 1 else "",
        "Link": ", ".join(f'<{_link(call, number, size)}>; rel="{name}"' for name, number in known.items()),
    }


def _link(call: Call, page: int, size: int) -> str:
    kept = [(name, value) for name, value in call.request.args.items(multi=True) if name not in {"page", "per_page"}]
    path = str(call.request.environ["RAW_URI"]).partition("?")[0]
    return f"{call.world.url}{path}?{urlencode([*kept, ('page', page), ('per_page', size)])}"
