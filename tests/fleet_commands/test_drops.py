"""Between asking and signing phones go to other holders or elsewhere, and people decide at the same time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import time_machine
from sqlalchemy import update

from core import jobs
from core.db import session
from core.uow import unit_of_work
from fleet import edit
from fleet.commands.models import Command
from tests.fleet.phone import Phone
from tests.fleet_commands.desk import WIPE, Desk, hello, jtis, later, relay
from tests.fleet_commands.test_requests import phones
from tests.identity import world


def hand_to(desk: Desk, phone: Phone, person: str) -> None:
    assert desk.company.post(f"/devices/{phone.id}/confirm", {"person": person}).status_code == 200


def notices(desk: Desk, who: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = desk.company.get("/notices", desk.who[who]).json["items"]
    return items


def test_a_phone_that_went_to_another_holder_drops_out_and_the_others_go_on(desk: Desk) -> None:
    kept, given = phones(desk, 2)
    hand_to(desk, given, desk.company.wang)
    batch = desk.many({"devices": [kept.id, given.id]}, "wipe", WIPE).json["id"]
    hand_to(desk, given, desk.company.li)
    desk.decide(batch, "approve")
    offered = relay()
    assert [one.topic.split("/")[-3] for one in offered] == [kept.id]
    shown = desk.show(batch)
    assert shown["states"] == {"sent": 1, "expired": 1} and shown["dropped"] == {"holder_changed": 1}
    told = notices(desk, "asker")
    assert told[0]["kind"] == "targets_dropped" and told[0]["text"].startswith("1 台设备")
    assert desk.audited("command.dropped")[0]["detail"] == {"why": {"holder_changed": 1}, "devices": [given.id]}
    hello(given)
    assert relay() == []


def test_the_history_of_a_dropped_command_says_why(desk: Desk, phone: Phone) -> None:
    command_id = desk.approved_wipe(phone)
    hand_to(desk, phone, desk.company.wang)
    assert relay() == []
    shown = desk.show(command_id)
    assert shown["status"] == "expired" and shown["history"][-1]["why"] == "holder_changed"


def test_a_phone_that_left_the_part_of_the_tree_of_whoever_asked_drops_out(desk: Desk) -> None:
    (phone,) = phones(desk, 1, org_unit="/总部/电销")
    command_id = desk.sent(phone, "wipe", WIPE, who="leader")
    desk.decide(command_id, "approve")
    with unit_of_work():
        edit.place(world.SYSTEM, phone.id, org_unit="/总部/客服")
    assert relay() == []
    assert desk.show(command_id)["history"][-1]["why"] == "left_scope"


def test_what_was_signed_before_the_phone_changed_hands_stays_on_its_way(desk: Desk, phone: Phone) -> None:
    command_id = desk.approved_wipe(phone)
    assert jtis(relay()) == [command_id]
    hand_to(desk, phone, desk.company.wang)
    assert desk.status(command_id) == "sent"


def test_a_command_that_destroys_nothing_follows_its_phone(desk: Desk, phone: Phone) -> None:
    command_id = desk.sent(phone, "ping")
    hand_to(desk, phone, desk.company.wang)
    assert jtis(relay()) == [command_id]


def test_the_approval_covers_the_holders_too(desk: Desk, phone: Phone) -> None:
    hand_to(desk, phone, desk.company.wang)
    command_id = desk.approved_wipe(phone)
    hand_to(desk, phone, desk.company.li)
    with unit_of_work():
        session().execute(update(Command).values(holder_id=desk.company.li))
    assert relay() == []
    assert desk.show(command_id)["history"][-1]["why"] == "approval_unusable"


def test_of_two_people_who_decide_at_once_exactly_one_takes_effect(desk: Desk, phone: Phone) -> None:
    world.person("third", "it_admin")
    desk.who["third"] = world.headers("third")
    app = desk.company.client.application

    def decide(how: str, who: str, command_id: str) -> int:
        answer = app.test_client().post(
            f"/api/v1/commands/{command_id}/{how}", json={"reason": "已核实"}, headers=desk.who[who]
        )
        return answer.status_code

    for rival in ("approve", "deny"):
        (fresh,) = phones(desk, 1)
        command_id = desk.sent(fresh, "wipe", WIPE)
        with ThreadPoolExecutor(2) as pool:
            results = [
                pool.submit(decide, "approve", "second", command_id),
                pool.submit(decide, rival, "third", command_id),
            ]
        assert sorted(one.result() for one in results) == [200, 409]
        decided = [step for step in desk.show(command_id)["history"] if step["old"] == "pending_approval"]
        assert len(decided) == 1
    relay()


def test_freezing_tells_every_other_administrator_who_froze_why_and_since_when_is_shown(desk: Desk) -> None:
    desk.freeze(True, "second", reason="误操作排查")
    for who in ("asker", "admin", "officer", "leader"):
        assert [item["kind"] for item in notices(desk, who)] == ["freeze_on"]
    assert notices(desk, "second") == []
    shown = desk.company.get("/freeze").json
    assert (shown["frozen"], shown["reason"], shown["by"]) == (True, "误操作排查", "second") and shown["since"]
    desk.freeze(False, "admin")
    assert [item["kind"] for item in notices(desk, "second")] == ["freeze_lifted"]
    desk.freeze(False, "admin")
    assert len(notices(desk, "second")) == 1


def test_a_request_that_lapses_tells_whoever_asked(desk: Desk, phone: Phone) -> None:
    desk.sent(phone, "wipe", WIPE)
    with time_machine.travel(later(hours=25)):
        jobs.run("identity-lapse-approvals")
        desk.sign_in()
        assert notices(desk, "asker")[0]["kind"] == "approval_lapsed"
