"""Many phones at once, kept lists, and the list as a file."""

from __future__ import annotations

import csv
import html
import io
import re

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from console.bulk import MAX_CHOSEN
from tests.console.site import CHINESE, ENGLISH, Site, submit, token_of
from tests.fleet.phone import Phone
from tests.identity import world

_HIDDEN = re.compile(r'<input\s+type="hidden"\s+name="([^"]+)"\s+value="([^"]*)">')


def _preview(browser: FlaskClient, type: str, **query: object) -> TestResponse:
    return browser.get("/devices/bulk", query_string={"type": type, **query}, headers=ENGLISH)


def _send(browser: FlaskClient, page: str, **fields: str) -> TestResponse:
    """Send the form of a preview with some fields filled in."""
    form: dict[str, list[str]] = {}
    for name, value in _HIDDEN.findall(page.split('id="content"')[1]):
        form.setdefault(html.unescape(name), []).append(html.unescape(value))
    return browser.post("/devices/bulk", data={**form, **fields}, headers=ENGLISH)


def _types(site: Site, phone: Phone) -> list[str]:
    return [one["type"] for one in site.company.get(f"/devices/{phone.id}/commands").json["items"]]


def test_ticked_phones_are_looked_at_first_and_then_asked(site: Site) -> None:
    first, second, other = (site.enroll() for _ in range(3))
    browser = site.person()
    page = _preview(browser, "message", device=[first.id, second.id]).text
    assert "Hits 2 phones" in page and first.serial in page and other.serial not in page
    answer = _send(browser, page, title="Hi", text="there")
    assert answer.status_code == 303 and "/commands/" in answer.location
    assert _types(site, first) == _types(site, second) == ["message"] and _types(site, other) == []
    batch = browser.get(answer.location, headers=ENGLISH).text
    assert "2 phones" in batch and first.serial in batch


def test_all_that_match_are_hit_with_the_filters_of_the_list_and_in_ones_own_part_only(site: Site) -> None:
    own, away = site.enroll(org_unit="/总部/电销"), site.enroll(org_unit="/总部/客服")
    leader = site.person("leader")
    page = _preview(leader, "ping", all="yes", state="active").text
    assert "Hits 1 phone" in page and away.serial not in page
    assert _send(leader, page).status_code == 303
    assert _types(site, own) == ["ping"] and _types(site, away) == []
    named = _preview(leader, "ping", device=[own.id, away.id]).text
    assert "Hits 1 phone" in named and "1 more are passed over" in named


def test_what_destroys_is_confirmed_by_typing_and_waits_for_a_second_person(site: Site) -> None:
    phones = [site.enroll() for _ in range(2)]
    browser = site.person()
    page = _preview(browser, "wipe", all="yes").text
    assert "<code><bdi>wipe 2</bdi></code>" in page
    fields = {"scope": "device", "preserve_records": "yes", "deadline_s": "3600", "reason": "old phones"}
    wrong = _send(browser, page, **fields, typed="wipe 3")
    assert wrong.status_code == 422 and "nothing was done" in wrong.text and ">old phones</textarea>" in wrong.text
    answer = _send(browser, page, **fields, typed="wipe 2")
    assert answer.status_code == 303
    assert "waits for a second person" in browser.get(answer.location, headers=ENGLISH).text
    (waiting,) = site.company.get("/commands").json["items"][:1]
    assert waiting["status"] == "pending_approval" and _types(site, phones[0]) == ["wipe"]


def test_a_lock_of_a_few_phones_is_typed_and_has_a_reason_too(site: Site) -> None:
    phone, other = (site.enroll(org_unit="/总部/电销") for _ in range(2))
    browser = site.person("leader")
    page = _preview(browser, "lock", all="yes").text
    assert "<code><bdi>lock 2</bdi></code>" in page and "Reason (optional)" not in page
    for fields in ({"reason": "lost keys"}, {"reason": "lost keys", "typed": "lock"}, {"typed": "lock 2"}):
        assert _send(browser, page, **fields).status_code == 422
    assert _types(site, phone) == []
    assert _send(browser, page, reason="lost keys", typed="lock 2").status_code == 303
    assert _types(site, phone) == _types(site, other) == ["lock"]
    assert "<code><bdi>" not in _preview(browser, "ping", all="yes").text


def test_many_phones_are_cut_off_by_two_persons(site: Site) -> None:
    phones = [site.enroll() for _ in range(2)]
    browser = site.person()
    page = _preview(browser, "revoke", all="yes").text
    assert "<code><bdi>revoke 2</bdi></code>" in page and "Ask for approval" in page
    wrong = _send(browser, page, reason="old phones", typed="revoke 3")
    assert wrong.status_code == 422 and ">old phones</textarea>" in wrong.text
    answer = _send(browser, page, reason="old phones", typed="revoke 2")
    assert answer.status_code == 303 and "/approvals/" in answer.location
    assert site.company.device(phones[0])["state"] == "active"
    with site.app.app_context():
        world.person("second", "it_admin")
    second = site.person("second")
    assert "Revoke phones: 2" in second.get(answer.location, headers=ENGLISH).text
    assert submit(second, answer.location, ENGLISH, decision="approve", reason="seen").status_code == 303
    assert {site.company.device(one)["state"] for one in phones} == {"retired"}
    assert 'value="revoke"' not in site.person("leader").get("/devices").text


def test_a_selection_that_changed_meanwhile_is_shown_again_and_nothing_is_sent(site: Site) -> None:
    phone = site.enroll()
    browser = site.person()
    page = _preview(browser, "ping", all="yes").text
    site.enroll()
    answer = _send(browser, page)
    assert answer.status_code == 409
    assert "Other phones match by now" in answer.text and "Hits 2 phones" in answer.text
    assert _types(site, phone) == []
    assert _send(browser, answer.text).status_code == 303


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ({"type": "ping"}, "Choose phones that take this command."),
        ({"type": "ping", "device": [str(number) for number in range(MAX_CHOSEN + 1)]}, "At most"),
        ({"type": "nothing", "all": "yes"}, "There is no command"),
        ({"type": "ping", "all": "yes", "state": "nothing"}, "state is one of"),
    ],
)
def test_a_selection_that_cannot_be_used_says_what_to_do(site: Site, query: dict[str, object], says: str) -> None:
    site.enroll()
    answer = site.person().get("/devices/bulk", query_string=query, headers=ENGLISH)
    assert answer.status_code == 422 and says in html.unescape(answer.text)


def test_who_may_not_send_sees_no_boxes_and_no_page(site: Site) -> None:
    phone = site.enroll()
    officer = site.person("officer")
    assert "data-bulk-one" not in officer.get("/devices").text
    assert officer.get(f"/devices/bulk?type=ping&device={phone.id}").status_code == 403
    assert site.person().post("/devices/bulk", data={"type": "ping", "device": phone.id}).status_code == 400


def test_a_list_is_kept_under_a_name_shared_and_dropped(site: Site) -> None:
    site.enroll(org_unit="/总部/电销")
    browser = site.person()
    name = "<script>丢失"
    answer = submit(browser, "/devices/views/new?state=lost&evil=1", name=name, query="state=lost&evil=1", shared="yes")
    assert (answer.status_code, answer.location) == (303, "/devices?state=lost")
    own, shared = browser.get("/devices").text, site.person("leader").get("/devices").text
    for page in (own, shared):
        assert "<script>丢失" not in page and html.escape(name) in page and 'href="/devices?state=lost"' in page
    forget = re.search(r'formaction="(/devices/views/[^"]+/forget)"', own)
    assert forget and "/forget" not in shared
    stranger = site.person("leader")
    stolen = stranger.post(forget.group(1), data={"csrf_token": token_of(shared)})
    assert stolen.status_code in (400, 404)
    assert browser.post(forget.group(1), data={"csrf_token": token_of(own)}).status_code == 303
    assert html.escape(name) not in browser.get("/devices").text
    wrong = submit(browser, "/devices/views/new", CHINESE, name=" ", query="")
    assert wrong.status_code == 422 and "名称为" in wrong.text


def test_the_list_as_a_file_has_its_filters_no_formula_and_is_audited(site: Site) -> None:
    nasty = '=HYPERLINK("http://x";"y")'
    site.enroll(serial=nasty, org_unit="/总部/电销", person=site.company.wang)
    site.enroll(org_unit="/总部/客服")
    answer = site.person().get("/devices.csv?org_unit=/总部/电销", headers=ENGLISH)
    assert answer.mimetype == "text/csv" and "attachment" in answer.headers["Content-Disposition"]
    assert answer.data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert rows[0][:2] == ["Device id", "Serial"] and len(rows) == 2
    assert rows[1][1] == f"'{nasty}" and "王小明" in rows[1]
    assert len(list(csv.reader(io.StringIO(site.person("leader").get("/devices.csv").text)))) == 2
    entries = site.company.get("/audit", action="device.export").json["items"]
    assert entries[-1]["detail"]["filters"] == {"org_unit": "/总部/电销"} or entries[0]["detail"]["count"] == 1
