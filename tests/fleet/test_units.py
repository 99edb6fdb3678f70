from __future__ import annotations

from typing import Any

from tests.fleet.company import API, Company
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
