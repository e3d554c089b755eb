"""A real Chromium, driven through its own driver; nothing is fetched for it and it reaches this machine alone."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

CHROMIUM, DRIVER = Path("/usr/bin/chromium"), Path("/usr/bin/chromedriver")
_LONGEST = 30  # seconds; a busy machine is no failure
_SWITCHES = (
    "headless=new", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking",
    "disable-component-update", "disable-sync", "disable-dev-shm-usage", "no-proxy-server",
    "host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)  # fmt: skip


class Browser:
    """One window."""

    def __init__(self, driver: Chrome) -> None:
        self._driver = driver

    def open(self, address: str, width: int = 1280, scheme: Literal["light", "dark"] = "light") -> None:
        """Load a page that is ``width`` pixels wide, for a person who prefers ``scheme``."""
        self.console_errors()
        size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
        self._driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self._driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        self._driver.get(address)

    def all(self, selector: str) -> list[WebElement]:
        return self._driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector: str) -> WebElement:
        return self._driver.find_element(By.CSS_SELECTOR, selector)

    def button(self, name: str) -> WebElement:
        return self._driver.find_element(By.XPATH, f"//button[normalize-space()='{name}']")

    def texts(self, selector: str) -> list[str]:
        """What a person reads in the elements; those that are hidden are left out."""
        return [one.text for one in self.all(selector) if one.is_displayed()]

    def type(self, keys: str) -> None:
        """Keys pressed wherever the focus is."""
        self._driver.switch_to.active_element.send_keys(keys)

    @property
    def focused(self) -> str | None:
        """The id of what has the focus."""
        return self._driver.switch_to.active_element.get_dom_attribute("id")

    def wait(self, what: Callable[[], object]) -> None:
        """Until ``what`` is true; an element that went away with the page before is looked for again."""
        gone = (NoSuchElementException, StaleElementReferenceException)
        WebDriverWait(self._driver, _LONGEST, poll_frequency=0.05, ignored_exceptions=gone).until(lambda _: what())

    def run(self, script: str) -> Any:  # noqa: ANN401 - JSON
        return self._driver.execute_script(script)

    def fits(self) -> bool:
        """Whether the page is no wider than the window."""
        fits: bool = self.run("const e = document.documentElement; return e.scrollWidth <= e.clientWidth")
        return fits

    def background(self) -> str:
        colour: str = self.run("return getComputedStyle(document.body).backgroundColor")
        return colour

    def brightness(self) -> int:
        """The mean of red, green and blue behind the page's text, 0 to 255."""
        colours = self.background().partition("(")[2].rstrip(")").split(",")[:3]
        return sum(int(float(colour)) for colour in colours) // 3

    def console_errors(self) -> list[str]:
        """What the console has said since the last question, as far as it is an error."""
        entries: list[dict[str, Any]] = self._driver.get_log("browser")  # type: ignore[no-untyped-call] # selenium's
        return [entry["message"] for entry in entries if entry["level"] == "SEVERE"]

    def screenshot(self, file: Path) -> None:
        file.write_bytes(self._driver.get_screenshot_as_png())


@contextmanager
def started(profile: Path) -> Iterator[Browser]:
    """A browser with a profile of its own, ended when the block ends."""
    options = ChromeOptions()
    options.binary_location = str(CHROMIUM)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    for switch in (*_SWITCHES, f"user-data-dir={profile}"):
        options.add_argument(f"--{switch}")
    driver = Chrome(options=options, service=ChromeService(executable_path=str(DRIVER)))
    try:
        yield Browser(driver)
    finally:
        driver.quit()
