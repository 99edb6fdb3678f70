from __future__ import annotations

from typing import Any

import pytest

from tests.fleet.phone import Phone
from tests.fleet_commands.desk import WIPE, Desk, hello, jtis, relay, result, say


def move(desk: Desk, phone: Phone, state: str) -> None:
    answer = desk.company.patch(f"/devices/{phone.id}", {"state": state, "reason": "地铁上遗失"})
    assert answer.status_code == 200, answer.json


def commands(desk: Desk, phone: Phone) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = desk.company.get(f"/devices/{phone.id}/commands").json["items"]
    return items


def test_a_lost_phone_is_locked_by_itself_and_keeps_its_certificate(desk: Desk, phone: Phone) -> None:
    move(desk, phone, "lost")
    (lock,) = commands(desk, phone)
    assert (lock["type"], lock["origin"], lock["reason"]) == ("lock", "lost", "地铁上遗失")
    assert lock["requested_by_name"] == "admin" and lock["destructive"] is False
    assert jtis(relay()) == [lock["id"]]
    assert not any(one["revoked_at"] for one in desk.company.device(phone)["certificates"])
    assert [entry["detail"]["origin"] for entry in desk.audited("command.request")] == ["lost"]


@pytest.mark.parametrize("kind", ["locate", "ring", "wipe"])
def test_a_lost_phone_takes_commands(desk: Desk, phone: Phone, kind: str) -> None:
    move(desk, phone, "lost")
    args = {"wipe": WIPE, "ring": {"seconds": 60}}.get(kind, {})
    assert desk.ask(phone, kind, args).status_code == 202


def test_reporting_a_phone_lost_needs_no_right_to_send_commands_yet_names_who_did_it(desk: Desk, phone: Phone) -> None:
    move(desk, phone, "lost")
    hello(phone)
    assert len(relay()) == 1


@pytest.mark.parametrize("delivered", [False, True])
def test_a_phone_that_is_found_before_the_lock_came_is_not_locked(desk: Desk, phone: Phone, delivered: bool) -> None:
    move(desk, phone, "lost")
    relay(reached=delivered)
    move(desk, phone, "active")
    (lock,) = commands(desk, phone)
    assert lock["status"] == "cancelled"
    hello(phone)
    assert relay() == []


def test_a_lock_that_came_stays_until_somebody_unlocks(desk: Desk, phone: Phone) -> None:
    move(desk, phone, "lost")
    relay()
    lock = commands(desk, phone)[0]["id"]
    say(result(phone, lock, "succeeded"))
    move(desk, phone, "active")
    assert desk.status(lock) == "succeeded"
    unlock = desk.sent(phone, "unlock")
    assert jtis(relay()) == [unlock]


def test_finding_a_phone_leaves_a_lock_that_a_person_sent(desk: Desk, phone: Phone) -> None:
    own = desk.sent(phone, "lock")
    move(desk, phone, "lost")
    move(desk, phone, "active")
    assert desk.status(own) == "queued"
