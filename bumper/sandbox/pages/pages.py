"""Pages for people: projects, merge requests, and for each one its texts, its diff and two buttons."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from string import Template
from typing import Any

from markupsafe import Markup, escape
from werkzeug import Request, Response

from bumper.clock import relative_age
from bumper.records.record import read_comment
from bumper.sandbox.behaviour import merge_requests
from bumper.sandbox.behaviour.errors import GitLabError
from bumper.sandbox.behaviour.mergeability import detailed_status, settled
from bumper.sandbox.behaviour.merging import merge
from bumper.sandbox.pages.git_pages import coloured, commit_page, file_page, files_page
from bumper.sandbox.pages.markdown import rendered
from bumper.sandbox.state.records import MergeRequest, Note, Project
from bumper.sandbox.state.world import World

_FOLDER = Path(__file__).parent
_REASONS = {
    "conflict": "It conflicts with the target branch.",
    "need_rebase": "The target branch moved on: the source branch has to be rebased.",
    "ci_must_pass": "Its pipeline has to succeed first.",
    "ci_still_running": "Its pipeline is still running.",
    "not_approved": "It has not been approved yet.",
    "draft_status": "It is a draft.",
    "commits_status": "It holds no commits.",
}
# No scripts, no forms of other sites, and no other site's frame around the Merge button.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'"
_GIT_PAGES = {"file": file_page, "commit": commit_page, "files": files_page}
_HEADERS = {"Content-Security-Policy": _POLICY, "X-Frame-Options": "DENY"}


class Pages:
    """The HTML side of the server. Whoever opens it acts as root: it is a sandbox on loopback."""

    def __init__(self, world: World) -> None:
        self._world = world

    def answer(self, request: Request, endpoint: str, arguments: Mapping[str, Any]) -> Response:
        """The page for an address, 404 where the project or the merge request is unknown."""
        with self._world.lock:
            if endpoint == "index":
                return self._list("Merge requests", list(self._world.records.projects.values()))
            project = self._world.project_at(arguments["project"])
            if endpoint in _GIT_PAGES:
                return self._git_page(endpoint, project, arguments["place"])
            found = self._world.merge_request(project, arguments["iid"]) if project and "iid" in arguments else None
            if project is None or (found is None and endpoint != "list"):
                return self._not_found()
            if found is None:
                return self._list(f"Merge requests of {project.path}", [project])
            if endpoint == "act":
                return self._act(request, project, found, arguments["action"])
            return self._show(project, settled(self._world, project, found) if found.state == "opened" else found)

    def _list(self, title: str, projects: list[Project]) -> Response:
        parts = [Markup("<h1>{}</h1>").format(title)]
        for project in projects:
            address = f"/{project.path}/-/merge_requests"
            parts.append(Markup("<h2><a href='{}'>{}</a></h2><ul class='requests'>").format(address, project.path))
            parts += [self._line(address, one) for one in reversed(list(self._world.merge_requests(project)))]
            parts.append(Markup("</ul>"))
        return self._page(title, Markup().join(parts))

    def _line(self, address: str, one: MergeRequest) -> Markup:
        """One in the list: which environment it is about, who opened it, and how long ago."""
        record = read_comment(one.description)
        opened = datetime.fromisoformat(one.created_at)
        age = relative_age((datetime.now(UTC) - opened).total_seconds())
        environment = Markup("<span class='environment'>{}</span>").format(record.environment if record else "")
        line = Markup(
            "<li><span class='state {}'>{}</span> <a href='{}/{}'>!{} {}</a> {} "
            "<span class='by'>{}, <time datetime='{}'>{} ago</time></span></li>"
        )
        who = self._name(one.author)
        return line.format(
            one.state, one.state, address, one.iid, one.iid, one.title, environment, who, one.created_at, age
        )

    def _name(self, username: str) -> str:
        user = self._world.records.users.get(username)
        return user.name if user is not None else username

    def _git_page(self, endpoint: str, project: Project | None, place: str) -> Response:
        body = _GIT_PAGES[endpoint](self._world, project, place) if project is not None else None
        if body is None or project is None:
            return self._not_found()
        back = Markup("<nav aria-label='Project'><a href='/{}'>{}</a></nav>").format(project.path, project.path)
        return self._page(place, back + body)

    def _not_found(self) -> Response:
        text = Markup("<p>There is no such page. <a href='/'>All merge requests</a></p>")
        return self._page("Not found", text, 404)

    def _show(self, project: Project, shown: MergeRequest, error: str = "", status: int = 200) -> Response:
        diff = self._world.repository(project).git("diff", f"{shown.base_sha}...{shown.sha}")
        reason = error or _REASONS.get(detailed_status(self._world, project, shown), "")
        body = Template((_FOLDER / "merge_request.html").read_text(encoding="utf-8")).substitute(
            iid=shown.iid,
            list=escape(f"/{project.path}/-/merge_requests"),
            project=escape(project.path),
            title=escape(shown.title),
            state=escape(shown.state),
            author=escape(self._name(shown.author)),
            source=escape(shown.source_branch),
            target=escape(shown.target_branch),
            labels=escape(", ".join(shown.labels) or "none"),
            description=rendered(shown.description),
            reason=Markup("<p id='reason' role='status' class='reason'>{}</p>").format(reason) if reason else "",
            buttons=_buttons(project, shown, mergeable=not reason) if shown.state == "opened" else "",
            diff=coloured(diff),
            notes=_notes(self._world.notes(shown)),
        )
        return self._page(f"!{shown.iid} {shown.title}", Markup(body), status)  # noqa: S704 - escaped above

    def _act(self, request: Request, project: Project, found: MergeRequest, action: str) -> Response:
        """Merge or close, for a form of this very site: browsers say where a form comes from."""
        if request.headers.get("Origin") not in {self._world.url, self._world.url.replace("127.0.0.1", "localhost")}:
            return self._show(project, found, "The button was pressed on another site.", 403)
        root = self._world.records.users["root"]
        if action == "close":
            merge_requests.close(self._world, root, found)
        else:
            current = settled(self._world, project, found) if found.state == "opened" else found
            if detailed_status(self._world, project, current) != "mergeable":
                return self._show(project, current, status=409)
            try:
                merge(self._world, project, root, self._with_squash_ticked(project, current))
            except GitLabError as error:
                failed = self._world.records.merge_requests[current.id]
                return self._show(project, failed, failed.merge_error or str(error.body["message"]), 409)
        self._world.save()
        return Response("", 303, {"Location": f"/{project.path}/-/merge_requests/{found.iid}"})

    def _with_squash_ticked(self, project: Project, merge_request: MergeRequest) -> MergeRequest:
        """GitLab's page leaves a person no choice where the project always or never squashes."""
        forced = {"always": True, "never": False}.get(project.squash_option, merge_request.squash)
        return self._world.update(merge_request, squash=forced)

    def _page(self, title: str, body: Markup, status: int = 200) -> Response:
        template = Template((_FOLDER / "page.html").read_text(encoding="utf-8"))
        text = template.substitute(title=escape(title), body=body)
        return Response(text, status, _HEADERS, content_type="text/html; charset=utf-8")


def _buttons(project: Project, shown: MergeRequest, *, mergeable: bool) -> Markup:
    address = f"/{project.path}/-/merge_requests/{shown.iid}"
    button = Markup("<form class='{}' method='post' action='{}/{}'><button{}>{}</button></form>")
    unable = Markup(" disabled aria-describedby='reason'")
    merging = button.format("merge", address, "merge", "" if mergeable else unable, "Merge")
    return merging + button.format("close", address, "close", "", "Close")


def _notes(notes: list[Note]) -> Markup:
    item = Markup("<li class='{}'><strong>{}</strong> <time datetime='{}'>{}</time><div class='text'>{}</div></li>")
    return Markup().join(
        item.format("system" if one.system else "note", one.author, one.created_at, _minute(one.created_at), one.body)
        for one in notes
    )


def _minute(time: str) -> str:
    """GitLab's time for people."""
    return f"{time[:16].replace('T', ' ')} UTC"
