from __future__ import annotations

from typing import Any

import pytest

from tests.fleet.company import API, Company
from tests.fleet.phone import Phone
from tests.identity import world


def announce(company: Company, serial: str | None = None, person: str = "E1024", **more: Any) -> Any:
    return company.post("/expected-phones", {"serial": serial, "person": person, **more})


def expected(company: Company, who: dict[str, str] | None = None, **query: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = company.get("/expected-phones", who, **query).json["items"]
    return items


def test_a_phone_that_was_announced_by_serial_comes_to_its_person_confirmed(company: Company) -> None:
    phone = Phone()
    made = announce(company, phone.serial.lower(), groups=["pilot"])
    assert (made.status_code, made.json["state"], made.json["serial"]) == (201, "awaited", phone.serial)
    assert made.json["person"]["employee_no"] == "E1024"
    company.enroll(phone, company.token(bind_expected=True, groups=["batch"]), employee_no="E2048")
    shown = company.device(phone)
    assert shown["holder"] == {"person": company.wang, "confirmed": True, "name": "王小明", "employee_no": "E1024"}
    assert (shown["org_unit"], shown["groups"]) == ("/总部/电销", ["batch", "pilot"])
    assert shown["serial_confirmed_at"] is not None
    assert shown["holdings"][0]["confirmed_by"] == f"expected:{made.json['id']}"
    [arrived] = expected(company)
    assert (arrived["state"], arrived["device"]) == ("arrived", phone.id)
    assert expected(company, state="awaited") == []
    assert company.get("/expected-phones/counts").json == {"awaited": 0, "arrived": 1}


def test_an_imei_announces_a_phone_too(company: Company) -> None:
    announce(company, imei=["860123456789012"])
    phone = company.enroll(token=company.token(bind_expected=True))
    assert company.device(phone)["holder"]["person"] == company.wang


def test_what_nobody_expects_stays_unconfirmed_and_so_does_all_with_another_token(company: Company) -> None:
    batch, plain = company.token(bind_expected=True), company.token()
    stranger = company.enroll(token=batch, employee_no="E1024")
    assert (company.device(stranger)["holder"]["confirmed"], company.device(stranger)["org_unit"]) == (False, "/")
    phone = Phone()
    announce(company, phone.serial)
    company.enroll(phone, plain)
    assert company.device(phone)["holder"]["person"] is None
    assert [one["state"] for one in expected(company)] == ["awaited"]


def unbound(company: Company, phone: Phone) -> Any:
    lines = company.get(f"/devices/{phone.id}/timeline", limit=200).json["items"]
    return next(line["detail"] for line in lines if line["code"] == "device.enrolled")["unbound"]


def test_a_phone_that_contradicts_what_was_announced_is_not_bound(company: Company) -> None:
    announce(company, "SN-OTHER-1", imei=["860123456789012"])
    phone = company.enroll(token=company.token(bind_expected=True))
    assert company.device(phone)["holder"]["confirmed"] is False
    assert unbound(company, phone) == "contradicts"


def test_a_row_serves_once_and_whoever_claims_it_second_stays_unconfirmed(company: Company) -> None:
    first, second = Phone(), Phone()
    announce(company, first.serial)
    token = company.token(bind_expected=True, allow_reenroll=True)
    company.enroll(first, token)
    second.serial = first.serial
    company.enroll(second, token)
    assert company.device(second)["holder"]["confirmed"] is False
    assert company.device(first)["state"] == "active"
    assert unbound(company, second) == "taken"


def test_a_row_is_over_once_an_administrator_confirmed_the_phone_that_came_another_way(company: Company) -> None:
    phone, thief = Phone(), Phone()
    announce(company, phone.serial)
    company.enroll(phone, company.token())
    thief.serial = phone.serial
    company.enroll(thief, company.token(bind_expected=True, allow_reenroll=True))
    assert (company.device(thief)["holder"]["confirmed"], unbound(company, thief)) == (False, "taken")
    company.post(f"/devices/{phone.id}/confirm", {"person": "E1024"})
    [row] = expected(company)
    assert (row["state"], row["device"]) == ("arrived", phone.id)
    assert company.device(phone)["state"] == "active"


def test_a_phone_that_left_can_be_announced_again(company: Company) -> None:
    first, second = Phone(), Phone()
    announce(company, first.serial)
    token = company.token(bind_expected=True)
    company.enroll(first, token)
    assert announce(company, first.serial, "E2048").json["code"] == "enrolled_already"
    company.post(f"/devices/{first.id}/revoke", {"reason": "退库"})
    assert announce(company, first.serial, "E2048").json["state"] == "awaited"
    second.serial = first.serial
    company.enroll(second, token)
    assert company.device(second)["holder"]["person"] == company.li


def test_a_token_of_one_unit_binds_nobody_of_another(company: Company) -> None:
    phone = Phone()
    announce(company, phone.serial, "E2048")
    company.enroll(phone, company.token(bind_expected=True, org_unit="/总部/电销"))
    shown = company.device(phone)
    assert (shown["holder"]["confirmed"], shown["org_unit"]) == (False, "/总部/电销")
    assert unbound(company, phone) == "elsewhere"


def test_a_holder_who_left_meanwhile_is_not_bound(company: Company) -> None:
    phone = Phone()
    announce(company, phone.serial)
    company.patch(f"/staff/{company.wang}", {"state": "inactive"})
    company.enroll(phone, company.token(bind_expected=True))
    assert unbound(company, phone) == "holder_left"


def test_a_unit_of_its_own_outweighs_the_holders_and_stays(company: Company) -> None:
    phone = Phone()
    announce(company, phone.serial, org_unit="/总部")
    company.enroll(phone, company.token(bind_expected=True))
    assert company.device(phone)["org_unit"] == "/总部"
    company.patch(f"/staff/{company.wang}", {"org_unit": "/总部/客服"})
    assert company.device(phone)["org_unit"] == "/总部"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"person": "E1024"}, "serial_or_imei_needed"),
        ({"serial": "x", "person": "E1024"}, "bad_serial_or_imei"),
        ({"serial": "unknown", "person": "E1024"}, "bad_serial_or_imei"),
        ({"imei": ["12345"], "person": "E1024"}, "bad_serial_or_imei"),
        ({"serial": "SN-1234", "person": "E9"}, "unknown_person"),
        ({"serial": "SN-1234", "person": "E1024", "org_unit": "/没有"}, "unknown_org_unit"),
        ({"serial": "SN-1234", "person": "E1024", "groups": ["大写"]}, "bad_group_name"),
    ],
)
def test_an_announcement_that_cannot_be_is_refused_with_what_to_do(
    company: Company, body: dict[str, Any], code: str
) -> None:
    answer = company.post("/expected-phones", body)
    assert (answer.status_code, answer.json["code"]) == (422, code)


def test_serial_and_imei_of_two_announced_phones_are_refused_together(company: Company) -> None:
    announce(company, "SN-AAAA")
    announce(company, imei=["860123456789012"])
    answer = announce(company, "SN-AAAA", imei=["860123456789012"])
    assert answer.json["code"] == "two_phones"


def test_one_sees_and_announces_for_ones_own_part_of_the_tree(company: Company) -> None:
    mine, theirs = announce(company, "SN-MINE").json, announce(company, "SN-THEIRS", "E2048").json
    assert [one["id"] for one in expected(company, company.leader)] == [mine["id"]]
    gone = company.client.delete(f"{API}/expected-phones/{theirs['id']}", headers=company.leader)
    assert gone.status_code == 404
    for person, code in (("E2048", "unknown_person"), ("E1024", "announced_elsewhere")):
        answer = company.post("/expected-phones", {"serial": "SN-THEIRS", "person": person}, company.leader)
        assert answer.json["code"] == code
    assert len(expected(company)) == 2


def test_an_announcement_is_changed_found_and_removed(company: Company) -> None:
    phone = announce(company, "SN-AAAA").json
    again = announce(company, "SN-AAAA", "E2048").json
    assert (again["id"], again["person"]["employee_no"]) == (phone["id"], "E2048")
    assert [one["id"] for one in expected(company, q="李四")] == [phone["id"]]
    assert [one["id"] for one in expected(company, q="sn-aa")] == [phone["id"]]
    assert expected(company, q="王小明") == []
    gone = company.client.delete(f"{API}/expected-phones/{phone['id']}", headers=company.admin)
    assert (gone.status_code, expected(company)) == (204, [])
    assert announce(company, "SN-AAAA").status_code == 201


def test_a_token_cannot_name_a_person_and_bind_too(company: Company) -> None:
    answer = company.post("/enrollment-tokens", {"person": "E1024", "bind_expected": True})
    assert (answer.status_code, answer.json["code"]) == (422, "person_or_expected")


def test_only_who_may_announces(company: Company) -> None:
    world.person("auditor", "auditor")
    who = world.headers("auditor")
    assert company.post("/expected-phones", {"serial": "SN-1234", "person": "E1024"}, who).status_code == 403
    assert company.get("/expected-phones", who).status_code == 200
