"""A merge request's description: what decides whether it is merged, and nothing of others' text that comes to life."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bumper.ci import Pipeline, Source
from bumper.image import Repository
from bumper.planning.description import ProposalText, code, describe, link, plain
from bumper.records.record import Command, Record, read_comment
from bumper.sandbox.pages.markdown import rendered
from bumper.values.change import Change
from bumper.values.pin import Version

APP = Repository("registry.example.com", "team/app")
DIGEST = f"sha256:{'a' * 64}"
FILES = "https://gitlab.example.com/platform/gitops/-/blob/main"
PROJECT = "https://gitlab.example.com/team/shop"
NOTHING = ProposalText()


def change(number: int = 3, app: str = "app", digest: str | None = None) -> Change:
    before, after = Version("1.0.0", None), Version("1.0.1", digest)
    return Change(app, f"apps/{app}/values.yaml", "image.tag", number, APP, before, after)


def record(*changes: Change, command: Command = Command.BUMP, pipeline: Pipeline | None = None) -> Record:
    return Record(command, "staging", (), changes or (change(),), pipeline)


def test_every_fact_has_its_line() -> None:
    source = Source("team/shop", PROJECT, "abc", "main", "Dora <dora@example.org>", "Fix the checkout")
    asked = Record(
        Command.BUMP, "staging", (), (change(digest=DIGEST),), Pipeline(7, f"{PROJECT}/-/pipelines/7", "x"), "dora",
        source=source,
    )  # fmt: skip
    text = ProposalText(
        checks=["image exists", "healthy in test"],
        left_out=["web: held"],
        warnings=["a is missing"],
        files_url=FILES,
    )

    lines = describe(asked, text).splitlines()
    place = f"[`apps/app/values.yaml:3`]({FILES}/apps/app/values.yaml#L3)"

    assert lines[:3] == [
        "| Application | Image | From | To | File |",
        "| --- | --- | --- | --- | --- |",
        f"| `app` | `{APP}` | `1.0.0` | `1.0.1@{DIGEST[:19]}` | {place} |",
    ]
    assert lines[4:9] == [
        f"- **Commit**: [`Fix the checkout`]({PROJECT}/-/commit/abc) by `Dora` on `main` of [`team/shop`]({PROJECT})",
        f"- **Pipeline**: [`7`]({PROJECT}/-/pipelines/7), started by `dora`",
        f"- **Digest**: `{APP}:1.0.1` is `{DIGEST}`",
        "- **Checked**: image exists, healthy in test",
        "- **Roll back**: `bumper rollback staging --app app`",
    ]
    assert lines[10:16] == ["**Left out**", "", "- web: held", "", "**Warnings**", ""]
    assert lines.index("<summary>How this merge request behaves</summary>") > lines.index("- a is missing")


@pytest.mark.parametrize(
    ("command", "row", "undo"),
    [
        (Command.HOLD, "`1.0.0` held", "**Undo**: `bumper unhold staging --app app`"),
        (Command.UNHOLD, "`1.0.0` no longer held", "**Undo**: `bumper hold staging --app app`"),
        (Command.ROLLBACK, "`1.0.0` | `1.0.1`", "**Undo**: `bumper rollback staging --app app --to 1.0.0`"),
        (Command.PROMOTE, "`1.0.0` | `1.0.1`", "**Roll back**: `bumper rollback staging --app app`"),
    ],
)
def test_each_command_says_what_it_does_and_what_undoes_it(command: Command, row: str, undo: str) -> None:
    text = describe(record(command=command), NOTHING)

    assert f"| {row} |" in text
    assert f"- {undo}\n" in text


def test_what_changes_several_applications_is_undone_by_its_number() -> None:
    assert "`bumper rollback staging --mr N`" in describe(record(change(), change(app="web")), NOTHING)


def test_the_subject_is_there_where_the_title_is_the_users() -> None:
    subject = "app 1.0.0 -> 1.0.1 in staging"

    assert subject not in describe(record(), NOTHING, subject)
    assert describe(record(), ProposalText(title="Deploy"), subject).startswith(plain(subject))


def test_a_table_of_very_many_changes_is_cut_but_the_record_is_whole() -> None:
    changes = [change(number, f"app{number}", DIGEST[:-3] + f"{number:03}") for number in range(1, 151)]

    text = describe(record(*changes), NOTHING)

    assert text.count("\n| `app") == 100
    assert "… and 50 more." in text
    read = read_comment(text)
    assert read is not None
    assert len(read.changes) == 150


def test_the_projects_template_stands_before_the_record() -> None:
    fake = "<!-- bumper: {} -->"

    text = describe(record(), ProposalText(template=f"## Checklist\n\n- [ ] looked at\n{fake}\n"))

    assert "\n\n## Checklist\n\n- [ ] looked at\n" in text
    assert read_comment(text) is not None


@pytest.mark.parametrize("url", ["javascript:alert(1)", "", "/pipelines/1", "https://[x"])
def test_only_an_address_of_the_web_becomes_a_link(url: str) -> None:
    assert "Pipeline" not in describe(record(pipeline=Pipeline(1, url, "x")), NOTHING)


def test_a_link_cannot_be_left() -> None:
    hostile = "https://x/) @alice\n/close [y](z) <b>"

    assert link("`x](y)", hostile) == "[`'x](y)`](https://x/%29%20%40alice%20/close%20[y]%28z%29%20%3Cb%3E)"


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_nothing_comes_to_life_in_a_cell(text: str) -> None:
    cell = code(text)

    assert cell.startswith("`")
    assert cell.endswith("`")
    assert "`" not in cell[1:-1]
    assert len(cell.splitlines()) == 1
    assert re.search(r"(?<!\\)\|", cell) is None


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_nothing_comes_to_life_in_a_sentence(text: str) -> None:
    sentence = f"- so {plain(text)}"

    assert len(sentence.splitlines()) == 1
    assert set(re.findall(r"<\w+", rendered(sentence))) <= {"<ul", "<li"}
    assert re.search(r"[@#!$&~%](?=[\w\"])|://", sentence) is None or "&lt;" in sentence
