"""A real browser in front of the console: fresh profiles that complain, signing in, and what each page must keep to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

from core import roles
from core.uow import unit_of_work
from tests.console.site import PASSWORD, Site
from tests.console.web_server import ROOT, WebServer

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
PHOTOS = ROOT / "var" / "pages"

Visit = Callable[..., Page]


@pytest.fixture
def visit(chromium: Browser, web: WebServer, site: Site) -> Iterator[Visit]:
    """Opens pages in fresh browser profiles; whatever the browser complains of fails the test at its end."""
    with site.app.app_context(), unit_of_work() as current:
        roles.report(current, "worker", 1, {"ingest_connected": True, "relay_connected": True})
    opened: list[BrowserContext] = []
    complaints: list[str] = []

    def open_page(language: str = "zh-CN", dark: bool = False, width: int = 1440, height: int = 900) -> Page:
        profile = chromium.new_context(
            base_url=web.address,
            locale=language,
            color_scheme="dark" if dark else "light",
            viewport={"width": width, "height": height},
        )
        opened.append(profile)
        page = profile.new_page()
        page.set_default_timeout(15000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text) if _is_complaint(message) else None)
        return page

    yield open_page
    for profile in opened:
        profile.close()
    assert complaints == []


def _is_complaint(message: ConsoleMessage) -> bool:
    """An error that is not just an answer other than 200, or a stream that could not be had."""
    expected = ("Failed to load resource", "[object Event]", "htmx:")
    return message.type == "error" and not message.text.startswith(expected)


def sign_in(page: Page, address: str = "/devices", username: str = "admin") -> None:
    page.goto(f"/sign-in?next={quote(address, safe='/')}")
    page.fill("#username", username)
    page.fill("#password", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_selector("header.top")


def check(page: Page, name: str) -> None:
    """The page as it stands violates no WCAG A or AA rule and is not wider than its screen."""
    page.evaluate(Path(AXE).read_text("utf-8"))
    found = page.evaluate("(rules) => axe.run({runOnly: {type: 'tag', values: rules}})", RULES)
    wrong = [
        (item["id"], node["html"][:160], node["failureSummary"])
        for item in found["violations"]
        for node in item["nodes"]
    ]
    assert wrong == [], f"{name}: {wrong}"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{name} is too wide"


def photograph(page: Page, name: str) -> None:
    """Keep a picture of the page for people to look at."""
    PHOTOS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PHOTOS / f"{name}.png")
