"""Texts on screens of any width: 130, 80 and 40 columns."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bumper.cli.screen import Column, Screen, Style, length, painted, short_names, styled, table, visible, wrapped
from bumper.cli.text import question_text, result_text
from bumper.delivery.result import Result, Status
from bumper.image import Repository
from bumper.records.record import Command
from bumper.values.change import Change, Held
from bumper.values.pin import Version

COLUMNS = (Column("app"), Column("image"), Column("staging", labelled=True), Column("prod", labelled=True))
ROWS = (("backend", "backend/app", "1.0.2", "1.0.1"), ("frontend", "frontend/web", "2026.1.1", "2026.1.0"))
WIDE = Screen(None)


def change(app: str, name: str = "app") -> Change:
    image = Repository("registry.example.com", f"{app}/{name}")
    before, after = Version("1.0.0", None), Version("1.0.1", None)
    return Change(app, f"apps/{app}/envs/prod/values.yaml", "image.tag", 3, image, before, after)


def promotion(apps: int = 102, status: Status = Status.PROPOSED) -> Result:
    changes = (change("app0", "worker"), *(change(f"app{number}") for number in range(apps)))
    return Result(Command.PROMOTE, "prod", status, changes, (Held(change("held"), "OPS-7"),))


def plain(text: str) -> str:
    return painted(text, io.StringIO())


def test_a_table_stands_in_columns_where_there_is_room() -> None:
    assert list(map(plain, table(Screen(40 + 8), ROWS, COLUMNS))) == [
        "APP       IMAGE         STAGING   PROD",
        "backend   backend/app   1.0.2     1.0.1",
        "frontend  frontend/web  2026.1.1  2026.1.0",
    ]


def test_and_else_each_row_is_a_block_in_which_cells_have_names() -> None:
    assert table(Screen(30), ROWS, COLUMNS) == [
        "backend  backend/app", "  staging 1.0.2  prod 1.0.1",
        "frontend  frontend/web", "  staging 2026.1.1", "  prod 2026.1.0",
    ]  # fmt: skip


def test_a_column_that_can_be_spared_goes_first() -> None:
    columns = (Column("app"), Column("image", spare=True), Column("prod"))

    assert plain(table(Screen(20), [("backend", "backend/app", "1.0.1")], columns)[1]) == "backend  1.0.1"


@given(st.lists(st.lists(st.text("ab -/", min_size=1, max_size=12), min_size=4, max_size=4), min_size=1), st.data())
def test_no_word_is_broken_and_no_line_is_too_long(rows: list[list[str]], data: st.DataObject) -> None:
    width = data.draw(st.integers(24, 60))

    lines = table(Screen(width), rows, COLUMNS)

    words = {word for row in rows for cell in row for word in cell.split()}
    assert words <= {word for line in lines for word in plain(line).split()}
    assert max(map(length, lines)) <= width


def test_a_url_is_never_broken() -> None:
    url = "https://gitlab.example.com/platform/gitops/-/merge_requests/1"

    assert wrapped(f"!1 backend 1.0.2 -> 1.0.3: {url}", 40, "", "  ") == ["!1 backend 1.0.2 -> 1.0.3:", f"  {url}"]


@pytest.mark.parametrize(
    ("images", "short"),
    [
        (["r.example/team/app", "r.example/team/web"], ["app", "web"]),
        (["r.example/backend/app", "r.example/web"], ["backend/app", "web"]),
        (["r.example/app", "docker.io/app"], ["r.example/app", "docker.io/app"]),
        (["r.example/team/app"], ["app"]),
    ],
)
def test_what_all_images_share_is_left_out(images: list[str], short: list[str]) -> None:
    assert list(short_names(WIDE, images).values()) == short
    assert list(short_names(Screen(None, verbose=True), images).values()) == images


@pytest.mark.parametrize("width", [None, 130, 80, 40])
def test_a_promotion_of_103_images_is_summarised(width: int | None) -> None:
    lines = plain(result_text(promotion(), Screen(width))).splitlines()

    assert "prod: proposed, 103 images in 102 applications, 1 held" in " ".join(" ".join(lines).split())
    assert len(lines) < 30
    assert "  and 83 more; -v lists all" in lines
    assert width is None or max(map(len, lines)) <= width
    assert "values.yaml" not in "".join(lines)


def test_a_question_is_about_all_of_it_and_ends_with_the_summary() -> None:
    lines = plain(question_text(promotion(status=Status.DRY_RUN), Screen(80))).splitlines()

    assert lines[-1] == "prod: 103 images in 102 applications, 1 held"
    assert sum("1.0.0 -> 1.0.1" in line for line in lines) == 103
    assert "  held: held registry.example.com/held/app stays at 1.0.0 (OPS-7)" in lines


def test_whoever_was_asked_sees_the_changes_once() -> None:
    assert plain(result_text(promotion(), Screen(80), with_rows=False)) == (
        "prod: proposed, 103 images in 102 applications, 1 held"
    )


def test_files_are_shown_with_v() -> None:
    text = plain(result_text(promotion(1), Screen(None, verbose=True)))

    assert "  app0  registry.example.com/app0/app     1.0.0 -> 1.0.1  apps/app0/envs/prod/values.yaml:3" in text


@given(st.text())
def test_what_others_wrote_moves_no_cursor(text: str) -> None:
    shown = plain(styled(visible(text), Style.BAD))

    assert "\x1b" not in shown
    assert not any(sign in shown for sign in Style)
