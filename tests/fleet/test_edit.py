"""What an administrator changes about a phone: its org unit and its groups."""

from __future__ import annotations

import pytest

from core.errors import Conflict, Forbidden, Invalid, NotFound, ShoujiError
from core.uow import unit_of_work
from fleet import edit, groups, states
from tests.fleet.company import Company
from tests.identity import world


def test_a_phone_is_moved_and_stays_there(company: Company) -> None:
    phone = company.enroll(token=company.token(person=company.wang))
    admin = world.actor("admin")
    for _ in range(2):
        with unit_of_work():
            edit.place(admin, phone.id, org_unit="/总部/客服")
    assert company.device(phone)["org_unit"] == "/总部/客服"
    assert company.timeline(phone, "holder").count("unit.changed") == 1
    moves = world.audit_items(company.client, company.admin, action="device.move")
    assert [entry["target_id"] for entry in moves] == [phone.id]


def test_groups_are_given_and_taken_those_of_a_query_are_not(company: Company) -> None:
    phone = company.enroll(token=company.token(groups=["pilot"]))
    admin = world.actor("admin")
    with unit_of_work():
        groups.ensure(["sales"])
        groups.replace(admin, "androids", [phone.id], query="os = android")
    with unit_of_work():
        edit.place(admin, phone.id, in_groups=["sales"])
    assert company.device(phone)["groups"] == ["androids", "sales"]
    with unit_of_work():
        groups.replace(admin, "sales", [])
    assert company.device(phone)["groups"] == ["androids", "sales"], "a document takes nothing that a person put there"
    with pytest.raises(Invalid), unit_of_work():
        edit.place(admin, phone.id, in_groups=["androids"])


@pytest.mark.parametrize(
    ("who", "unit", "error"),
    [
        ("officer", "/总部/客服", Forbidden),
        ("leader", "/总部/客服", NotFound),
        ("admin", "/nowhere", Invalid),
    ],
)
def test_who_may_not_or_names_nothing_changes_nothing(
    company: Company, who: str, unit: str, error: type[ShoujiError]
) -> None:
    phone = company.enroll(token=company.token(org_unit="/总部/客服"))
    actor = world.actor(who)
    with pytest.raises(error), unit_of_work():
        edit.place(actor, phone.id, org_unit=unit)
    assert company.device(phone)["org_unit"] == "/总部/客服"


def test_a_closed_phone_is_not_changed(company: Company) -> None:
    phone = company.enroll()
    admin = world.actor("admin")
    with unit_of_work():
        states.revoke(admin, phone.id, "sold")
    with pytest.raises(Conflict), unit_of_work():
        edit.place(admin, phone.id, org_unit="/总部")
    with pytest.raises(Conflict), unit_of_work():
        edit.place(admin, phone.id, in_groups=[])
