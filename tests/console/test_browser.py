"""The console in a real browser against a real web server: it moves by itself, obeys its own policy, and is usable."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from typing import Any

from playwright.sync_api import Page, expect

from console.live import PER_PERSON
from core import roles
from core.http.identity import SESSION_COOKIE
from core.uow import unit_of_work
from tests.console.browsing import Visit, sign_in
from tests.console.site import PASSWORD, Site
from tests.console.web_server import WEB_THREADS, WebServer
from tests.fleet.phone import Phone

NASTY = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'


def row(page: Page, phone: Phone) -> Any:
    return page.locator(f"#device-{phone.id}")


def live(page: Page) -> None:
    """Wait until the page has its stream."""
    page.wait_for_selector('html[data-stream="on"]', state="attached")


def test_a_row_moves_within_seconds_and_nothing_else_does(site: Site, visit: Visit) -> None:
    phones = [site.enroll(org_unit="/总部/电销") for _ in range(40)]
    page = visit("en", height=600)
    sign_in(page, "/devices?org_unit=/总部/电销&state=active")
    live(page)
    page.wait_for_timeout(1500)
    moving, resting = phones[3], phones[20]
    page.evaluate("document.querySelectorAll('tbody tr').forEach((row) => { row.seen = true; })")
    page.evaluate("window.scrollTo(0, 700)")
    page.locator("#filter-q").evaluate("(field) => { field.value = 'half-typed'; }")
    expect(row(page, moving)).not_to_contain_text("Rooted")
    started = time.monotonic()
    site.observe(moving, "root")
    expect(row(page, moving)).to_contain_text("Rooted", timeout=5000)
    assert time.monotonic() - started < 3
    assert row(page, resting).evaluate("(row) => row.seen === true"), "a row that did not change was replaced"
    assert row(page, moving).evaluate("(row) => row.seen === undefined")
    assert page.evaluate("window.scrollY") == 700
    assert page.locator("#filter-q").input_value() == "half-typed"
    assert "org_unit=" in page.url and page.locator("#filter-state").input_value() == "active"


def test_a_phone_that_enrolls_appears_and_one_that_leaves_the_filter_goes(site: Site, visit: Visit) -> None:
    first = site.enroll()
    page = visit("en")
    sign_in(page, "/devices?state=active")
    live(page)
    second = site.enroll()
    expect(row(page, second)).to_be_visible(timeout=15000)
    expect(page.locator(".list-total")).to_have_text("2 phones")
    lost = site.company.patch(f"/devices/{first.id}", {"state": "lost", "reason": "left in a taxi"})
    assert lost.status_code == 200, lost.json
    expect(row(page, first)).to_have_count(0, timeout=15000)
    expect(page.locator(".list-total")).to_have_text("1 phone")


def test_the_empty_page_fills_by_itself(site: Site, visit: Visit) -> None:
    page = visit("en")
    sign_in(page)
    expect(page.locator("#devices")).to_contain_text("No phones yet")
    live(page)
    phone = site.enroll()
    expect(row(page, phone)).to_be_visible(timeout=15000)


def test_the_page_of_a_phone_moves_and_keeps_what_was_opened(site: Site, visit: Visit) -> None:
    phone = site.enroll()
    page = visit("en")
    sign_in(page, f"/devices/{phone.id}")
    live(page)
    page.locator("#part-facts").evaluate("(part) => { part.seen = true; }")
    site.observe(phone, "root")
    expect(page.locator("#part-findings")).to_contain_text("Rooted", timeout=5000)
    expect(page.locator("#part-history")).to_contain_text("Rooted: found")
    assert page.locator("#part-facts").evaluate("(part) => part.seen === true")


def test_names_never_run_as_code(site: Site, visit: Visit) -> None:
    phone = site.enroll(serial=f"SN{NASTY}")
    page = visit()
    sign_in(page)
    live(page)
    site.observe(phone, "root")
    expect(row(page, phone)).to_contain_text("root", timeout=8000)
    page.goto(f"/devices/{phone.id}")
    assert NASTY in page.locator("#part-facts").inner_text()
    assert page.evaluate("window.hacked") is None


def test_typing_into_the_search_narrows_the_list_and_the_address(site: Site, visit: Visit) -> None:
    phones = [site.enroll() for _ in range(3)]
    page = visit("en")
    sign_in(page)
    page.evaluate("window.stayed = true")
    page.fill("#filter-q", phones[1].serial)
    expect(page.locator(".list-total")).to_have_text("1 phone")
    page.wait_for_url(f"**/devices?q={phones[1].serial}")
    assert page.evaluate("window.stayed") is True
    live(page)
    site.observe(phones[1], "root")
    expect(row(page, phones[1])).to_contain_text("Rooted", timeout=5000)
    expect(row(page, phones[0])).to_have_count(0)
    page.go_back()
    expect(page.locator(".list-total")).to_have_text("3 phones")


def test_without_a_free_place_the_page_looks_by_itself(site: Site, visit: Visit) -> None:
    phone = site.enroll()
    # Two people take all places: one alone could not.
    takers = []
    for username, places in (("leader", PER_PERSON), ("officer", WEB_THREADS // 2)):
        taker = visit("en")
        sign_in(taker, "/docs", username)
        takers.append((taker, places))
        taker.evaluate(
            "(places) => { window.taken = Array.from({length: places}, () => new EventSource('/live/devices')); }",
            places,
        )
    takers[0][0].wait_for_timeout(1000)
    page = visit("en")
    sign_in(page)
    page.wait_for_selector('html[data-stream="off"]', state="attached")
    expect(page.get_by_text("Refreshing every few seconds")).to_be_visible()
    site.observe(phone, "root")
    expect(row(page, phone)).to_contain_text("Rooted", timeout=10000)
    for taker, _ in takers:
        taker.close()


def test_wrong_passwords_and_the_second_language_in_the_browser(site: Site, visit: Visit) -> None:
    page = visit("zh-CN")
    page.goto("/devices")
    page.fill("#username", "admin")
    page.fill("#password", "wrong password")
    page.click("main button[type=submit]")
    expect(page.get_by_role("alert")).to_have_text("用户名、密码或验证码不正确。")
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    page.fill("#username", "admin")
    page.fill("#password", PASSWORD)
    page.click("main button[type=submit]")
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")


def test_a_worker_that_is_away_is_told_on_every_page(site: Site, visit: Visit) -> None:
    with site.app.app_context(), unit_of_work() as current:
        roles.report(current, "worker", 1, {"ingest_connected": False, "relay_connected": False})
    page = visit("en")
    sign_in(page, "/docs")
    expect(page.get_by_role("status")).to_contain_text("The broker is away")


def test_the_menu_opens_on_a_small_screen(site: Site, visit: Visit) -> None:
    page = visit("en", width=390, height=800)
    sign_in(page)
    link = page.get_by_role("link", name="API reference")
    expect(link).not_to_be_visible()
    page.get_by_role("button", name="Open or close the menu").click()
    link.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("API reference")


def test_a_wipe_is_asked_for_in_the_dialog_once_the_serial_is_typed(site: Site, visit: Visit) -> None:
    phone = site.enroll()
    page = visit("en")
    sign_in(page, f"/devices/{phone.id}")
    page.get_by_text("More", exact=True).click()
    page.get_by_role("link", name="Wipe").click()
    dialog = page.get_by_role("dialog", name="Wipe")
    expect(dialog.locator("dd.mono")).to_have_text(phone.serial)
    ask = dialog.get_by_role("button", name="Ask for approval")
    dialog.get_by_label("Reason").fill(" ")
    dialog.get_by_label("to confirm").fill("SN-OTHER")
    expect(ask).to_be_disabled()
    dialog.get_by_label("to confirm").fill(phone.serial)
    ask.click()
    expect(dialog.get_by_role("alert")).to_be_visible()
    dialog.get_by_label("Reason").fill("left the company")
    dialog.get_by_label("to confirm").fill(phone.serial)
    dialog.get_by_role("button", name="Ask for approval").click()
    expect(page.locator(".told")).to_have_text("Wipe: Handed in; it waits for a second person.")
    expect(page.locator("#part-commands")).to_contain_text("left the company")


def test_ticked_rows_stay_ticked_while_the_list_moves_and_are_acted_on_together(site: Site, visit: Visit) -> None:
    phones = [site.enroll() for _ in range(3)]
    page = visit("en")
    sign_in(page)
    live(page)
    button = page.get_by_role("button", name="Bulk action")
    expect(button).to_be_disabled()
    for phone in phones[:2]:
        row(page, phone).locator("[data-bulk-one]").check()
    site.observe(phones[0], "root")
    expect(row(page, phones[0])).to_contain_text("Rooted", timeout=5000)
    expect(row(page, phones[0]).locator("[data-bulk-one]")).to_be_checked()
    page.select_option("#bulk-type", "ping")
    expect(button).to_have_text("Bulk action (2)")
    button.click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Hits 2 phones")
    dialog.get_by_role("button", name="Send").click()
    expect(page.locator(".told")).to_have_text("Sent to 2 phones.")
    page.keyboard.press("Escape")


def test_the_overview_moves_by_itself_and_guides_until_the_first_phone(site: Site, visit: Visit) -> None:
    page = visit("en")
    sign_in(page, "/")
    live(page)
    expect(page.locator("#part-guide")).to_contain_text("Make an enrollment token")
    phone = site.enroll()
    expect(page.locator("#part-guide")).to_have_count(0, timeout=15000)
    site.observe(phone, "root")
    expect(page.locator("#part-needs")).to_contain_text("Phones out of order", timeout=10000)


def test_a_notice_is_counted_in_the_frame(site: Site, visit: Visit) -> None:
    phone = site.enroll(org_unit="/总部/电销")
    args = {"scope": "work_data", "preserve_records": True, "deadline_s": 60}
    site.company.post(f"/devices/{phone.id}/commands", {"type": "wipe", "args": args, "reason": "left"})
    page = visit("en")
    sign_in(page, "/devices", "leader")
    expect(page.locator(".badge-count")).to_contain_text("1")
    page.get_by_role("link", name="Notices").click()
    expect(page.locator("#inbox")).to_contain_text("waits for your approval")


def test_streams_let_go_when_their_server_is_told_to_end(site: Site, web: WebServer) -> None:
    cookie = site.person().get_cookie(SESSION_COOKIE)
    assert cookie
    connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=30)
    connection.request("GET", "/live/devices", headers={"Cookie": f"{SESSION_COOKIE}={cookie.value}"})
    answer = connection.getresponse()
    assert answer.status == 200 and answer.readline().startswith(b"retry:")
    ending = threading.Thread(target=web.stop)
    started = time.monotonic()
    ending.start()
    while answer.readline():
        pass
    assert time.monotonic() - started < 4, "only the end of gunicorn's patience ended the stream"
    ending.join(30)
    web.start()


def test_a_killed_web_process_leaves_nobody_who_works_on_without_it(web: WebServer) -> None:
    assert web.process
    with socket.create_connection(("127.0.0.1", web.port), timeout=4) as slow:
        # A body that never comes keeps a thread busy for as long as the client likes.
        slow.sendall(b"POST /sign-in HTTP/1.1\r\nHost: here\r\nContent-Length: 50\r\n\r\nname")
        later = http.client.HTTPConnection("127.0.0.1", web.port, timeout=10)
        later.request("GET", "/healthz")
        assert later.getresponse().status == 200
        web.process.kill()
        web.process.wait()
        try:
            left = slow.recv(1)
        except ConnectionResetError:
            left = b""
        assert left == b""
    web.start()
