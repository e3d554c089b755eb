"""A person reads bumper's merge request in a browser, and merges it."""

import pytest

from bumper.sandbox import Sandbox
from tests.pages.browser import Browser
from tests.support.command_line import CommandLine
from tests.support.gitops import APP, STAGING_FILE, Gitops, GitopsMaker, values


@pytest.fixture
def gitops(make_gitops: GitopsMaker) -> Gitops:
    return make_gitops({STAGING_FILE: values("1.0.0")})


@pytest.fixture
def page(gitops: Gitops, bumper: CommandLine) -> str:
    """The address of a merge request for 1.0.1."""
    url: str = bumper.bump("staging", f"{APP}:1.0.1")["merge_request"]["url"]
    assert url.startswith(gitops.sandbox.url)
    return url


def test_a_person_reads_the_change(browser: Browser, page: str) -> None:
    browser.open(page)

    assert browser.texts("h1") == ["app 1.0.0 -> 1.0.1 in staging !1"]
    assert browser.texts(".state") == ["opened"]
    assert browser.texts(".description td") == ["app", APP, "1.0.0", "1.0.1", f"{STAGING_FILE}:3"]
    assert "bumper: {" not in browser.one(".description").text
    assert [text.strip() for text in browser.texts(".diff .removed")] == ["-  tag: 1.0.0"]
    assert [text.strip() for text in browser.texts(".diff .added")] == ["+  tag: 1.0.1"]
    assert browser.console_errors() == []


def test_the_merge_button_merges(browser: Browser, page: str, gitops: Gitops) -> None:
    browser.open(page)

    browser.button("Merge").click()

    browser.wait(lambda: browser.texts(".state") == ["merged"])
    assert browser.all("button") == []
    assert gitops.read(STAGING_FILE) == values("1.0.1")
    assert gitops.branches() == []
    assert browser.console_errors() == []


def test_the_close_button_closes_and_changes_nothing(browser: Browser, page: str, gitops: Gitops) -> None:
    browser.open(page)

    browser.button("Close").click()

    browser.wait(lambda: browser.texts(".state") == ["closed"])
    assert gitops.read(STAGING_FILE) == values("1.0.0")


def test_the_keyboard_is_enough_to_merge(browser: Browser, page: str) -> None:
    browser.open(page)
    browser.run("document.querySelector('nav a').focus()")

    browser.type("\ue004")  # Tab
    focused = "return getComputedStyle(document.activeElement).outlineStyle + document.activeElement.textContent"
    assert browser.run(focused) == "solidMerge"
    browser.type("\ue007")  # Enter

    browser.wait(lambda: browser.texts(".state") == ["merged"])


def test_a_conflict_disables_the_merge_button(browser: Browser, page: str, gitops: Gitops) -> None:
    gitops.push(values("9.9.9"), STAGING_FILE)

    browser.open(page)

    assert browser.texts("#reason") == ["It conflicts with the target branch."]
    assert not browser.button("Merge").is_enabled()
    assert browser.button("Close").is_enabled()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_a_telephone(
    browser: Browser, make_gitops: GitopsMaker, bumper: CommandLine, scheme: str
) -> None:
    long = "registry.example.com/team/" + "a-very-long-name-" * 8 + "app"
    make_gitops({STAGING_FILE: values("1.0.0", long) + f"# {'wide' * 80}\n"}, "team/long")
    url = bumper.bump("staging", f"{long}:{'1' * 100}")["merge_request"]["url"]

    browser.open(url, width=360, scheme="dark" if scheme == "dark" else "light")

    assert browser.fits()
    assert browser.button("Merge").is_displayed()
    assert browser.run("return document.querySelector('.diff').scrollWidth <= 360")
    assert (browser.brightness() < 64) == (scheme == "dark")


def test_hostile_words_stay_words(browser: Browser, page: str, gitops: Gitops) -> None:
    hostile = "<script>document.title='run'</script><img src=x onerror=\"document.title='run'\">"
    gitops.api.put("/merge_requests/1", title=hostile, description=f"| {hostile} |\n| --- |\n| `{hostile}` |")

    browser.open(page)

    assert browser.texts("h1") == [f"{hostile} !1"]
    assert browser.texts(".description td") == [hostile]
    assert browser.all("main img, main script") == []
    assert browser.run("return document.title") == f"!1 {hostile}"
    assert browser.console_errors() == []


def test_the_list_leads_to_the_page(browser: Browser, page: str, sandbox: Sandbox) -> None:
    browser.open(sandbox.url)

    browser.one("li a[href$='/merge_requests/1']").click()

    browser.wait(lambda: browser.texts("h1") == ["app 1.0.0 -> 1.0.1 in staging !1"])
    assert browser.run("return location.href") == page
