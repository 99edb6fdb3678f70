"""The administrator's pages in a real browser: dialogs, the editor and QR codes."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from core.uow import unit_of_work
from policies import rollout_actions
from tests.console.browsing import Visit, check, sign_in
from tests.console.site import Site
from tests.identity import world
from tests.policies import staged
from tests.policies.office import Office

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
    page.get_by_role("button", name="Upload and preview").click()
    expect(page.get_by_role("status").filter(has_text="being read")).to_be_visible()
    check(page, "import")


def test_a_keyword_set_marks_its_words_while_it_is_written(site: Site, visit: Visit) -> None:
    page = visit("en", width=390, height=844)
    sign_in(page, "/policies/new?kind=KeywordSet")
    page.fill("#field-message", "先交加急费，合同约定的服务费见附件")
    expect(page.locator("#keyword-hits mark")).to_have_text(["加急费"])
    page.fill("#field-message", "下午见")
    expect(page.locator("#keyword-hits")).to_contain_text("Nothing hits")
    check(page, "editor of a keyword set")


def test_a_rollout_by_rings_is_made_in_the_dialog_and_paused_from_its_page(site: Site, visit: Visit) -> None:
    with site.app.app_context():
        staged.phones(Office(site.company), 2)
    page = visit("en")
    sign_in(page, "/policies/Policy/sales")
    page.get_by_role("link", name="Publish").click()
    dialog = page.locator("#dialog")
    expect(dialog.get_by_text("Rings, in this order")).to_be_hidden()
    dialog.get_by_label("How it goes to phones").select_option("rings")
    expect(dialog.get_by_text("Rings, in this order")).to_be_visible()
    check(page, "rings in the dialog")
    first = dialog.get_by_role("group", name="Ring 1")
    first.get_by_label("Whom").select_option("group")
    first.get_by_label("Percentage, group or query").fill("nobody")
    dialog.get_by_label("Reason").fill("step by step")
    dialog.get_by_role("button", name="Publish").click()
    expect(dialog.get_by_role("alert")).to_contain_text("no group named")
    first.get_by_label("Percentage, group or query").fill("pilot")
    dialog.get_by_role("button", name="Publish").click()
    expect(page.get_by_role("heading", name="1. ring-1")).to_be_visible()
    expect(page.locator("#part-head")).to_contain_text("Running")
    with site.app.app_context(), unit_of_work():
        rollout_actions.pause(world.SYSTEM, page.url.rpartition("/")[2], "from elsewhere")
    expect(page.locator("#part-head")).to_contain_text("from elsewhere")
    page.get_by_role("link", name="Resume").click()
    dialog.get_by_label("Reason").fill("go on")
    dialog.get_by_role("button", name="Resume").click()
    expect(page.locator(".told")).to_contain_text("Resumed")
