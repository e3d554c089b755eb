from html.parser import HTMLParser

import pytest
import requests

from bumper.sandbox import Sandbox
from tests.sandbox.client import Api, Clone, add_branch
from tests.support.command_line import CommandLine
from tests.support.gitops import Gitops

PAGE = "/platform/gitops/-/merge_requests/1"


class Reader(HTMLParser):
    """The page's text, tags and links."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text = ""
        self.tags: list[str] = []
        self.sources: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.sources += [str(value) for name, value in attrs if name in {"src", "href", "action"}]

    def handle_data(self, data: str) -> None:
        self.text += data


def look(sandbox: Sandbox, path: str = PAGE) -> Reader:
    answer = requests.get(sandbox.url + path, timeout=30)
    assert answer.status_code == 200
    return Reader(answer.text)


def press(sandbox: Sandbox, button: str, origin: str | None = None) -> requests.Response:
    headers = {"Origin": origin or sandbox.url}
    return requests.post(f"{sandbox.url}{PAGE}/{button}", headers=headers, timeout=30, allow_redirects=False)


def test_a_page_shows_the_merge_request(sandbox: Sandbox, bot: Api) -> None:
    add_branch(sandbox, "deploy")
    bot.open("deploy", title="Bump backend", description="Because.", labels="prod")
    bot.post("/merge_requests/1/notes", body="A comment")

    page = look(sandbox)

    for text in ("!1 Bump backend", "Because.", "prod", "deploy", "A comment", "-  tag: 1.0.2", "opened"):
        assert text in page.text
    assert page.tags.count("button") == 2


def test_pages_load_nothing_from_elsewhere_and_run_nothing(sandbox: Sandbox, bot: Api) -> None:
    add_branch(sandbox, "deploy", "key: <img src=https://evil.example/>\n")
    bot.open("deploy", title="<script>alert(1)</script>", description="<img src=https://evil.example/>")

    page = look(sandbox)

    assert "<script>alert(1)</script>" in page.text
    assert {"script", "img", "link"}.isdisjoint(page.tags)
    assert all(source.startswith("/") for source in page.sources)


@pytest.mark.parametrize("path", ["/", "/platform/gitops/-/merge_requests"])
def test_lists_lead_to_the_merge_request(sandbox: Sandbox, bot: Api, path: str) -> None:
    add_branch(sandbox, "deploy")
    bot.open("deploy", title="Bump backend")

    page = look(sandbox, path)

    assert "Bump backend" in page.text
    assert PAGE in page.sources


def test_the_list_says_environment_author_and_age(gitops: Gitops, bumper: CommandLine) -> None:
    bumper.bump("staging", "registry.tbank.local/backend/app:1.0.3")

    page = look(gitops.sandbox, "/platform/gitops/-/merge_requests")

    words = " ".join(page.text.split())
    assert "opened !1 backend 1.0.2 -> 1.0.3 in staging staging bumper, 0 min ago" in words


def test_links_lead_to_files_and_commits(gitops: Gitops, bumper: CommandLine) -> None:
    commit = bumper.bump("staging", "registry.tbank.local/backend/app:1.0.3")["commit"]

    sources = look(gitops.sandbox).sources
    [link] = [source for source in sources if "/-/blob/" in source]
    page = look(gitops.sandbox, link.removeprefix(gitops.sandbox.url).partition("#")[0])
    changed = look(gitops.sandbox, f"/platform/gitops/-/commit/{commit}")
    listed = look(gitops.sandbox, "/platform/gitops/-/tree/main")

    assert link.endswith("/platform/gitops/-/blob/main/apps/backend/envs/staging/values.yaml#L6")
    assert "tag: 1.0.2" in page.text
    assert "+  tag: 1.0.3" in changed.text
    assert "/platform/gitops/-/blob/main/bumper.yaml" not in listed.sources
    assert "/platform/gitops/-/blob/main/apps/backend/envs/staging/values.yaml" in listed.sources


@pytest.mark.parametrize("page", ["blob/main/no/such", "blob/..%2f..%2fsettings.json", "commit/zzz", "tree/no"])
def test_what_is_not_in_git_is_not_found(sandbox: Sandbox, page: str) -> None:
    assert requests.get(f"{sandbox.url}/platform/gitops/-/{page}", timeout=30).status_code == 404


def test_the_buttons_merge_and_close(sandbox: Sandbox, bot: Api) -> None:
    add_branch(sandbox, "deploy")
    bot.open("deploy")

    assert press(sandbox, "close").status_code == 303
    assert bot.get("/merge_requests/1")["state"] == "closed"
    bot.put("/merge_requests/1", state_event="reopen")
    assert press(sandbox, "merge").headers["Location"] == PAGE
    assert bot.get("/merge_requests/1")["merge_user"]["username"] == "root"
    assert "button" not in look(sandbox).tags


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
def test_a_button_on_another_site_does_nothing(sandbox: Sandbox, bot: Api, origin: str) -> None:
    add_branch(sandbox, "deploy")
    bot.open("deploy")

    assert press(sandbox, "merge", origin).status_code == 403
    assert bot.get("/merge_requests/1")["state"] == "opened"


def test_a_conflict_is_told(sandbox: Sandbox, clone: Clone, bot: Api) -> None:
    add_branch(sandbox, "deploy")
    bot.open("deploy")
    clone.commit("conflicting: true\n")
    clone.git("push", "--quiet", "origin", "HEAD:main")

    assert "It conflicts with the target branch." in look(sandbox).text
    assert press(sandbox, "merge").status_code == 409


@pytest.mark.parametrize(
    "path", ["/no/project/-/merge_requests", "/platform/gitops/-/merge_requests/9", "/favicon.ico"]
)
def test_an_unknown_page_is_not_found(sandbox: Sandbox, path: str) -> None:
    assert requests.get(sandbox.url + path, timeout=30).status_code == 404


def test_a_person_has_no_choice_where_the_project_always_squashes(sandbox: Sandbox, bot: Api) -> None:
    sandbox.choose(squash_option="always")
    add_branch(sandbox, "deploy")
    bot.open("deploy", squash=False)

    assert press(sandbox, "merge").status_code == 303
    assert bot.get("/merge_requests/1")["squash_commit_sha"] is not None
