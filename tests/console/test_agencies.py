"""Outsourced agencies in the console: their last day, the list of them, and what the overview says."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.console.site import ENGLISH, Site, submit
from tests.identity import world

REASON = "contract ends"


def _today() -> date:
    return datetime.now(ZoneInfo("Asia/Shanghai")).date()


def _unit(site: Site, path: str = "/总部/外包甲") -> str:
    with site.app.app_context():
        return world.unit(path)


def test_a_last_day_is_set_with_a_reason_and_shown_wherever_the_unit_is(site: Site) -> None:
    unit, browser = _unit(site), site.person()
    day = _today() + timedelta(days=9)
    address = f"/org/{unit}/end"
    wrong = submit(browser, address, ENGLISH, ends_on=str(day), reason=REASON, typed="外包")
    assert wrong.status_code == 422 and "What you typed differs" in wrong.text and str(day) in wrong.text
    silent = submit(browser, address, ENGLISH, ends_on=str(day), reason=" ", typed="外包甲")
    assert silent.status_code == 422 and 'id="problem-reason"' in silent.text
    bad = submit(browser, address, ENGLISH, ends_on="soon", reason=REASON, typed="外包甲")
    assert bad.status_code == 422 and 'id="problem-ends_on"' in bad.text
    assert "Agencies ending" not in browser.get("/", headers=ENGLISH).text
    done = submit(browser, address, ends_on=str(day), reason=REASON, typed="外包甲")
    assert done.headers["Location"] == "/org/agencies"
    for page in ("/org", "/org/agencies"):
        text = browser.get(page, headers=ENGLISH).text
        assert "9 d left" in text and str(day) in text
    overview = browser.get("/", headers=ENGLISH).text
    assert "Agencies ending within 30 days" in overview and 'href="/org/agencies"' in overview
    entry = world.audit_items(site.visitor(), site.company.admin, action="org_unit.end")[0]
    assert entry["detail"] == {"from": None, "to": str(day), "reason": REASON}
    assert submit(browser, address, ends_on="", reason="renewed", typed="外包甲").headers["Location"] == "/org"
    assert "0 agencies" in browser.get("/org/agencies", headers=ENGLISH).text


def test_the_next_to_end_stands_first_and_the_ended_last(site: Site) -> None:
    browser = site.person()
    for name, days in (("甲", -3), ("乙", 90), ("丙", 5), ("丁", 0)):
        day = str(_today() + timedelta(days=days))
        answer = submit(browser, f"/org/{_unit(site, f'/总部/{name}')}/end", ends_on=day, reason=REASON, typed=name)
        assert answer.status_code == 303, answer.text
    page = browser.get("/org/agencies", headers=ENGLISH).text
    shown = ["Last day is today", "5 d left", "90 d left", "Ended 3 d ago"]
    assert sorted(shown, key=page.index) == shown


@pytest.mark.parametrize("username", ["officer"])
def test_whoever_only_reads_the_tree_sets_no_last_day(site: Site, username: str) -> None:
    unit, reader = _unit(site), site.person(username)
    assert reader.get("/org/agencies").status_code == 200
    assert reader.get(f"/org/{unit}/end").status_code == 403


def test_a_unit_elsewhere_has_no_form(site: Site) -> None:
    assert site.person().get("/org/00000000-0000-4000-8000-00000000ffff/end").status_code == 404
