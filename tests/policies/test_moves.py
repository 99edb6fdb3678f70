"""Phones and units that move: what that loosens counts as publishing."""

from __future__ import annotations

from typing import Any

import pytest

from core.actor import Actor
from core.audit import AuditEntry
from core.errors import Forbidden
from core.uow import unit_of_work
from fleet import edit
from identity.roles import Role, permissions_of
from tests.fleet.phone import Phone
from tests.policies.office import Office, assignment, document, policy

STRICT = "{protection: {deny: [screenshot]}}"


def loosened() -> list[tuple[str, Any]]:
    with unit_of_work(write=False) as current:
        entries = current.query(AuditEntry).filter(AuditEntry.action == "document.loosen")
        return [(entry.target_kind, entry.detail["looser"]) for entry in entries]


@pytest.fixture
def strict(office: Office) -> Office:
    office.apply(policy("strict", STRICT) + assignment("sales", "strict", "{org_unit: /总部/电销}"))
    return office


def move(phone: Phone, unit: str, *roles: Role) -> None:
    """Move a phone as somebody at the root of the tree who holds these roles."""
    who = Actor("staff", "it", "IT", permissions_of(roles), "/")
    with unit_of_work():
        edit.place(who, phone.id, org_unit=unit)


def test_a_phone_that_moves_to_laxer_rules_needs_the_right_to_publish(strict: Office) -> None:
    phone = strict.phone("/总部/电销")
    with pytest.raises(Forbidden) as refused:
        move(phone, "/总部/客服", Role.IT_ADMIN)
    assert refused.value.code == "loosens_policy"
    assert strict.company.device(phone)["org_unit"] == "/总部/电销"
    assert "protection" in strict.rules(phone)
    move(phone, "/总部/客服", Role.IT_ADMIN, Role.POLICY_AUTHOR)
    assert strict.rules(phone) == {}
    assert loosened() == [("device", [{"path": "protection", "devices": 1}])]


def test_a_phone_that_moves_to_stricter_rules_may_be_moved_by_who_runs_the_phones(strict: Office) -> None:
    phone = strict.phone("/总部/客服")
    move(phone, "/总部/电销", Role.IT_ADMIN)
    assert "protection" in strict.rules(phone)
    assert loosened() == []


def test_a_unit_that_leaves_strict_rules_is_audited_as_loosening(strict: Office) -> None:
    strict.company.post("/org-units", {"name": "一组", "parent": "/总部/电销"})
    phone = strict.phone("/总部/电销/一组")
    unit = next(u for u in strict.company.get("/org-units").json["items"] if u["org_unit"] == "/总部/电销/一组")
    moved = strict.company.patch(f"/org-units/{unit['id']}", {"parent": "/总部/客服", "revision": unit["revision"]})
    assert moved.status_code == 200, moved.json
    assert strict.rules(phone) == {}
    assert loosened() == [("org_unit", [{"path": "protection", "devices": 1}])]


def test_leaving_a_group_by_a_move_counts_too(office: Office) -> None:
    phone = office.phone("/总部/电销")
    office.apply(
        document("Group", "sales", "{query: 'org_unit in /总部/电销'}")
        + policy("strict", STRICT)
        + assignment("sales", "strict", "{group: sales}")
    )
    with pytest.raises(Forbidden):
        move(phone, "/总部/客服", Role.IT_ADMIN)
    assert "protection" in office.rules(phone)
