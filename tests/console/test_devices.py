"""The device list and the page of one phone."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from console import device_view
from core.permissions import Permission
from core.text import Text
from fleet.views import Compliance, DeviceView, Holder, PolicyView, PresenceView
from identity import roles
from tests.console.site import ENGLISH, Site
from tests.fleet.phone import Phone
from tests.policies.office import hear, report

NASTY = "<img src=x onerror=alert(1)>"


def _row(page: str, phone: Phone) -> str:
    found = re.search(rf'<tr id="device-{phone.id}".*?</tr>', page, re.S)
    assert found, f"no row of {phone.id}"
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", found.group(0))))


def _shown(page: str) -> set[str]:
    return set(re.findall(r'<tr id="device-([^"]+)"', page))


def test_a_row_tells_phone_holder_unit_presence_policy_compliance_and_state(site: Site) -> None:
    phone = site.enroll(person=site.company.wang)
    site.observe(phone, "root")
    site.observe(phone, "developer_mode")
    row = _row(site.person().get("/devices", headers=ENGLISH).text, phone)
    for part in (phone.serial, "王小明", "confirmed", "E1024", "/总部/电销", "Never online", "Pending"):
        assert part in row
    assert "Not compliant" in row and "and 1 more" in row
    assert row.rstrip().endswith("Active")


def test_an_unconfirmed_holder_is_marked(site: Site) -> None:
    phone = site.enroll()
    with site.app.app_context():
        claimed = site.company.enroll(Phone(), site.company.token(org_unit="/总部/电销"), employee_no="E1024")
    page = site.person().get("/devices", headers=ENGLISH).text
    assert "not confirmed" in _row(page, claimed)
    assert "None" in _row(page, phone)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=王小", {"wang"}),
        ("q=e2048", {"li"}),
        ("org_unit=/总部/电销", {"wang"}),
        ("group=pilot", {"li"}),
        ("state=lost", set()),
        ("state=active&online=false", {"wang", "li"}),
        ("online=true", set()),
        ("q=&state=&online=&org_unit=&group=", {"wang", "li"}),
    ],
)
def test_filters_stand_in_the_address(site: Site, query: str, found: set[str]) -> None:
    phones = {
        "wang": site.enroll(person=site.company.wang),
        "li": site.enroll(person=site.company.li, groups=["pilot"]),
    }
    page = site.person().get(f"/devices?{query}", headers=ENGLISH).text
    assert _shown(page) == {phones[name].id for name in found}
    total = f"{len(found)} phone{'' if len(found) == 1 else 's'}"
    assert f'<span class="list-total">{total}</span>' in page


def test_the_chosen_filters_are_shown_in_their_fields_and_escaped(site: Site) -> None:
    page = site.person().get("/devices", query_string={"q": f'"{NASTY}', "state": "lost"}).text
    assert '<option value="lost" selected>' in page
    assert NASTY not in page and html.escape(f'"{NASTY}').replace("&quot;", "&#34;") in page


def test_pages_follow_each_other_and_keep_the_filters(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.devices.LIMIT", 2)
    phones = {site.enroll().id for _ in range(5)}
    browser = site.person()
    address, seen = "/devices?state=active", []
    for _ in range(3):
        page = browser.get(address, headers=ENGLISH).text
        seen.append(_shown(page))
        assert "5 phones" in page
        following = re.search(r'href="([^"]+)" rel="next"', page)
        address = html.unescape(following.group(1)) if following else ""
    assert not address and [len(ids) for ids in seen] == [2, 2, 1]
    assert set().union(*seen) == phones
    assert 'href="/devices?state=active"' in page, "the way back to the first page keeps the filter"


def test_an_empty_fleet_says_what_to_do_next(site: Site) -> None:
    page = site.person().get("/devices", headers=ENGLISH).text
    assert "No phones yet" in page
    assert 'href="/docs#post-api-v1-enrollment-tokens"' in page
    docs = site.person().get("/docs").text
    assert 'id="post-api-v1-enrollment-tokens"' in docs


def test_filters_that_find_nothing_offer_to_clear_them(site: Site) -> None:
    site.enroll()
    page = site.person().get("/devices?q=nothing-like-this", headers=ENGLISH).text
    assert "No phone matches" in page and "Clear all filters" in page and "No phones yet" not in page


def test_what_phones_and_people_are_called_never_becomes_markup(site: Site) -> None:
    phone = site.enroll(serial=f"SN{NASTY}")
    browser = site.person()
    for address in ("/devices", f"/devices/{phone.id}"):
        page = browser.get(address).text
        assert NASTY not in page
        assert html.escape(NASTY) in page


def test_a_leader_sees_their_own_part_of_the_tree_only(site: Site) -> None:
    own, foreign = site.enroll(org_unit="/总部/电销"), site.enroll(org_unit="/总部/客服")
    browser = site.person("leader")
    page = browser.get("/devices", headers=ENGLISH).text
    assert _shown(page) == {own.id} and "1 phone<" in page
    assert browser.get(f"/devices/{own.id}").status_code == 200
    hidden = browser.get(f"/devices/{foreign.id}", headers=ENGLISH)
    missing = browser.get("/devices/00000000-0000-0000-0000-000000000000", headers=ENGLISH)
    assert hidden.status_code == missing.status_code == 404
    assert "There is no such phone." in hidden.text and "There is no such phone." in missing.text


def test_htmx_gets_the_part_that_changes_and_history_the_whole_page(site: Site) -> None:
    site.enroll()
    browser = site.person()
    part = browser.get("/devices?state=active", headers={"HX-Request": "true"}).text
    assert part.lstrip().startswith('<section class="card list" id="devices"') and "<html" not in part
    assert 'hx-get="/devices?state=active"' in part
    whole = browser.get("/devices", headers={"HX-Request": "true", "HX-History-Restore-Request": "true"}).text
    assert "<html" in whole


def test_the_list_costs_the_same_number_of_queries_however_long_it_is(site: Site) -> None:
    browser = site.person()
    for _ in range(2):
        site.enroll(person=site.company.wang, groups=["pilot"])
    few = site.queries(browser, "/devices")
    for _ in range(10):
        site.observe(site.enroll(person=site.company.li, groups=["pilot"]), "root")
    assert site.queries(browser, "/devices") == few


def test_the_page_of_a_phone_tells_three_presence_values_policy_commands_and_history(site: Site) -> None:
    phone = site.enroll(person=site.company.wang)
    site.observe(phone, "root")
    sent = site.company.post(f"/devices/{phone.id}/commands", {"type": "lock", "args": {}, "reason": "left in a taxi"})
    assert sent.status_code == 202, sent.json
    page = site.person().get(f"/devices/{phone.id}", headers=ENGLISH).text
    for part in ("Last heartbeat", "Policy report", "Offline", "Rooted", phone.serial, "left in a taxi", "Queued"):
        assert part in page
    assert "Rooted: found" in page and "Enrolled" in page


def test_whoever_may_not_see_commands_or_policies_gets_the_page_without_them(site: Site) -> None:
    phone = site.enroll()
    assert 'id="part-commands"' in site.person("officer").get(f"/devices/{phone.id}").text
    with pytest.MonkeyPatch.context() as patch:
        kept = frozenset({Permission.DEVICE_READ})
        patch.setitem(roles.PERMISSIONS, roles.Role.COMPLIANCE_OFFICER, kept)
        page = site.person("officer").get(f"/devices/{phone.id}").text
    assert phone.serial in page
    assert 'id="part-commands"' not in page and 'id="part-policy"' not in page


def _device(desired: dict[str, Any], reported: dict[str, Any]) -> DeviceView:
    return DeviceView(
        id="d",
        state="active",
        serial="s",
        manufacturer="m",
        model="m",
        os="android",
        os_version="14",
        agent_version="1",
        holder=Holder(person=None, confirmed=False),
        org_unit="/",
        groups=[],
        enrolled_at=datetime(2026, 11, 23, tzinfo=UTC),
        presence=PresenceView(online=False, last_seen_at=None, since=None),
        policy=PolicyView(desired=desired, reported=reported),
        compliance=Compliance(state="unknown", findings=[]),
    )


@pytest.mark.parametrize(
    ("desired", "generation", "outcome", "says"),
    [
        (None, None, None, Text("无策略", "No policy")),
        (5, None, None, Text("待生效", "Pending")),
        (5, 4, "applied", Text("待生效", "Pending")),
        (5, 5, "applied", Text("已生效", "Applied")),
        (5, 5, "rejected", Text("已拒绝", "Rejected")),
        (5, None, "rejected", Text("已拒绝", "Rejected")),
        (5, 5, "failed", Text("失败，将重试", "Failed, will retry")),
        (5, 4, "failed", Text("待生效", "Pending")),
    ],
)
def test_the_policy_cell_compares_desired_with_reported(
    desired: int | None, generation: int | None, outcome: str | None, says: Text
) -> None:
    cell = device_view.policy(
        _device({"generation": desired}, {"generation": generation, "outcome": outcome, "at": None})
    )
    assert cell.label.text == says


def test_generations_are_cut_to_what_tells_them_apart() -> None:
    assert device_view.short(1764000000123) == "000123"
    assert device_view.short(None) == "–"


@pytest.mark.parametrize("at", ["9999-12-31T23:59:59.999Z", "0001-01-01T00:00:00.000Z"])
def test_a_phone_that_reports_from_the_end_of_the_calendar_is_shown_all_the_same(site: Site, at: str) -> None:
    phone = site.enroll()
    with site.app.app_context():
        assert hear(report(phone, at=at)) == []
    browser = site.person()
    assert phone.id in _shown(browser.get("/devices").text)
    assert browser.get(f"/devices/{phone.id}").status_code == 200
