"""Phones that go to laxer rules wait for a second person, however they get there; people move at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from core.actor import Actor
from core.errors import Waits
from core.uow import unit_of_work
from fleet import edit, holders
from identity import people, person_rows
from identity.people import PersonChanges
from tests.fleet.phone import Phone
from tests.identity import world
from tests.identity.world import SYSTEM
from tests.policies.office import Office, assignment, document, policy
from tests.policies.waiting import STRICT, Waiting, asking

BOTH = ["screenshot", "share_contact_card"]
AWAY = "/总部/客服"


@pytest.fixture
def waiting(office: Office, monkeypatch: pytest.MonkeyPatch) -> Iterator[Waiting]:
    """The setting is on."""
    world.person("hr", "it_admin")
    with asking(office, monkeypatch) as made:
        yield made


def author() -> Actor:
    """Who may move phones and publish."""
    return world.actor("author")


def place(phone: Phone, **where: Any) -> str:
    """Id of the approval that a phone's new place waits for."""
    who = author()
    with pytest.raises(Waits) as held, unit_of_work():
        edit.place(who, phone.id, **where)
    return str(held.value.approval.id)


def with_holder(office: Office) -> Phone:
    """A phone in the strict unit because its confirmed holder is there."""
    phone = office.phone()
    office.company.post(f"/devices/{phone.id}/confirm", {"person": "E1024"})
    office.apply(policy("sales", STRICT) + assignment("everywhere", "sales", "{org_unit: /总部/电销}"))
    assert office.rules(phone)["protection"]["deny"] == BOTH
    return phone


def transfer(office: Office, unit: str = AWAY) -> None:
    """HR moves the holder, and may not publish anything."""
    who = world.actor("hr")
    with unit_of_work():
        people.change(who, office.company.wang, PersonChanges(frozenset({"org_unit"}), org_unit=unit))


def unit_of_wang(office: Office) -> str:
    """Where the holder is."""
    with unit_of_work(write=False):
        return people.get(SYSTEM, office.company.wang).org_unit


def pending(waiting: Waiting, kind: str = "device.follow") -> list[dict[str, Any]]:
    """What waits, of a kind."""
    items = waiting.office.company.get("/approvals", state="pending").json["items"]
    return [one for one in items if one["kind"] == kind]


def test_a_phone_that_moves_to_laxer_rules_waits(waiting: Waiting) -> None:
    phone = waiting.strict()
    asked = place(phone, org_unit=AWAY)
    assert waiting.office.company.device(phone)["org_unit"] == "/总部/电销"
    waiting.approve(asked)
    assert (waiting.office.company.device(phone)["org_unit"], waiting.denied(phone)) == (AWAY, [])


def test_a_phone_that_was_moved_elsewhere_meanwhile_is_not_moved_again(waiting: Waiting) -> None:
    phone = waiting.strict()
    world.unit("/总部/电销/二组")
    asked = place(phone, org_unit=AWAY)
    who = author()
    with unit_of_work():
        edit.place(who, phone.id, org_unit="/总部/电销/二组")
    waiting.void(asked, "base_changed")
    assert waiting.denied(phone) == BOTH


def test_a_phone_that_leaves_a_group_for_laxer_rules_waits(waiting: Waiting) -> None:
    phone = waiting.office.phone()
    waiting.office.apply(
        document("Group", "guarded", f"{{devices: [{phone.id}]}}")
        + policy("sales", STRICT)
        + assignment("guarded", "sales", "{group: guarded}")
    )
    asked = place(phone, in_groups=[])
    assert waiting.denied(phone) == BOTH
    waiting.approve(asked)
    assert waiting.denied(phone) == []


def test_a_phone_that_is_confirmed_for_somebody_with_laxer_rules_waits(waiting: Waiting) -> None:
    phone = with_holder(waiting.office)
    who = author()
    with pytest.raises(Waits) as held, unit_of_work():
        holders.confirm(who, phone.id, "E2048")
    assert waiting.office.company.device(phone)["holder"]["employee_no"] == "E1024"
    waiting.approve(str(held.value.approval.id))
    assert waiting.office.company.device(phone)["holder"]["employee_no"] == "E2048"
    assert waiting.denied(phone) == []


def test_a_person_moves_at_once_and_their_phone_follows_once_it_is_approved(waiting: Waiting) -> None:
    phone = with_holder(waiting.office)
    transfer(waiting.office)
    assert unit_of_wang(waiting.office) == AWAY
    assert (waiting.office.company.device(phone)["org_unit"], waiting.denied(phone)) == ("/总部/电销", BOTH)
    (asked,) = pending(waiting)
    assert waiting.decide(asked["id"], who=world.headers("hr")).status_code == 403
    waiting.approve(asked["id"])
    assert (waiting.office.company.device(phone)["org_unit"], waiting.denied(phone)) == (AWAY, [])


def test_a_person_who_moved_back_meanwhile_takes_no_phone_along(waiting: Waiting) -> None:
    phone = with_holder(waiting.office)
    transfer(waiting.office)
    (asked,) = pending(waiting)
    transfer(waiting.office, "/总部/电销")
    waiting.void(asked["id"], "base_changed")
    assert (waiting.office.company.device(phone)["org_unit"], waiting.denied(phone)) == ("/总部/电销", BOTH)


def test_an_import_moves_the_person_and_asks_for_the_phone(waiting: Waiting) -> None:
    phone = with_holder(waiting.office)
    who = author()
    with unit_of_work():
        row = person_rows.PersonRow(employee_no="E1024", name="王小明", org_unit=AWAY)
        assert [one.outcome for one in person_rows.take(who, [row])] == ["change"]
    assert unit_of_wang(waiting.office) == AWAY
    assert waiting.denied(phone) == BOTH
    assert len(pending(waiting)) == 1


def test_a_phone_that_follows_to_stricter_rules_follows_at_once(waiting: Waiting) -> None:
    phone = waiting.office.phone()
    waiting.office.company.post(f"/devices/{phone.id}/confirm", {"person": "E1024"})
    waiting.office.apply(policy("sales", STRICT) + assignment("everywhere", "sales", f"{{org_unit: {AWAY}}}"))
    transfer(waiting.office)
    assert (waiting.denied(phone), pending(waiting)) == (BOTH, [])


def test_with_the_setting_off_phones_follow_at_once(office: Office) -> None:
    world.person("hr", "it_admin")
    phone = with_holder(office)
    transfer(office)
    assert (office.company.device(phone)["org_unit"], office.rules(phone)) == (AWAY, {})
