from __future__ import annotations

from typing import Any

from sqlalchemy import select

from compliance import jobs
from core.db import session
from core.uow import unit_of_work
from fleet.models import Finding
from tests.compliance.bureau import Bureau

PATH = "/compliance/history"


def sample() -> None:
    with unit_of_work():
        jobs.sample_history()


def read(bureau: Bureau, days: int, who: dict[str, str] | None = None, **query: Any) -> Any:
    answer = bureau.company.get(PATH, who, days=days, **query)
    assert answer.status_code == 200, answer.json
    return answer.json


def test_counts_are_kept_by_hour_and_the_newest_of_a_day_by_day(bureau: Bureau) -> None:
    bureau.rule()
    phone = bureau.phone()
    sample()
    bureau.beat(phone, rooted=True)
    sample()
    (hour,) = read(bureau, 1)["points"]
    assert (hour["states"], hour["codes"]) == ({"noncompliant": 1}, {"root": 1, "holder_unconfirmed": 1})
    with bureau.at(hours=1):
        bureau.beat(phone)
        sample()
        shown = read(bureau, 7)
        assert (shown["span"], [one["states"] for one in shown["points"]]) == (
            "hour",
            [{"noncompliant": 1}, {"compliant": 1}],
        )
        daily = read(bureau, 30)
        assert (daily["span"], daily["points"][-1]["states"]) == ("day", {"compliant": 1})
        assert "root" not in daily["points"][-1]["codes"]


def test_units_are_added_up_for_whoever_asks(bureau: Bureau) -> None:
    for unit in ("/总部/电销", "/总部/电销", "/总部/客服"):
        bureau.phone(unit)
    sample()
    company = bureau.company
    assert read(bureau, 1)["points"][0]["states"] == {"compliant": 3}
    assert read(bureau, 1, company.leader)["points"][0]["states"] == {"compliant": 2}
    assert read(bureau, 1, org_unit="/总部/客服")["points"][0]["states"] == {"compliant": 1}
    assert company.get(PATH, company.leader, days=1, org_unit="/总部/客服").status_code == 422


def test_hours_are_forgotten_before_days(bureau: Bureau) -> None:
    bureau.phone()
    sample()
    with bureau.at(days=9):
        with unit_of_work():
            jobs.forget()
        assert read(bureau, 7)["points"] == []
        assert len(read(bureau, 30)["points"]) == 1
    with bureau.at(days=401):
        with unit_of_work():
            jobs.forget()
        assert read(bureau, 400)["points"] == []


def test_closed_findings_are_kept_for_a_good_year(bureau: Bureau) -> None:
    bureau.rule()
    phone = bureau.phone()
    bureau.beat(phone, rooted=True)
    bureau.beat(phone)
    for days, kept in ((399, True), (402, False)):
        with bureau.at(days=days), unit_of_work():
            jobs.forget()
            query = select(Finding.id).where(Finding.device_id == phone.id, Finding.closed_at.is_not(None))
            assert bool(list(session().scalars(query))) is kept


def test_so_many_days_are_asked_for_and_no_more(bureau: Bureau) -> None:
    for days in (0, 401):
        assert bureau.company.get(PATH, days=days).status_code in (400, 422)
