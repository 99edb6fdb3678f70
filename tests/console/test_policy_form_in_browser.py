"""The form and the text side by side in a real browser: from the form to the text and back, without losing a word."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import Page, Route, expect

from tests.console.browsing import Visit, check, sign_in
from tests.console.site import Site

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
COMMENTED = (
    "apiVersion: shouji/v1\nkind: Policy\nmetadata: {name: basics}\nspec:\n"
    "  # how often\n  device:\n    heartbeat_seconds: 60 # seconds\n"
)


def _text(page: Page) -> str:
    return page.locator("#editor-text").input_value()


def _slowly(route: Route) -> None:
    """An answer that takes its time."""
    time.sleep(0.2)
    route.continue_()


def test_form_and_text_follow_each_other_and_name_errors_on_both_sides(site: Site, visit: Visit) -> None:
    page = visit("en")
    sign_in(page, "/policies/new")
    page.fill("#editor-text", COMMENTED)
    device = page.locator("#section-device")
    device.locator("summary").click()
    beat = page.get_by_label("Heartbeat every")
    expect(beat).to_have_value("60")
    beat.fill("5")
    beat.press("Tab")
    expect(page.locator(".gutter .marked")).to_have_text("7")
    expect(device.locator(".field-problem")).to_be_visible()
    check(page, "form with an error")
    beat.fill("90")
    beat.press("Enter")
    expect(page.locator(".gutter .marked")).to_have_count(0)
    assert _text(page) == COMMENTED.replace("60", "90"), "comments stay"
    page.locator("#section-keywords > summary").click()
    page.get_by_role("button", name="Add a keyword rule").click()
    expect(page.get_by_label("Keyword set")).to_be_focused()
    assert "- set: " in _text(page)
    page.get_by_role("button", name="Remove: No. 1").click()
    expect(page.get_by_label("Keyword set")).to_have_count(0)
    assert _text(page) == COMMENTED.replace("60", "90")
    page.fill("#editor-text", COMMENTED.replace("60", "30") + "  location: {mode: 'off'}\n")
    expect(beat).to_have_value("30")
    expect(page.locator("#section-location .chip")).to_have_text("Set")
    page.fill("#editor-text", "a: [")
    expect(page.locator("#policy-form")).to_contain_text("cannot be read")


def test_what_is_typed_while_an_answer_comes_is_kept(site: Site, visit: Visit) -> None:
    page = visit("zh-CN", width=390, height=844)
    sign_in(page, "/policies/new")
    page.locator("#section-device > summary").click()
    page.route("**/policies/form", _slowly)
    page.get_by_label("心跳间隔").fill("120")
    page.get_by_label("最长离线").focus()
    page.keyboard.type("72")
    expect(page.locator("#section-device .pf-set").first).to_be_visible()
    expect(page.get_by_label("最长离线")).to_have_value("72")
    page.get_by_role("button", name="保存草稿").click()
    expect(page.locator(".code-view")).to_contain_text("maximum_offline_hours: 72")
    expect(page.locator(".code-view")).to_contain_text("heartbeat_seconds: 120")
