"""The table of GitLab's kinds is what the embedded server does, tried by a client that knows how to ask each of them.

What bumper makes of the same rows is another test's.
"""

from pathlib import Path

import pytest

from bumper.sandbox import Sandbox
from tests.sandbox.client import Api, Clone, with_token
from tests.support.gitlab_kinds import KINDS, ROWS, FakeClock, Kind, Row, state_of
from tests.support.gitops import AT_ONCE, STAGING_FILE, Gitops, values

WISHES = ("create", "squash=true", "auto_merge", "merge_when_pipeline_succeeds")
OPTIONS = [part for wish in WISHES for part in ("-o", f"merge_request.{wish}")]
AUTO_MERGE = {"auto_merge": True, "merge_when_pipeline_succeeds": True}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_way_of_delivery_ends_as_the_table_says(tmp_path: Path, kind: Kind) -> None:
    rows = [row for row in ROWS if row.kind is kind and row.asked == "auto-merge"]
    clock = FakeClock()
    ended = {}
    with Sandbox(tmp_path / "sandbox", sample=False, settings=AT_ONCE, clock=clock) as sandbox:
        places = [Gitops(sandbox, tmp_path, f"team/gitops-{number}") for number in range(len(rows))]
        for place in places:
            sandbox.create_project(place.project, {STAGING_FILE: values("1.0.0").encode(), **kind.files})
        clone = places[0].person()  # all of them have the same first commit
        clone.commit(values("1.0.1"), STAGING_FILE)
        for row, place in zip(rows, places, strict=True):
            base, prepared = place.tip(), kind.prepare(place)
            deliver(row, prepared, place.url, clone, clock)
            ended[row.id] = state_of(prepared, base)
            sandbox.choose(maintenance=False)

    assert ended == {row.id: row.expected for row in rows}


def deliver(row: Row, gitops: Gitops, url: str, clone: Clone, clock: FakeClock) -> None:
    """Push, by the URL that the project had at first, and ask for auto-merge."""
    if row.way == "deploy key":
        path = str(gitops.sandbox.repository_path(gitops.project))
        clone.run("push", *OPTIONS, path, "HEAD:refs/heads/deploy", environment={"GL_USERNAME": "bumper"})
        return
    kind = "job" if row.way == "job token" else "project"
    token = gitops.sandbox.create_token("bumper", kind=kind, project=gitops.project)
    if row.way == "commit":
        clone.run("push", with_token(url, token), "HEAD:main")
    elif row.way == "job token":
        clone.run("push", *OPTIONS, with_token(url, token), "HEAD:refs/heads/deploy")
    elif not row.kind.moved and clone.run("push", with_token(url, token), "HEAD:refs/heads/deploy").returncode == 0:
        merge_by_api(row.kind, Api(gitops.sandbox, token, project=gitops.project.replace("/", "%2F")), clock)


def merge_by_api(kind: Kind, bot: Api, clock: FakeClock) -> None:
    squash = bot.get()["squash_option"] in {"always", "default_on"}
    head = bot.open("deploy", squash=squash)["sha"]
    shown = bot.get("/merge_requests/1")
    while shown["detailed_merge_status"] in {"preparing", "unchecked", "checking"} or (
        kind.has_ci and shown["head_pipeline"] is None
    ):
        clock.sleep(0.5)
        shown = bot.get("/merge_requests/1")
    if bot("PUT", "/merge_requests/1/merge", sha=head, squash=squash, **AUTO_MERGE).status_code == 405:
        bot("PUT", "/merge_requests/1/merge", sha=head, squash=squash)
