"""What GitLab would never answer: every such answer is one sentence and exit 4, and the token stays where it is."""

import json
from collections.abc import Callable, Mapping
from typing import TypeAlias
from urllib.parse import parse_qs, urlsplit

import pytest

from bumper.errors import BumperError, Unavailable
from bumper.gitlab import merge_request_changes as changes
from bumper.gitlab import merge_requests, project
from bumper.gitlab.connection import GitLab, connect, current_user_id
from bumper.gitlab.merge_request_changes import Text
from bumper.gitlab.merge_requests import MergeRequest
from bumper.gitlab.project import pushers_of, read_project
from bumper.settings import read_settings
from tests.support.spoilt import Answers, Reply, Spoilt

URL = "https://gitlab.example"
REFUSALS = {400, 409, 418, 422}
REQUEST = {
    "iid": 7, "web_url": f"{URL}/a/b/-/merge_requests/7", "state": "opened", "title": "t", "description": "d",
    "source_branch": "bumper/x", "target_branch": "main", "sha": "1" * 40, "detailed_merge_status": "mergeable",
    "has_conflicts": False, "merge_when_pipeline_succeeds": False, "merge_commit_sha": None, "squash_commit_sha": None,
    "author": {"id": 1, "username": "bumper", "bot": True}, "source_project_id": 1, "target_project_id": 1,
}  # fmt: skip
COMMIT = {"id": "2" * 40, "message": "m", "author_name": "n", "author_email": "e"}
TEXT = Text("title", "description")
SHA, NOTE = "1" * 40, {"body": "text", "system": False, "author": {"id": 1, "username": "bumper"}}
PUSH = {"author": NOTE["author"], "push_data": {"ref_type": "branch", "ref": "x", "commit_to": SHA}}
PROJECT = {"id": 1, "path_with_namespace": "a/b", "http_url_to_repo": f"{URL}/a/b.git", "merge_method": "ff"}
Call: TypeAlias = Callable[[GitLab], object]
CALLS: Mapping[str, tuple[Call, object]] = {
    "find_of_branch": (lambda gitlab: merge_requests.find_of_branch(gitlab, "bumper/x", "main"), [REQUEST]),
    "find_open": (lambda gitlab: merge_requests.find_open(gitlab, "main"), [REQUEST]),
    "find_recent": (lambda gitlab: merge_requests.find_recent(gitlab, "main").merge_requests, [REQUEST]),
    "newest_merged": (lambda gitlab: list(merge_requests.newest_merged(gitlab, "main")), [REQUEST]),
    "read": (lambda gitlab: merge_requests.read(gitlab, 7), REQUEST),
    "notes_of": (lambda gitlab: merge_requests.notes_of(gitlab, 7), [NOTE]),
    "is_approved": (lambda gitlab: merge_requests.is_approved(gitlab, 7), {"approved_by": []}),
    "create": (lambda gitlab: changes.create(gitlab, "x", "main", TEXT, [], [], squash=False), REQUEST),
    "update": (lambda gitlab: changes.update(gitlab, 7, TEXT), REQUEST),
    "merge": (lambda gitlab: changes.merge(gitlab, 7, SHA, "m", squash=False, when_ready=True), REQUEST),
    "find_user_ids": (lambda gitlab: changes.find_user_ids(gitlab, ["a"]), [{"id": 3}]),
    "messages_between": (lambda gitlab: project.messages_between(gitlab, "main", "x"), {"commits": [COMMIT]}),
    "list_commits": (lambda gitlab: project.list_commits(gitlab, "a", "main"), [COMMIT]),
    "pushers_of": (lambda gitlab: pushers_of(gitlab, "x", SHA), [PUSH]),
    "merge_request_of": (lambda gitlab: project.merge_request_of(gitlab, SHA, "x"), [{**REQUEST, "state": "merged"}]),
    "message_of": (lambda gitlab: project.message_of(gitlab, SHA), COMMIT),
    "contains": (lambda gitlab: project.contains(gitlab, SHA, "2" * 40), {"commits": []}),
    "read_project": (read_project, PROJECT),
    "current_user_id": (current_user_id, {"id": 1}),
    "is_on_train": (lambda gitlab: changes.is_on_train(gitlab, 7), {"status": "fresh"}),
}


def gitlab_that(answer: Callable[[str], Reply]) -> tuple[GitLab, Answers]:
    settings = read_settings({"BUMPER_TOKEN": "glpat-s3cr3t"}, repo=f"{URL}/a/b.git", branch=None, gitlab_url=None)
    gitlab, answers = connect(settings), Answers(answer)
    gitlab.project.manager.gitlab.session.mount("https://", answers)
    return gitlab, answers


def check_types(value: object) -> None:
    """What is handed on has the types that the rest of bumper relies on."""
    if isinstance(value, list | tuple):
        for each in value:
            check_types(each)
    if isinstance(value, MergeRequest):
        assert isinstance(value.iid, int)
        for text in (value.url, value.state, value.title, value.description, value.source_branch, value.merge_status):
            assert isinstance(text, str)
        assert all(
            each is None or isinstance(each, str) for each in (value.sha, value.merge_commit, value.squash_commit)
        )


@pytest.mark.parametrize("name", CALLS)
def test_no_answer_is_a_bug_of_bumpers(name: str) -> None:
    call, expected = CALLS[name]
    for seed in range(30):
        answers = Spoilt(expected, f"{name} {seed}")
        gitlab, _ = gitlab_that(answers)
        failure = None
        try:
            check_types(call(gitlab))
        except BumperError as error:
            failure = error
        # Only what GitLab refuses by its status is a refusal of the request; a project may have moved, too.
        may_refuse = answers.status in REFUSALS or name == "read_project"
        assert failure is None or failure.exit_code in ((1, 4) if may_refuse else (4,)), (seed, failure)


@pytest.mark.parametrize(
    ("link", "reason"),
    [
        ("https://thief.example/api/v4/x?page=2", "another server, https://thief.example,"),
        ("http://gitlab.example/api/v4/x?page=2", "another server, http://gitlab.example,"),
        (f"{URL}/api/v4/projects/a%2Fb/merge_requests?page=1", "does not come next"),
        (f"{URL}/api/v4/projects/a%2Fb/merge_requests", "does not come next"),
        (f"{URL}/api/v4/projects/a%2Fb/merge_requests?page=x", "cannot be read"),
        ("https://[", "cannot be read"),
    ],
)
def test_a_link_that_leads_astray_is_not_followed(link: str, reason: str) -> None:
    headers = {"Content-Type": "application/json", "Link": f'<{link}>; rel="next"'}
    gitlab, answers = gitlab_that(lambda _: (200, headers, json.dumps([REQUEST]).encode()))

    with pytest.raises(Unavailable, match="listing merge requests failed") as failure:
        merge_requests.find_open(gitlab, "main")

    assert reason in str(failure.value)
    assert len(answers.asked) == 1


def test_a_listing_without_end_is_left() -> None:
    def answer(url: str) -> Reply:
        page = int(parse_qs(urlsplit(url).query).get("page", ["1"])[0])
        headers = {"Content-Type": "application/json", "Link": f'<{URL}/api/v4/x?page={page + 1}>; rel="next"'}
        return 200, headers, json.dumps([REQUEST]).encode()

    gitlab, answers = gitlab_that(answer)

    with pytest.raises(Unavailable, match="lists more than 50 pages"):
        merge_requests.find_open(gitlab, "main")

    assert len(answers.asked) == 50


def test_a_page_with_too_many_entries_is_not_read() -> None:
    body = b"[" + b"{}," * 6000 + b"{}]"
    gitlab, _ = gitlab_that(lambda _: (200, {"Content-Type": "application/json"}, body))

    with pytest.raises(Unavailable, match="it lists 6001 entries"):
        merge_requests.find_open(gitlab, "main")
