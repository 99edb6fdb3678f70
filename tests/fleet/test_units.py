from __future__ import annotations

from typing import Any

from core import clock
from core.uow import unit_of_work
from fleet import findings
from fleet.events import DeviceChange, devices_changed
from fleet.findings import Observation
from tests.fleet.company import API, Company, hear
from tests.identity import world


def remove(company: Company, unit: str) -> Any:
    return company.client.delete(f"{API}/org-units/{unit}", headers=company.admin)


def test_a_unit_stays_while_phones_or_tokens_belong_to_it(company: Company) -> None:
    unit = world.unit("/总部/新部门")
    made = company.post("/enrollment-tokens", {"max_uses": 2, "expires_in": 600, "org_unit": "/总部/新部门"}).json
    assert remove(company, unit).json["code"] == "unit_in_use"
    phone = company.enroll(token=made["token"])
    company.client.delete(f"{API}/enrollment-tokens/{made['id']}", headers=company.admin)
    assert remove(company, unit).json["code"] == "unit_in_use"
    company.post(f"/devices/{phone.id}/revoke", {"reason": "部门撤销"})
    assert remove(company, unit).status_code == 204
    assert company.device(phone)["org_unit"] == ""


def test_a_unit_stays_while_a_phone_is_announced_for_it(company: Company) -> None:
    unit = world.unit("/总部/新部门")
    awaited = {"serial": "R58N1", "person": "E1024", "org_unit": "/总部/新部门"}
    made = company.post("/expected-phones", awaited)
    assert made.status_code == 201, made.json
    assert remove(company, unit).json["code"] == "unit_in_use"
    company.client.delete(f"{API}/expected-phones/{made.json['id']}", headers=company.admin)
    assert remove(company, unit).status_code == 204


def test_a_phone_follows_its_holder_unless_its_token_placed_it(company: Company) -> None:
    follows = company.enroll(token=company.token(person="E1024"))
    stays = company.enroll(token=company.token(person="E1024", org_unit="/总部/电销"))
    claimed = company.enroll(employee_no="E1024")
    told: list[tuple[str, str]] = []

    def listen(_sender: Any, changes: list[DeviceChange]) -> None:
        told.extend((change.device_id, change.what) for change in changes)

    with devices_changed.connected_to(listen):
        moved = company.patch(f"/staff/{company.wang}", {"org_unit": "/总部/客服"})
    assert moved.status_code == 200
    assert [company.device(phone)["org_unit"] for phone in (follows, stays, claimed)] == [
        "/总部/客服",
        "/总部/电销",
        "/",
    ]
    assert told == [(follows.id, "unit")]


def test_a_holder_who_left_is_a_finding_until_somebody_else_holds_the_phone(company: Company) -> None:
    phone = company.enroll(token=company.token(person="E1024"))
    company.client.delete(f"{API}/staff/{company.wang}", headers=company.admin)
    assert [one["code"] for one in company.device(phone)["compliance"]["findings"]] == ["holder_inactive"]
    company.post(f"/devices/{phone.id}/confirm", {"person": "E2048"})
    assert company.device(phone)["compliance"]["findings"] == []


def test_the_figures_count_phones_and_findings(company: Company) -> None:
    token = company.token()
    phone, _ = company.enroll(token=token), company.enroll(token=token)
    hear(phone.heartbeat(clock.now()))
    with unit_of_work():
        findings.observe([Observation(phone.id, "root", True)])
    text = company.client.get("/metrics").text
    assert 'shouji_devices{state="active"} 2.0' in text
    assert "shouji_devices_online 1.0" in text
    assert 'shouji_device_findings{code="root"} 1.0' in text
