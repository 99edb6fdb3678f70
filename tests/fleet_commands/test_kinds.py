"""Each kind of command: its arguments, and its way to a phone and back."""

from __future__ import annotations

from typing import Any

import pytest

from fleet.commands.registry import all_kinds, kind_of
from mqtt.contract.command import ARGS
from mqtt.contract.names import CommandType
from tests.fleet.phone import Phone
from tests.fleet_commands.desk import WIPE, Desk, relay, result, say

GOOD: dict[str, dict[str, Any]] = {
    "ping": {},
    "lock": {"message": "请联系 IT"},
    "unlock": {},
    "wipe": WIPE,
    "locate": {"reason": "设备盘点"},
    "message": {"title": "通知", "text": "请更新"},
    "ring": {"seconds": 30},
    "reboot": {},
    "sync": {},
    "reset_passcode": {},
    "collect_logs": {},
    "rotate_certificate": {},
}
BAD: list[tuple[str, dict[str, Any], str]] = [
    ("ping", {"x": 1}, "x"),
    ("lock", {"message": 7}, "message"),
    ("lock", {"message": "a", "now": True}, "now"),
    ("unlock", {"message": "a"}, "message"),
    ("wipe", {}, "scope"),
    ("wipe", {**WIPE, "scope": "everything"}, "scope"),
    ("wipe", {"scope": "device", "deadline_s": 60}, "preserve_records"),
    ("wipe", {**WIPE, "deadline_s": -1}, "deadline_s"),
    ("wipe", {**WIPE, "preserve_records": "yes"}, "preserve_records"),
    ("locate", {"reason": None}, "reason"),
    ("message", {"title": "only"}, "text"),
    ("ring", {"seconds": 0}, "seconds"),
    ("ring", {"seconds": 301}, "seconds"),
    ("ring", {}, "seconds"),
]


def test_every_command_of_the_protocol_is_a_kind_and_its_arguments_are_those_of_the_contract() -> None:
    assert {kind.type for kind in all_kinds()} == set(CommandType) == set(ARGS) == {CommandType(name) for name in GOOD}


def test_only_wipe_needs_a_second_person_and_only_it_and_reset_passcode_always_destroy() -> None:
    assert [str(kind.type) for kind in all_kinds() if kind.approval] == ["wipe"]
    assert [str(kind.type) for kind in all_kinds() if kind.destructive] == ["reset_passcode", "wipe"]
    assert [str(kind.type) for kind in all_kinds() if kind.bulk_destructive] == ["lock"]


@pytest.mark.parametrize("name", sorted(GOOD))
def test_each_kind_travels_to_its_phone_with_all_its_arguments_and_ends(desk: Desk, phone: Phone, name: str) -> None:
    answer = desk.ask(phone, name, GOOD[name])
    assert answer.status_code == 202, answer.json
    command_id = answer.json["id"]
    if kind_of(name).approval:
        assert answer.json["status"] == "pending_approval"
        assert relay() == []
        assert desk.decide(command_id, "approve").json["status"] == "queued"
    else:
        assert answer.json["status"] == "queued"
    (offer,) = relay()
    assert (offer.claims["type"], offer.claims["args"]) == (name, GOOD[name])
    assert desk.status(command_id) == "sent"
    assert say(result(phone, command_id, "received"), result(phone, command_id, "succeeded")) == []
    assert desk.status(command_id) == "succeeded"


@pytest.mark.parametrize(("name", "args", "member"), BAD)
def test_wrong_arguments_are_refused_and_the_member_is_named(
    desk: Desk, phone: Phone, name: str, args: dict[str, Any], member: str
) -> None:
    answer = desk.ask(phone, name, args)
    assert answer.status_code == 422 and answer.json["code"] == "bad_args"
    assert member in answer.json["detail"]
    assert desk.company.get(f"/devices/{phone.id}/commands").json["items"] == []


def test_what_a_person_may_leave_out_is_still_complete_on_the_wire(desk: Desk, phone: Phone) -> None:
    desk.sent(phone, "lock")
    desk.sent(phone, "locate", reason="查找丢失设备")
    assert [offer.claims["args"] for offer in relay()] == [{"message": ""}, {"reason": "查找丢失设备"}]


def test_an_unknown_kind_is_refused_with_the_list_of_kinds(desk: Desk, phone: Phone) -> None:
    answer = desk.ask(phone, "explode")
    assert answer.status_code == 422 and answer.json["code"] == "unknown_command"
    assert "rotate_certificate" in answer.json["detail"]
