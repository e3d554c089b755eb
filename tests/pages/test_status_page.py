"""The page of ``bumper status`` in a browser: what it shows, and to whom."""

from datetime import timedelta
from pathlib import Path

import pytest

from bumper.cli.status_page import relative_age, status_page
from tests.pages.browser import Browser
from tests.pages.statuses import DIGEST, HOSTILE, NOW, URL, long_names, make_status, proposal, row, usual, write


@pytest.fixture
def page(browser: Browser, tmp_path: Path) -> Browser:
    """The browser with the usual status, loaded from a file."""
    ages = {("prod", "apps/backend.yaml", "image.tag"): NOW - timedelta(days=3, hours=2)}
    browser.open(write(tmp_path, usual(), ages))
    return browser


def cell(page: Browser, app: str, environment: str) -> list[str]:
    return page.texts(f"tr[data-find^='{app}'] td[data-label='{environment}']")[0].splitlines()


def shown(page: Browser) -> list[str]:
    return page.texts("tbody th")


def test_what_matters_comes_first(page: Browser) -> None:
    assert shown(page) == [HOSTILE, "backend", "zebra", "alike", "pinned"]
    assert page.texts("thead th") == ["Application", "Image", "dev", "prod"]
    assert page.texts(".counts div") == ["rows\n5", "differing\n1", "held\n1", "open merge requests\n1"]
    assert page.console_errors() == []


def test_a_cell_tells_tag_age_and_difference(page: Browser) -> None:
    assert cell(page, "backend", "dev") == ["2.0.0"]
    assert cell(page, "backend", "prod") == ["1.0.0 3 d", "differs from dev"]
    age = page.one("td[data-label=prod] time")
    assert age.get_dom_attribute("datetime") == "2026-02-26T10:30:00+00:00"
    assert age.get_dom_attribute("title") == "2026-02-26 10:30 UTC"
    assert page.one("tr[data-find^=pinned] code").get_dom_attribute("title") == DIGEST


def test_a_hold_tells_its_reason(page: Browser) -> None:
    assert page.texts(".held") == [f"held: until {HOSTILE}"]


def test_a_proposal_links_to_its_merge_request(page: Browser) -> None:
    assert cell(page, "zebra", "prod") == ["1.0.0", "proposed: 3.0.0 in !5"]
    assert cell(page, "zebra", "dev") == ["1.0.0"]
    assert page.one("td .proposed a").get_dom_attribute("href") == URL
    assert page.texts("details a") == ["!5 Bump zebra"]


def test_hostile_names_stay_names(page: Browser) -> None:
    assert f"{HOSTILE} is no YAML" in page.texts("details li")
    assert len(page.all("script")) == 1
    assert page.console_errors() == []


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "https://[", "//evil.example", "http:"])
def test_only_addresses_of_the_web_become_links(browser: Browser, tmp_path: Path, url: str) -> None:
    browser.open(write(tmp_path, make_status({"prod": (row("zebra"),)}, proposal(url=url))))

    assert browser.all("a") == []
    assert browser.texts(".proposed") == ["proposed: 3.0.0 in !5"]


def test_an_injected_script_would_not_run(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "injected.html"
    text = status_page(usual(), NOW)
    file.write_text(text.replace("</main>", "<script>document.title = 'run'</script></main>"), encoding="utf-8")

    browser.open(file.as_uri())

    assert browser.run("return document.title") == "Image tags by environment"
    assert any("Content Security Policy" in message for message in browser.console_errors())


def test_the_table_is_one_for_screen_readers_on_a_telephone_too(browser: Browser, tmp_path: Path) -> None:
    browser.open(write(tmp_path, usual()), width=360)

    roles = [browser.one(tag).aria_role for tag in ("table", "tbody", "tbody tr", "tbody th", "tbody td")]
    assert roles == ["table", "rowgroup", "row", "rowheader", "cell"]
    assert browser.one("#box").accessible_name.startswith("Filter by application, image or tag")
    assert browser.one("#only").accessible_name == "only what differs"


@pytest.mark.parametrize("width", [360, 1280])
def test_the_page_is_no_wider_than_its_window(browser: Browser, tmp_path: Path, width: int) -> None:
    for status in (usual(), long_names()):
        browser.open(write(tmp_path, status), width=width)
        assert browser.fits()


def test_cards_name_their_environment(browser: Browser, tmp_path: Path) -> None:
    browser.open(write(tmp_path, usual()), width=360)

    label = "return getComputedStyle(document.querySelector('td[data-label=prod]'), '::before').content"
    assert browser.run(label) == '"prod"'


def test_dark_is_dark(browser: Browser, tmp_path: Path) -> None:
    address = write(tmp_path, usual())
    browser.open(address, scheme="light")
    light = browser.brightness()
    browser.open(address, scheme="dark")

    assert light > 192
    assert browser.brightness() < 64


def test_names_that_are_not_utf_8_can_be_written(browser: Browser, tmp_path: Path) -> None:
    browser.open(write(tmp_path, make_status({"prod": (row("b\udcffr"),)})))

    assert shown(browser) == ["b?r"]


def test_a_repository_without_tags_says_so(browser: Browser, tmp_path: Path) -> None:
    browser.open(write(tmp_path, make_status({"prod": ()})))

    assert "No image tag was found." in browser.one("main").text
    assert browser.console_errors() == []


@pytest.mark.parametrize(
    ("age", "text"),
    [
        (timedelta(seconds=-5), "0 min"),
        (timedelta(minutes=59, seconds=59), "59 min"),
        (timedelta(hours=47), "47 h"),
        (timedelta(days=3), "3 d"),
        (timedelta(days=800), "2 y"),
    ],
)
def test_ages_as_people_say_them(age: timedelta, text: str) -> None:
    assert relative_age(age.total_seconds()) == text
