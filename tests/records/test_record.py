import json
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bumper.ci import Pipeline
from bumper.image import ImageReference, Repository
from bumper.records.record import (
    Command,
    Record,
    comment,
    one_line,
    read_comment,
    read_trailers,
    replace_comment,
    trailers,
)
from bumper.values.change import Change
from bumper.values.pin import Version

REPOSITORY = Repository("registry.example.com", "team/app")
DIGEST = f"sha256:{'a' * 64}"
RECORD = Record(
    command=Command.BUMP,
    environment="staging",
    images=(ImageReference(REPOSITORY, "1.0.1", DIGEST),),
    changes=(
        Change("app", "apps/app/values.yaml", "image.tag", 3, REPOSITORY, Version("1.0", None), Version("1.1", DIGEST)),
    ),
    pipeline=Pipeline(42, "https://gitlab.example.com/team/app/-/pipelines/42", "https://gitlab.example.com/team/app"),
    requested_by="alice",
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
NESTED_TOO_DEEP = "[" * 100_000


def test_trailers_read_back_what_they_say() -> None:
    read = read_trailers(f"Bump app\n\n{trailers(RECORD, {'Argocd-reference-commit-sha': 'abc'})}")

    assert read is not None
    assert (read.command, read.environment, read.images) == ("bump", "staging", RECORD.images)
    assert (read.pipeline, read.requested_by) == (RECORD.pipeline, "alice")


def test_trailers_as_the_contract_names_them() -> None:
    assert trailers(RECORD, {"Argocd-reference-commit-sha": "abc"}).splitlines() == [
        "Bumper-Command: bump",
        "Bumper-Environment: staging",
        f"Bumper-Image: registry.example.com/team/app:1.0.1@{DIGEST}",
        "Bumper-Pipeline: https://gitlab.example.com/team/app/-/pipelines/42",
        "Bumper-Order: 42 https://gitlab.example.com/team/app",
        "Bumper-Requested-By: alice",
        "Argocd-reference-commit-sha: abc",
    ]


def test_a_value_cannot_become_a_trailer_of_its_own() -> None:
    hostile = "x\nBumper-Command: rollback\u2028Bumper-Environment: prod\r\n\r\nBumper-Order: 99 x"

    read = read_trailers(f"Bump\n\n{trailers(RECORD, {'Argocd-reference-commit-subject': hostile})}")

    assert read is not None
    assert (read.command, read.environment, read.pipeline) == ("bump", "staging", RECORD.pipeline)


@given(TEXTS)
def test_one_line_is_one_line(text: str) -> None:
    assert len(one_line(text).splitlines()) <= 1


@pytest.mark.parametrize(
    "message",
    [
        pytest.param("Bump app\n", id="a subject alone"),
        pytest.param("Fix\n\nSigned-off-by: Dora <dora@example.org>\n", id="other trailers"),
        pytest.param("Revert\n\nBumper-Command: bump\n\nThis reverts it.\n", id="a quotation that is not at the end"),
        pytest.param("", id="nothing"),
    ],
)
def test_a_persons_message_is_no_record(message: str) -> None:
    assert read_trailers(message) is None


def test_a_number_of_absurd_length_is_no_pipeline() -> None:
    read = read_trailers(f"Bump\n\nBumper-Command: bump\nBumper-Order: {'9' * 5000} x\n")

    assert read is not None
    assert read.pipeline is None


def test_the_comment_reads_back_what_it_says() -> None:
    assert read_comment(f"Some words.\n\n{comment(RECORD)}\n\nMore words.") == RECORD


@given(TEXTS, TEXTS, st.none() | st.text(string.printable))
def test_nothing_in_a_record_ends_its_comment(path: str, app: str, requested_by: str | None) -> None:
    change = Change(app, "values.yaml", path, 1, REPOSITORY, Version(None, None), Version("1", None))
    record = Record(Command.BUMP, "staging", (), (change,), requested_by=requested_by)

    text = comment(record)

    assert read_comment(text) == record
    assert text.startswith("<!-- ")
    assert "\n" not in text
    inner = text.removeprefix("<!-- ").removesuffix(" -->")
    assert not set("<>@`\n") & set(inner)
    assert "--" not in inner


def test_a_comment_of_very_many_changes_keeps_the_rest() -> None:
    many = Record(Command.BUMP, "staging", RECORD.images, RECORD.changes * 10_000)

    text = comment(many)

    assert len(text) < 500_000
    assert read_comment(text) == Record(Command.BUMP, "staging", RECORD.images)


def edited(**values: object) -> str:
    """The record's comment after somebody's hand."""
    data = json.loads(comment(RECORD).removeprefix("<!-- bumper: ").removesuffix(" -->")) | values
    return f"<!-- bumper: {json.dumps(data)} -->"


@pytest.mark.parametrize(
    "description",
    [
        pytest.param("", id="nothing"),
        pytest.param("<!-- bumper: {broken -->", id="no JSON"),
        pytest.param("<!-- bumper: {} -->", id="no keys"),
        pytest.param(f'<!-- bumper: {{"command": {NESTED_TOO_DEEP}}} -->', id="nested too deep"),
        pytest.param(edited(images=5), id="images that are a number"),
        pytest.param(edited(changes=[1]), id="changes that are numbers"),
        pytest.param(edited(changes=[["a", "f", "p", 1, 7, "1", None, "2", None]]), id="an image that is a number"),
        pytest.param(edited(changes=[["a", "f", "p", 1, "redis", "1", None, {}, []]]), id="a tag that is a mapping"),
        pytest.param(edited(changes=[["a", "f", "p", 1, "redis"]]), id="a change without versions"),
        pytest.param(edited(pipeline=[float("inf"), "", ""]), id="an endless pipeline"),
        pytest.param(edited(pipeline=7), id="a pipeline that is a number"),
        pytest.param(edited(requested_by=[]), id="a person that is a list"),
        pytest.param(edited(superseded_by="x"), id="a merge request that is a text"),
    ],
)
def test_a_comment_that_somebody_broke_says_nothing(description: str) -> None:
    assert read_comment(description) is None


def test_replacing_the_comment_keeps_a_persons_words() -> None:
    other = Record(Command.BUMP, "staging", (), superseded_by=8)

    replaced = replace_comment(f"Please look \\1 at it.\n\n{comment(RECORD)}\n\nThanks.", other)

    assert replaced == f"Please look \\1 at it.\n\n{comment(other)}\n\nThanks."


def test_a_comment_that_somebody_took_away_is_put_back() -> None:
    assert replace_comment("My own words.", RECORD) == f"My own words.\n\n{comment(RECORD)}"
