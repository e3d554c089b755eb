"""Filtering the page of ``bumper status``: by typing, by its summary, by the keyboard alone."""

from pathlib import Path

import pytest

from tests.pages.browser import Browser
from tests.pages.statuses import HOSTILE, make_status, row, usual, write

ESCAPE = "\ue00c"


@pytest.fixture
def page(browser: Browser, tmp_path: Path) -> Browser:
    """The browser with the usual status, loaded from a file."""
    browser.open(write(tmp_path, usual()))
    return browser


def shown(page: Browser) -> list[str]:
    return page.texts("tbody th")


def told(page: Browser) -> str:
    return page.one("#told").text


@pytest.mark.parametrize(
    ("typed", "apps"),
    [
        ("BACK", ["backend"]),
        ("team/zebra", ["zebra"]),
        ("3.0.0", ["zebra"]),
        ("backend 2.0", ["backend"]),
        ("<script>", [HOSTILE]),
        ("nothing", []),
    ],
)
def test_typing_filters(page: Browser, typed: str, apps: list[str]) -> None:
    assert told(page) == "5 of 5 applications"

    page.one("#box").send_keys(typed)

    page.wait(lambda: told(page) == f"{len(apps)} of 5 applications")
    assert shown(page) == apps


def test_the_summary_is_the_filter(page: Browser) -> None:
    page.button("1 waits for prod").click()
    page.wait(lambda: shown(page) == ["backend"])
    assert page.button("1 waits for prod").get_dom_attribute("aria-pressed") == "true"

    page.button("1 held").click()
    page.wait(lambda: shown(page) == [HOSTILE])
    page.button("1 held").click()
    page.wait(lambda: told(page) == "5 of 5 applications")


def test_the_keyboard_filters(page: Browser) -> None:
    page.type("/")
    assert page.focused == "box"
    page.type("team/zebra")
    page.wait(lambda: shown(page) == ["zebra"])

    page.type(ESCAPE)

    page.wait(lambda: told(page) == "5 of 5 applications")
    assert page.one("#box").get_property("value") == ""


def test_thousands_of_rows_stay_usable(browser: Browser, tmp_path: Path) -> None:
    rows = tuple(row(f"app-{number:04}") for number in range(5000))
    address = write(tmp_path, make_status(dict.fromkeys(("dev", "staging", "prod"), rows)))
    browser.open(address)

    browser.one("#box").send_keys("4711")
    browser.wait(lambda: told(browser) == "1 of 5000 applications")
    browser.type(ESCAPE)
    browser.wait(lambda: told(browser) == "5000 of 5000 applications")
