from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event, select

from core.db import db, session
from core.outbox import OutboxRow
from core.uow import unit_of_work
from fleet import groups
from fleet.commands.models import Command
from tests.conftest import Tune
from tests.fleet.phone import Phone
from tests.fleet_commands.desk import REASON, WIPE, Desk, relay
from tests.identity import world


def phones(desk: Desk, count: int, **token: Any) -> list[Phone]:
    code = desk.company.token(max_uses=count, **token)
    return [desk.company.enroll(token=code) for _ in range(count)]


@pytest.mark.parametrize("who", ["officer", "supervisor"])
def test_who_may_not_send_commands_is_refused_and_the_attempt_is_audited(desk: Desk, phone: Phone, who: str) -> None:
    if who not in desk.who:
        world.person(who, who)
        desk.who[who] = world.headers(who)
    answer = desk.ask(phone, "ping", who=who)
    assert answer.status_code == 403
    refused = world.audit_items(desk.company.client, desk.who["admin"], outcome="refused")
    assert refused[0]["detail"]["code"] == "permission_missing"


def test_a_phone_outside_ones_part_of_the_tree_looks_like_none(desk: Desk) -> None:
    foreign = desk.company.enroll(token=desk.company.token(org_unit="/总部/客服"))
    for answer in (
        desk.ask(foreign, "ping", who="leader"),
        desk.many({"devices": [foreign.id]}, "ping", who="leader"),
        desk.company.get(f"/devices/{foreign.id}/commands", desk.who["leader"]),
    ):
        assert answer.status_code == 404 and answer.json["code"] == "no_such_device"
    command_id = desk.sent(foreign, "ping")
    assert desk.company.get(f"/commands/{command_id}", desk.who["leader"]).status_code == 404
    assert desk.decide(command_id, "cancel", "leader").status_code == 404


@pytest.mark.parametrize(("kind", "args"), [("wipe", WIPE), ("reset_passcode", {})])
def test_what_destroys_needs_a_reason(desk: Desk, phone: Phone, kind: str, args: dict[str, Any]) -> None:
    answer = desk.ask(phone, kind, args, reason="  ")
    assert answer.status_code == 422 and answer.json["code"] == "reason_required"
    assert desk.ask(phone, "ping", reason="").status_code == 202


def test_a_request_is_audited_with_its_reason_and_without_texts_for_people(desk: Desk, phone: Phone) -> None:
    command_id = desk.sent(phone, "message", {"title": "私密标题", "text": "私密正文"})
    (entry,) = desk.audited("command.request")
    assert entry["target_id"] == command_id
    assert entry["detail"]["reason"] == REASON and entry["detail"]["devices"] == [phone.id]
    assert "私密" not in str(entry)
    assert "command.queued" in desk.company.timeline(phone)


def test_named_devices_all_get_the_command_in_one_batch(desk: Desk) -> None:
    crowd = phones(desk, 3)
    answer = desk.many({"devices": [one.id for one in crowd]}, "sync")
    assert answer.status_code == 202 and answer.json["devices"] == 3 and answer.json["status"] == "queued"
    offered = relay()
    assert {offer.claims["sub"] for offer in offered} == {one.id for one in crowd}
    batch = desk.show(answer.json["id"])
    assert batch["total"] == 3 and batch["states"] == {"sent": 3} and batch["status"] == "sent"
    assert {desk.show(offer.claims["jti"])["batch_id"] for offer in offered} == {answer.json["id"]}


def test_one_unknown_device_refuses_the_whole_request(desk: Desk, phone: Phone) -> None:
    missing = "00000000-0000-4000-8000-000000000000"
    answer = desk.many({"devices": [phone.id, missing]}, "ping")
    assert answer.status_code == 404 and answer.json["devices"] == [missing]
    assert relay() == []


def test_group_unit_and_all_select_what_the_actor_sees_and_pass_over_closed_phones(desk: Desk) -> None:
    sales = phones(desk, 2, org_unit="/总部/电销", groups=["pilot"])
    (service,) = phones(desk, 1, org_unit="/总部/客服", groups=["pilot"])
    (gone,) = phones(desk, 1, org_unit="/总部/电销", groups=["pilot"])
    desk.company.post(f"/devices/{gone.id}/revoke", {"reason": "报废"})

    def reached(selector: dict[str, Any], who: str) -> set[str]:
        answer = desk.many(selector, "ping", who=who)
        assert answer.status_code == 202, answer.json
        return {offer.claims["sub"] for offer in relay()}

    telesales = {one.id for one in sales}
    assert reached({"group": "pilot"}, "asker") == {*telesales, service.id}
    assert reached({"group": "pilot"}, "leader") == telesales
    assert reached({"org_unit": "/总部/电销"}, "asker") == telesales
    assert reached({"org_unit": "/总部"}, "asker") == {*telesales, service.id}
    assert reached({"all": True}, "leader") == telesales


@pytest.mark.parametrize(
    "selector",
    [{}, {"devices": []}, {"all": False}, {"group": "a", "all": True}, {"query": "os = android"}, {"group": "empty"}],
)
def test_a_selector_that_names_nothing_or_too_much_is_refused(desk: Desk, selector: dict[str, Any]) -> None:
    assert desk.many(selector, "ping").status_code == 422


def test_an_unknown_unit_is_refused_with_what_to_do(desk: Desk) -> None:
    assert desk.many({"org_unit": "/不存在"}, "ping").json["code"] == "unknown_org_unit"


def test_a_lock_of_more_phones_than_the_threshold_is_destructive(desk: Desk, tune: Tune) -> None:
    tune(bulk_lock_threshold=2)
    crowd = [one.id for one in phones(desk, 3)]
    assert desk.many({"devices": crowd}, "lock", reason="").json["code"] == "reason_required"
    assert desk.many({"devices": crowd[:2]}, "lock", reason="").json["code"] == "reason_required"
    few = desk.many({"devices": crowd[:2]}, "lock")
    assert few.status_code == 202
    relay()
    desk.freeze(True)
    many = desk.many({"devices": crowd}, "lock")
    assert many.status_code == 202
    assert relay() == []
    with unit_of_work(write=False):
        flags = set(session().execute(select(Command.batch_id, Command.destructive)).tuples())
    assert flags == {(few.json["id"], False), (many.json["id"], True)}


def test_a_closed_phone_takes_no_command(desk: Desk, phone: Phone) -> None:
    desk.company.post(f"/devices/{phone.id}/revoke", {"reason": "离职"})
    for answer in (desk.ask(phone, "ping"), desk.many({"devices": [phone.id]}, "ping")):
        assert answer.status_code == 409 and answer.json["code"] == "device_state"


@pytest.mark.parametrize("seconds", [1, 10**9])
def test_a_lifetime_out_of_bounds_is_refused(desk: Desk, phone: Phone, seconds: int) -> None:
    assert desk.ask(phone, "ping", expires_in=seconds).status_code == 422


def test_the_same_idempotency_key_makes_one_command(desk: Desk, phone: Phone) -> None:
    headers = {**desk.who["asker"], "Idempotency-Key": "k1"}
    answers = [desk.company.post(f"/devices/{phone.id}/commands", {"type": "ping"}, headers) for _ in range(2)]
    assert answers[0].json == answers[1].json
    assert len(relay()) == 1


def test_a_request_for_many_phones_takes_a_constant_number_of_statements(desk: Desk) -> None:
    def statements(crowd: list[Phone]) -> int:
        seen: list[str] = []

        def count(*args: Any) -> None:
            seen.append(args[2])

        event.listen(db.engine, "before_cursor_execute", count)
        try:
            assert desk.many({"devices": [one.id for one in crowd]}, "ping").status_code == 202
        finally:
            event.remove(db.engine, "before_cursor_execute", count)
        return len(seen)

    crowd = phones(desk, 30)
    assert statements(crowd[:2]) == statements(crowd)
    with unit_of_work(write=False):
        assert len(list(session().scalars(select(OutboxRow.id).where(OutboxRow.effect == "command")))) == 32
    assert len(relay()) == 32


def test_cancelling_a_batch_cancels_what_still_can_be(desk: Desk) -> None:
    crowd = phones(desk, 2)
    batch_id = desk.many({"devices": [one.id for one in crowd]}, "ping").json["id"]
    answer = desk.decide(batch_id, "cancel", "asker")
    assert answer.status_code == 200 and answer.json["states"] == {"cancelled": 2}
    again = desk.decide(batch_id, "cancel", "asker")
    assert again.status_code == 409 and again.json["code"] == "not_cancellable"
    assert relay() == []


def test_an_unknown_command_is_not_found(desk: Desk) -> None:
    for path in ("approve", "deny", "cancel"):
        assert desk.decide("nothing", path, "second").status_code == 404
    assert desk.company.get("/commands/nothing").json["code"] == "no_such_command"


def test_group_membership_changes_do_not_reach_back(desk: Desk) -> None:
    (member,) = phones(desk, 1, groups=["pilot"])
    desk.many({"group": "pilot"}, "ping")
    with unit_of_work():
        groups.remove(world.SYSTEM, "pilot")
    assert [offer.claims["sub"] for offer in relay()] == [member.id]
