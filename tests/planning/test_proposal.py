import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bumper.ci import Pipeline
from bumper.image import Repository
from bumper.planning.proposal import Request, Words, branch_name, code, describe, propose, readable
from bumper.records.description import read_comment
from bumper.records.record import Command, Record
from bumper.values.change import Change, Version

APP = Repository("registry.example.com", "team/app")
OTHER = Repository("registry.example.com", "team/other")
REQUEST = Request(Command.BUMP, "staging", "main", (APP, OTHER))


def change(number: int = 3, image: Repository = APP, tag: str = "1.0.1") -> Change:
    return Change("app", "apps/app/values.yaml", "image.tag", number, image, Version("1.0.0", None), Version(tag, None))


def record(*changes: Change, pipeline: Pipeline | None = None, requested_by: str | None = None) -> Record:
    return Record(Command.BUMP, "staging", (), changes, pipeline, requested_by)


def test_a_branchs_name_says_what_it_is() -> None:
    name = branch_name("bumper/", REQUEST)

    assert re.fullmatch(r"bumper/bump-staging-app-and-1-[0-9a-f]{8}", name)


def test_the_same_request_in_another_order_has_the_same_branch() -> None:
    one = Request(Command.BUMP, "staging", "main", (APP, OTHER), ("a", "b"))
    same = Request(Command.BUMP, "staging", "main", (OTHER, APP), ("b", "a"))

    assert branch_name("bumper/", one) == branch_name("bumper/", same)


def test_another_request_has_another_branch() -> None:
    others = [
        REQUEST,
        Request(Command.PROMOTE, "staging", "main", (APP, OTHER)),
        Request(Command.BUMP, "prod", "main", (APP, OTHER)),
        Request(Command.BUMP, "staging", "release", (APP, OTHER)),
        Request(Command.BUMP, "staging", "main", (APP,)),
        Request(Command.BUMP, "staging", "main", (APP, OTHER), ("app",)),
        Request(Command.BUMP, "staging", "main", (APP, OTHER), (), "--to 1.0.0"),
    ]

    assert len({branch_name("", request)[-8:] for request in others}) == len(others)


@given(st.text(min_size=1), st.text(min_size=1))
def test_a_branchs_name_is_one_that_git_takes(environment: str, app: str) -> None:
    name = branch_name("bumper/", Request(Command.ROLLBACK, environment, "main", (), (app,)))

    assert re.fullmatch(r"bumper/rollback-[a-z0-9]+(-[a-z0-9]+)*", name)
    assert len(name) < 120


def test_the_commit_message_is_bumper_yamls_and_the_title_is_the_users() -> None:
    words = Words("chore: {default} [OPS-1]", title="Deploy\nnow")

    proposal = propose(REQUEST, "bumper/", "app 1.0.0 -> 1.0.1 in staging", {}, record(change()), words)

    assert proposal.title == "Deploy now"
    assert proposal.message.splitlines()[0] == "chore: app 1.0.0 -> 1.0.1 in staging [OPS-1]"


def test_a_label_stands_once() -> None:
    proposal = propose(REQUEST, "bumper/", "s", {}, record(change()), Words("{default}"), ["a", "b", "a"])

    assert proposal.labels == ("a", "b")


def test_a_table_of_very_many_changes_is_cut_but_the_record_is_whole() -> None:
    text = describe(record(*[change(number) for number in range(1, 151)]), "Bump")

    assert text.count("\n| `app` |") == 100
    assert "… and 50 more." in text
    read = read_comment(text)
    assert read is not None
    assert len(read.changes) == 150


def test_a_reader_does_not_see_the_record() -> None:
    proposal = propose(REQUEST, "bumper/", "Bump", {}, record(change()), Words("{default}"), remarks=["A remark."])

    shown = readable(proposal)

    assert shown.startswith("Bump\n\nBump.\n\n| Application |")
    assert "A remark." in shown
    assert "<!--" not in shown


@pytest.mark.parametrize("url", ["javascript:alert(1)", "", "/pipelines/1"])
def test_only_an_address_of_the_web_becomes_a_link(url: str) -> None:
    assert "Pipeline" not in describe(record(change(), pipeline=Pipeline(1, url, "x")), "Bump")


def test_a_link_cannot_be_left() -> None:
    text = describe(record(change(), pipeline=Pipeline(1, "https://x/> @alice\n/close", "x")), "Bump")

    assert "- Pipeline: <https://x/%3E%20@alice%20/close>\n" in text


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_nothing_comes_to_life_in_a_cell(text: str) -> None:
    cell = code(text)

    assert cell.startswith("`")
    assert cell.endswith("`")
    assert "`" not in cell[1:-1]
    assert len(cell.splitlines()) == 1
    assert re.search(r"(?<!\\)\|", cell) is None


def test_an_applications_name_is_no_reference_in_what_closes_issues() -> None:
    made = propose(REQUEST, "bumper/", "Bump closes #1 to 1.0.1", {}, record(change()), Words("{default}"))

    assert "#1" not in made.title + made.message
