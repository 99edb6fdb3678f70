"""Holidays and make-up workdays: seeded, imported, provisional, and missed in time."""

from __future__ import annotations

import io
import json
from datetime import date
from typing import Any

import pytest
import xlsxwriter

from core.actor import system_actor
from core.uow import unit_of_work
from notify.models import InAppNotice
from policies import calendar_years
from policies.calendar_years import Missing
from tests.fleet.company import API
from tests.policies.conftest import office as office
from tests.policies.office import Office, document, policy

HOURS = '{work_hours: {calendar: cn, weekly: {mon-fri: ["09:00-18:00"]}}}'
CSV = "日期,类型,名称\n2027-10-01,节假日,国庆节\n2027/10/9,调休上班,\n"


def send(office: Office, content: bytes, **form: Any) -> Any:
    data = {"file": (io.BytesIO(content), "days"), **form}
    return office.company.client.post(f"{API}/calendars/cn/import", headers=office.company.admin, data=data)


def seed(office: Office, year: int, **more: Any) -> Any:
    answer = office.company.post("/calendars/cn/statutory", {"year": year, "save": True, **more})
    assert answer.status_code == 200, answer.json
    return answer.json


def days(office: Office) -> dict[str, Any]:
    spec = office.company.get("/documents/Calendar/cn").json["document"]["spec"]
    return {day["date"]: day for day in spec["days"]}


def missing(today: str) -> list[Missing]:
    with unit_of_work(write=False):
        return calendar_years.missing(system_actor("test"), date.fromisoformat(today))


def test_announced_years_have_their_make_up_workdays(office: Office) -> None:
    told = seed(office, 2026)
    assert (told["provisional"], told["years"], told["revision"]) == (0, [2026], 1)
    assert days(office)["2026-10-01"] == {"date": "2026-10-01", "kind": "holiday", "name": "国庆节"}
    assert days(office)["2026-10-10"] == {"date": "2026-10-10", "kind": "workday", "name": "国庆节调休"}


def test_a_year_that_is_not_announced_is_provisional_until_its_table_is_imported(office: Office) -> None:
    seed(office, 2026)
    told = seed(office, 2027)
    assert told["provisional"] == len(told["added"]) > 5
    assert days(office)["2027-01-01"]["provisional"] is True
    answer = send(office, CSV.encode("gb18030"), save="true")
    assert answer.status_code == 200, answer.json
    assert (answer.json["encoding"], answer.json["years"]) == ("gb18030", [2027])
    assert [day for day in days(office) if day.startswith("2027")] == ["2027-10-01", "2027-10-09"]
    assert "2026-10-01" in days(office)
    office.apply(policy("hours", HOURS), publish=False)


def test_tables_read_alike_from_csv_xlsx_and_json(office: Office) -> None:
    target = io.BytesIO()
    with xlsxwriter.Workbook(target) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["date", "kind", "name"])
        sheet.write_datetime(1, 0, date(2027, 10, 1), book.add_format({"num_format": "yyyy-mm-dd"}))
        sheet.write_row(1, 1, ["holiday", "国庆节"])
        sheet.write_row(2, 0, ["2027年10月9日", "班"])
    listed = [{"date": "2027-10-01", "kind": "holiday", "name": "国庆节"}, {"date": "2027-10-09", "kind": "workday"}]
    for content in (CSV.encode(), target.getvalue(), json.dumps(listed).encode()):
        answer = send(office, content)
        assert answer.status_code == 200, answer.json
        assert (answer.json["added"], answer.json["faults"]) == (listed, [])
    assert office.company.get("/documents").json["items"] == []


def test_dates_that_are_none_and_repeated_ones_are_named_and_left_out(office: Office) -> None:
    rows = "date,kind\n2027-02-30,holiday\n2027-10-01,holiday\n2027-10-01,workday\nsoon,holiday\n2027-10-02,perhaps\n"
    told = send(office, rows.encode()).json
    assert [(fault["line"], fault["code"]) for fault in told["faults"]] == [
        (2, "date"),
        (4, "date_twice"),
        (5, "date"),
        (6, "not_a_choice"),
    ]
    assert len(told["added"]) == 1


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"date,kind\nsoon,holiday\n", "no_days"), (b"a,b\n1,2\n", "missing_columns"), (b'["soon"]', "no_days")],
)
def test_what_is_no_table_is_refused_and_changes_nothing(office: Office, content: bytes, code: str) -> None:
    answer = send(office, content, save="true")
    assert (answer.status_code, answer.json["code"]) == (422, code)
    assert office.company.get("/documents").json["items"] == []


def test_from_november_on_a_calendar_that_lacks_the_next_year_is_told_of(office: Office) -> None:
    spec = "{days: [{date: 2026-10-01, kind: holiday}]}"
    office.apply(document("Calendar", "cn", spec) + policy("hours", HOURS))
    office.apply(document("Calendar", "unused", "{days: []}"))
    assert missing("2026-10-31") == []
    assert missing("2026-11-01") == [Missing(calendar="cn", year=2027, provisional=False)]
    assert missing("2027-01-01") == [Missing(calendar="cn", year=2027, provisional=False)]
    seed(office, 2027)
    assert missing("2026-11-01") == [Missing(calendar="cn", year=2027, provisional=False)], "a draft is not in force"
    office.company.post("/documents/Calendar/cn/publish", {"reason": "provisional"})
    assert missing("2026-11-01") == [Missing(calendar="cn", year=2027, provisional=True)]
    send(office, CSV.encode(), save="true")
    office.company.post("/documents/Calendar/cn/publish", {"reason": "announced"})
    assert missing("2026-11-01") == []


def test_who_publishes_policies_is_reminded(office: Office) -> None:
    office.apply(document("Calendar", "cn", "{days: []}") + policy("hours", HOURS))
    with unit_of_work():
        assert calendar_years.remind() >= 1
    with unit_of_work(write=False) as current:
        kinds = [row.kind for row in current.query(InAppNotice)]
    assert set(kinds) == {calendar_years.MISSING}


def test_a_cell_beyond_the_last_header_is_an_error_of_its_line(office: Office) -> None:
    told = send(office, b"date,kind\n2027-10-01,holiday,National Day\n2027-10-02,holiday,\n").json
    assert [(fault["line"], fault["code"]) for fault in told["faults"]] == [(2, "too_many_cells")]
    assert [day["date"] for day in told["added"]] == ["2027-10-02"]
