"""The page of ``bumper status`` in a browser: what it shows, and to whom."""

import dataclasses
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from bumper.cli.status_page import status_page
from bumper.clock import relative_age
from bumper.gate.rules import Waiting
from bumper.records.runs import TagChange
from tests.pages.browser import Browser
from tests.pages.statuses import (
    COMMIT,
    DIGEST,
    HOSTILE,
    NOW,
    PROJECT,
    URL,
    long_names,
    make_status,
    proposal,
    row,
    usual,
    write,
)


def changes(**days: int) -> Mapping[tuple[str, str, str], TagChange]:
    """By environment and application (``dev_backend``), how many days ago Dora set the tag by !12."""
    places = {name: ("image.tag", f"apps/{name.partition('_')[2]}.yaml") for name in days}
    return {
        (name.partition("_")[0], file, path): TagChange(NOW - timedelta(days=days[name]), COMMIT, "Dora", 12)
        for name, (path, file) in places.items()
    }


@pytest.fixture
def page(browser: Browser, tmp_path: Path) -> Browser:
    """The browser with the usual status, loaded from a file."""
    browser.open(write(tmp_path, usual(), changes(dev_backend=3, prod_backend=9)))
    return browser


def cell(page: Browser, app: str, environment: str) -> list[str]:
    return page.texts(f"tbody[data-find^='{app}'] td[data-label='{environment}'] > div")[0].split()


def shown(page: Browser) -> list[str]:
    return page.texts("tbody th")


def test_the_header_says_what_was_looked_at_and_when(page: Browser) -> None:
    links = [(one.text, one.get_dom_attribute("href")) for one in page.all("header a")]

    assert links == [
        ("team/gitops", PROJECT), ("main", f"{PROJECT}/-/tree/main"), (COMMIT[:12], f"{PROJECT}/-/commit/{COMMIT}"),
    ]  # fmt: skip
    assert page.texts("header time") == ["2026-03-01 12:30 UTC"]


def test_what_waits_longest_for_somebody_comes_first(page: Browser) -> None:
    assert shown(page) == ["zebra", "backend", HOSTILE, "alike", "pinned"]
    assert page.texts("thead th") == ["Application", "Image", "dev", "prod"]
    assert page.texts(".filters button") == [
        "5 applications", "1 waits for prod", "1 held", "1 merge request open",
    ]  # fmt: skip
    assert page.console_errors() == []


def test_a_cell_is_one_line_with_tag_age_person_and_merge_request(page: Browser) -> None:
    assert cell(page, "backend", "dev") == ["2.0.0", "3", "d", "Dora", "!12"]
    assert cell(page, "backend", "prod") == ["1.0.0", "9", "d", "Dora", "!12", "waits", "3", "d"]
    links = page.all("tbody[data-find^=backend] td[data-label=prod] a")
    assert [one.get_dom_attribute("href") for one in links] == [
        f"{PROJECT}/-/commit/{COMMIT}", f"{PROJECT}/-/merge_requests/12",
    ]  # fmt: skip
    age = page.one("td[data-label=prod] time")
    assert age.get_dom_attribute("datetime") == "2026-02-20T12:30:00+00:00"
    assert age.get_dom_attribute("title") == "2026-02-20 12:30 UTC"
    assert page.one("tbody[data-find^=pinned] code").get_dom_attribute("title") == DIGEST
    height = "return document.querySelector('tbody[data-find^=backend] td[data-label=prod] div').offsetHeight"
    assert page.run(height) < 30


@pytest.mark.parametrize(
    ("dev", "prod", "badge"),
    [
        ("1.10.0", "1.9.0", "waits"),
        ("1.9.0", "1.10.0", "ahead"),
        ("2.0.0", "2.0.0-rc.1", "waits"),
        ("v1.2", "v1.2", None),
        ("3f2a", "77bc", "waits"),
    ],
)
def test_a_stage_is_compared_with_the_one_before_it(
    browser: Browser, tmp_path: Path, dev: str, prod: str, badge: str | None
) -> None:
    browser.open(write(tmp_path, make_status({"dev": (row("a", dev),), "prod": (row("a", prod),)})))

    assert browser.texts(".badge") == ([badge] if badge is not None else [])
    assert [one.accessible_name for one in browser.all("td .same")] == ([] if badge else ["same as dev"])


def test_what_may_not_come_yet_needs_nobody(browser: Browser, tmp_path: Path) -> None:
    status = make_status({"dev": (row("a", "2"),), "prod": (row("a", "1"),)})
    gate = {"prod": (Waiting("a", "soaks for 2 h", NOW + timedelta(hours=1)),)}

    browser.open(write(tmp_path, dataclasses.replace(status, waiting=gate)))

    assert browser.texts(".badge") == ["not yet: soaks for 2 h until 2026-03-01 13:30 UTC"]
    assert browser.texts(".filters button") == ["1 application", "1 not yet for prod"]
    assert browser.all("td .attention") == []


def test_an_applications_images_are_grouped(browser: Browser, tmp_path: Path) -> None:
    worker = dataclasses.replace(row("a"), image="registry.example.com/team/worker")
    status = make_status({"prod": (row("a"), worker)})

    browser.open(write(tmp_path, status))

    assert browser.texts("tbody th") == ["a"]
    assert browser.texts("tbody .image") == ["a", "worker"]


def test_a_hold_says_its_reason(page: Browser) -> None:
    assert page.texts(".badge.held") == [f"held: until {HOSTILE}"]


def test_a_proposal_links_to_its_merge_request(page: Browser) -> None:
    assert cell(page, "zebra", "prod") == ["1.0.0", "!5", "→", "3.0.0", "="]
    assert page.one("td .open a").get_dom_attribute("href") == URL
    page.all("summary")[1].click()
    assert page.texts("details a") == ["!5 Bump zebra"]
    assert page.texts("details li span") == ["prod, by bumper"]


def test_hostile_names_stay_names(page: Browser) -> None:
    page.one("summary").click()
    assert f"{HOSTILE} is no YAML" in page.texts("details li")
    assert len(page.all("script")) == 1
    assert page.console_errors() == []


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "https://[", "//evil.example", "http:"])
def test_only_addresses_of_the_web_become_links(browser: Browser, tmp_path: Path, url: str) -> None:
    browser.open(write(tmp_path, make_status({"prod": (row("zebra"),)}, proposal(url=url))))

    assert browser.all("table a, details a") == []
    assert browser.texts(".badge.open") == ["!5 → 3.0.0"]


def test_an_injected_script_would_not_run(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "injected.html"
    text = status_page(usual(), NOW)
    file.write_text(text.replace("</main>", "<script>document.title = 'run'</script></main>"), encoding="utf-8")

    browser.open(file.as_uri())

    assert browser.run("return document.title") == "team/gitops"
    assert any("Content Security Policy" in message for message in browser.console_errors())


def test_the_table_is_one_for_screen_readers_on_a_telephone_too(browser: Browser, tmp_path: Path) -> None:
    browser.open(write(tmp_path, usual()), width=360)

    roles = [browser.one(tag).aria_role for tag in ("table", "tbody", "tbody tr", "tbody th", "tbody td")]
    assert roles == ["table", "rowgroup", "row", "rowheader", "cell"]
    assert browser.one("#box").accessible_name.startswith("Filter by application, image, tag or person")
    assert browser.one(".filters").accessible_name == "Show only"


@pytest.mark.parametrize("width", [360, 1280])
def test_the_page_is_no_wider_than_its_window(browser: Browser, tmp_path: Path, width: int) -> None:
    for status in (usual(), long_names()):
        browser.open(write(tmp_path, status), width=width)
        assert browser.fits()


def test_on_a_telephone_the_environments_stand_in_one_row(browser: Browser, tmp_path: Path) -> None:
    names = ("dev", "staging", "prod")
    browser.open(write(tmp_path, make_status(dict.fromkeys(names, (row("a", "v2.4.0-rc.1"),)))), width=360)

    tops = browser.run("return Array.from(document.querySelectorAll('td[data-label]'), (one) => one.offsetTop)")
    assert len(tops) == 3
    assert len(set(tops)) == 1
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
