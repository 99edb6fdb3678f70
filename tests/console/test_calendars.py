"""Calendars in the console: a year day by day, where it comes from, what is missing, and days that are imported."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime

import pytest
import time_machine
from flask.testing import FlaskClient

from tests.console.site import ENGLISH, Site, submit, token_of
from tests.policies.office import document, policy

HOURS = "{work_hours: {calendar: cn, weekly: {mon-fri: ['09:00-18:00']}}}"
DAYS = (
    "{days: [{date: 2026-10-01, kind: holiday, name: 国庆节}, {date: 2026-10-10, kind: workday, name: 调休}, "
    "{date: 2027-01-01, kind: holiday, name: 元旦, provisional: true}]}"
)


@pytest.fixture
def ready(site: Site) -> Site:
    """A calendar with one year of its own and one that is provisional, followed by a policy."""
    answer = site.company.client.post(
        "/api/v1/documents/apply?publish=true&reason=x",
        data=(document("Calendar", "cn", DAYS) + policy("sales", HOURS)).encode(),
        content_type="application/yaml",
        headers=site.company.admin,
    )
    assert answer.status_code == 200, answer.json
    return site


def _previewed(browser: FlaskClient, **fields: object) -> tuple[str, dict[str, str]]:
    """The preview of an import, and the form on it."""
    token = token_of(browser.get("/calendar-import").text)
    page = browser.post("/calendar-import", data={"csrf_token": token, **fields}, headers=ENGLISH).text
    hidden = re.findall(r'<input type="hidden"\s+name="(name|revision|table|csrf_token)"\s+value="([^"]*)"', page)
    return page, {name: value.replace("&#34;", '"').replace("&quot;", '"') for name, value in hidden}


def test_a_year_shows_each_day_what_the_hours_are_and_where_the_table_comes_from(ready: Site) -> None:
    page = ready.person().get("/calendars/cn?year=2026", headers=ENGLISH).text
    cells = re.findall(r'<li class="day-(\w+)[^"]*"\s+title="([^"]*)"', page)
    assert len(cells) == 365
    said = {title[:10]: (kind, title) for kind, title in cells}
    assert said["2026-10-01"] == ("holiday", "2026-10-01 · Statutory holiday · 国庆节 · sales closed")
    assert said["2026-10-10"] == ("makeup", "2026-10-10 · Make-up workday · 调休 · sales 09:00-18:00")
    assert said["2026-10-12"] == ("workday", "2026-10-12 · Workday · sales 09:00-18:00")
    assert said["2026-10-11"][0] == "weekend"
    assert "Imported or edited" in page and "Days off: 1, make-up workdays: 1" in page
    assert 'href="/policies/Policy/sales"' in page
    later = ready.person().get("/calendars/cn?year=2027", headers=ENGLISH).text
    assert "Provisional, not announced" in later and "provisional" in later
    assert "No days of this year" in ready.person().get("/calendars/cn?year=2029", headers=ENGLISH).text


@pytest.mark.parametrize(("address", "status"), [("?year=x", 422), ("?year=1234", 422), ("?year=20260", 422)])
def test_a_year_that_is_none_is_refused(ready: Site, address: str, status: int) -> None:
    assert ready.person().get(f"/calendars/cn{address}").status_code == status


@pytest.mark.parametrize(("month", "named"), [(10, False), (11, True)])
def test_from_november_what_is_missing_is_named_with_the_way_to_import_it(ready: Site, month: int, named: bool) -> None:
    with time_machine.travel(datetime(2026, month, 20, 4, tzinfo=UTC), tick=False):
        browser = ready.person()
        pages = [browser.get(address, headers=ENGLISH).text for address in ("/calendars", "/calendars/cn", "/")]
    assert ["2027 provisional" in pages[0], "2027 are provisional" in pages[1]] == [named, named]
    assert ("Calendars without holidays" in pages[2]) is named
    assert ("/calendar-import?name=cn&amp;year=2027" in pages[0]) is named


def test_announced_days_are_previewed_kept_as_a_draft_and_published(ready: Site) -> None:
    browser = ready.person()
    page, form = _previewed(browser, name="cn", year="2026")
    assert "All days of these years are replaced" in page and "国庆节" in page
    saved = browser.post("/calendar-import/save", data=form)
    assert saved.headers["Location"] == "/calendars/cn?year=2026&show=draft", saved.text
    draft = browser.get("/calendars/cn?year=2026&show=draft", headers=ENGLISH).text
    assert "Announced (built in)" in draft and "The draft is shown" in draft
    assert "Imported or edited" in browser.get("/calendars/cn?year=2026", headers=ENGLISH).text
    stale = browser.post("/calendar-import/save", data={**form, "table": form["table"].replace("国庆节", "国庆")})
    assert stale.status_code == 409
    publish = {"reason": "announced", "accept_looser": "yes"}
    assert submit(browser, "/policies/Calendar/cn/publish", **publish).status_code == 303
    assert "Announced (built in)" in browser.get("/calendars/cn?year=2026", headers=ENGLISH).text


def test_a_table_makes_a_calendar_and_its_faulty_lines_are_told(ready: Site) -> None:
    browser = ready.person()
    table = "日期,类型,名称\n2028-01-01,节假日,元旦\n2028-13-01,节假日,\n".encode("gb18030")
    page, form = _previewed(browser, name="second", year="", file=(io.BytesIO(table), "days.csv"))
    assert "Wrong lines, left out: 1" in page and "Line 3" in page and "元旦" in page
    assert browser.post("/calendar-import/save", data=form).status_code == 303
    assert "2028" in browser.get("/calendars/second?year=2028").text
    for fields in ({"name": "cn", "year": "1990"}, {"name": "Not A Name", "year": "2026"}):
        token = token_of(browser.get("/calendar-import").text)
        refused = browser.post("/calendar-import", data={"csrf_token": token, **fields}, headers=ENGLISH)
        assert refused.status_code == 422 and fields["name"] in refused.text


def test_whoever_only_reads_documents_imports_nothing(ready: Site) -> None:
    officer = ready.person("officer")
    assert officer.get("/calendars").status_code == officer.get("/calendars/cn").status_code == 200
    assert officer.get("/calendar-import").status_code == 403
    assert officer.get("/calendars/none").status_code == 404
