"""Pages for people: projects, merge requests, and for each one its texts, its diff and two buttons."""

from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any

from markupsafe import Markup, escape
from werkzeug import Request, Response

from bumper.sandbox.behaviour import merge_requests
from bumper.sandbox.behaviour.errors import GitLabError
from bumper.sandbox.behaviour.mergeability import detailed_status, settled
from bumper.sandbox.behaviour.merging import merge
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
            found = self._world.merge_request(project, arguments["iid"]) if project and "iid" in arguments else None
            if project is None or (found is None and endpoint != "list"):
                return self._page(
                    "Not found", Markup("<p>There is no such page. <a href='/'>All merge requests</a></p>"), 404
                )
            if found is None:
                return self._list(f"Merge requests of {project.path}", [project])
            if endpoint == "act":
                return self._act(request, project, found, arguments["action"])
            return self._show(project, settled(self._world, project, found) if found.state == "opened" else found)

    def _list(self, title: str, projects: list[Project]) -> Response:
        parts = [Markup("<h1>{}</h1>").format(title)]
        for project in projects:
            address = f"/{project.path}/-/merge_requests"
            parts.append(Markup("<h2><a href='{}'>{}</a></h2><ul>").format(address, project.path))
            for one in reversed(list(self._world.merge_requests(project))):
                line = Markup("<li><a href='{}/{}'>!{} {}</a> <span class='state {}'>{}</span></li>")
                parts.append(line.format(address, one.iid, one.iid, one.title, one.state, one.state))
            parts.append(Markup("</ul>"))
        return self._page(title, Markup().join(parts))

    def _show(self, project: Project, shown: MergeRequest, error: str = "", status: int = 200) -> Response:
        diff = self._world.repository(project).git("diff", f"{shown.base_sha}...{shown.sha}")
        reason = error or _REASONS.get(detailed_status(self._world, project, shown), "")
        body = Template((_FOLDER / "merge_request.html").read_text(encoding="utf-8")).substitute(
            iid=shown.iid,
            list=escape(f"/{project.path}/-/merge_requests"),
            project=escape(project.path),
            title=escape(shown.title),
            state=escape(shown.state),
            author=escape(shown.author),
            source=escape(shown.source_branch),
            target=escape(shown.target_branch),
            labels=escape(", ".join(shown.labels) or "none"),
            description=rendered(shown.description),
            reason=Markup("<p id='reason' role='status' class='reason'>{}</p>").format(reason) if reason else "",
            buttons=_buttons(project, shown, mergeable=not reason) if shown.state == "opened" else "",
            diff=_coloured(diff),
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


def _coloured(diff: str) -> Markup:
    """Each line by its kind; what stands before a file's first place is about the file, whatever it starts with."""
    kinds = {"+": "added", "-": "removed", "@": "place", "\\": "about"}
    line = Markup("<span class='{}'>{}</span>\n")
    parts, inside = [], False
    for text in diff.removesuffix("\n").split("\n"):
        inside = not text.startswith("diff --git ") and (inside or text.startswith("@@"))
        kind = kinds.get(text[:1], "same") if inside else "about"
        parts.append(line.format("file" if text.startswith("diff --git ") else kind, text))
    return Markup().join(parts)


def _notes(notes: list[Note]) -> Markup:
    item = Markup("<li class='{}'><strong>{}</strong> <time datetime='{}'>{}</time><div class='text'>{}</div></li>")
    return Markup().join(
        item.format("system" if one.system else "note", one.author, one.created_at, _minute(one.created_at), one.body)
        for one in notes
    )


def _minute(time: str) -> str:
    """GitLab's time for people."""
    return f"{time[:16].replace('T', ' ')} UTC"
