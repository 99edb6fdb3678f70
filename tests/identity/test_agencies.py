"""Outsourced agencies: after their last day nobody signs in, and their phones stand out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
import time_machine

from compliance import evaluate, facts
from compliance.checks import agency
from core.uow import unit_of_work
from fleet import findings
from identity import agencies
from tests.fleet.company import API
from tests.policies.conftest import office as office
from tests.policies.office import Office

SECRET = "一个很长的口令 correct horse 42"


@pytest.fixture
def unit(office: Office) -> Iterator[dict[str, Any]]:
    made = office.company.post("/org-units", {"name": "外包一部", "parent": "/总部/电销"})
    assert made.status_code == 201, made.json
    yield made.json


def end(office: Office, unit: dict[str, Any], ends_on: str | None, reason: str = "contract") -> Any:
    return office.company.client.put(
        f"{API}/org-units/{unit['id']}/end",
        json={"ends_on": ends_on, "reason": reason},
        headers=office.company.admin,
    )


def test_a_last_day_is_shown_audited_and_taken_away(office: Office, unit: dict[str, Any]) -> None:
    assert end(office, unit, "2030-06-30").json["ends_on"] == "2030-06-30"
    entry = office.company.get("/audit", action="org_unit.end").json["items"][0]
    assert entry["detail"] == {"from": None, "to": "2030-06-30", "reason": "contract"}
    assert end(office, unit, None).json["ends_on"] is None


def test_a_unit_ends_with_the_earliest_of_its_own_day_and_those_above(office: Office, unit: dict[str, Any]) -> None:
    below = office.company.post("/org-units", {"name": "一组", "parent": unit["org_unit"]}).json
    end(office, unit, "2030-06-30")
    end(office, below, "2031-01-01")
    with unit_of_work(write=False):
        assert agencies.ends_of([below["id"]]) == {below["id"]: datetime(2030, 6, 30, 16, tzinfo=UTC)}


@pytest.mark.parametrize("bad", ["soon", "2030-02-30", "30.06.2030"])
def test_what_is_no_day_is_refused(office: Office, unit: dict[str, Any], bad: str) -> None:
    assert end(office, unit, bad).status_code == 422
    assert office.company.get(f"/org-units/{unit['id']}").json["ends_on"] is None


def test_the_root_and_ones_own_unit_do_not_end(office: Office) -> None:
    root = office.company.get("/org-units").json["items"][0]
    assert root["org_unit"] == "/"
    assert end(office, root, "2030-01-01").json["code"] == "root_unit"


def test_after_the_last_day_its_people_are_signed_out_and_sign_in_no_more(office: Office, unit: dict[str, Any]) -> None:
    person = {"name": "外包", "username": "outside", "password": SECRET, "org_unit": unit["org_unit"]}
    made = office.company.post("/staff", {**person, "roles": ["supervisor"]})
    assert made.status_code == 201, made.json

    def sign_in() -> Any:
        return office.company.client.post(f"{API}/auth/token", json={"username": "outside", "password": SECRET})

    token = {"Authorization": f"Bearer {sign_in().json['access_token']}"}
    assert office.company.client.get(f"{API}/devices", headers=token).status_code == 200
    end(office, unit, date.today().replace(year=2020).isoformat())
    assert office.company.client.get(f"{API}/devices", headers=token).status_code == 401
    assert sign_in().status_code == 401
    end(office, unit, None)
    assert sign_in().status_code == 200


def test_its_phones_stand_out_after_the_last_day(office: Office, unit: dict[str, Any]) -> None:
    phone = office.phone(unit["org_unit"])
    end(office, unit, "2030-06-30")

    def judged(moment: datetime) -> bool:
        with time_machine.travel(moment, tick=False), unit_of_work(write=False):
            judgement = agency.judge(facts.load([phone.id])[phone.id], moment)
            return judgement.present

    assert not judged(datetime(2030, 6, 30, 15, 59, tzinfo=UTC))
    assert judged(datetime(2030, 6, 30, 16, 0, tzinfo=UTC))
    end(office, unit, "2020-01-01")
    with unit_of_work():
        evaluate.run([phone.id])
    with unit_of_work(write=False):
        assert "agency_ended" in {finding.code for finding in findings.open_of([phone.id])[phone.id]}
