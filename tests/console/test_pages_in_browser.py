"""The administrator's pages in a real browser: dialogs, the editor and QR codes."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.console.browsing import Visit, check, sign_in
from tests.console.site import Site

POLICY = (
    "apiVersion: shouji/v1\nkind: Policy\nmetadata: {name: basics, title: 基础}\n"
    "spec:\n  device:\n    heartbeat_seconds: 60\n    require: [encryption, passcode]\n"
)


def _editor(page: Page, text: str) -> None:
    page.fill("#editor-text", text)


def test_the_editor_marks_lines_leads_to_them_and_saves(site: Site, visit: Visit) -> None:
    page = visit("en")
    sign_in(page, "/policies/new")
    _editor(page, POLICY.replace("60", "sixty"))
    mark = page.locator(".gutter .marked")
    expect(mark).to_have_text("6")
    page.get_by_role("button", name="Line 6").click()
    assert page.evaluate("getSelection().toString()") == "    heartbeat_seconds: sixty"
    _editor(page, POLICY)
    expect(mark).to_have_count(0)
    expect(page.locator("#plan")).to_contain_text("The rules of no phone change")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".told")).to_contain_text("1 draft saved")
    page.get_by_role("link", name="Publish").click()
    dialog = page.locator("#dialog")
    dialog.get_by_label("Reason").fill("first version")
    dialog.get_by_role("button", name="Publish").click()
    expect(page.locator(".told")).to_contain_text("Version 1 is published")


def test_a_token_is_made_in_the_dialog_whose_errors_stay_in_it(site: Site, visit: Visit) -> None:
    page = visit("en", width=390, height=844)
    sign_in(page, "/enrollment")
    page.get_by_role("link", name="New token").first.click()
    dialog = page.locator("#dialog")
    dialog.get_by_label("Holder").fill("E9999")
    dialog.get_by_role("button", name="Make it").click()
    expect(dialog.locator("#problem-person")).to_contain_text("no such active person")
    check(page, "token dialog")
    dialog.get_by_label("Holder").fill("E1024")
    dialog.get_by_role("button", name="Make it").click()
    expect(page.locator(".qr svg")).to_be_visible()
    check(page, "QR code")
    page.emulate_media(media="print")
    page.goto(page.get_by_role("link", name="Sheet to print").get_attribute("href") or "")
    expect(page.locator(".print-head")).to_be_hidden()
    expect(page.locator(".sheet svg")).to_be_visible()


def test_a_file_is_given_in_the_browser(site: Site, visit: Visit) -> None:
    page = visit("en")
    sign_in(page, "/imports")
    page.select_option("#field-kind", "people")
    content = "姓名,工号,部门\n赵一,E501,/总部/电销\n".encode()
    page.set_input_files("#field-file", {"name": "staff.csv", "mimeType": "text/csv", "buffer": content})
    page.get_by_role("button", name="Give and preview").click()
    expect(page.get_by_role("status").filter(has_text="being read")).to_be_visible()
    check(page, "import")
