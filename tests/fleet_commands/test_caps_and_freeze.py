from __future__ import annotations

import time_machine

from tests.conftest import Tune
from tests.fleet.phone import Phone
from tests.fleet_commands.desk import WIPE, Desk, hello, jtis, later, relay, result, say
from tests.fleet_commands.test_requests import phones
from tests.identity import world


def test_one_person_may_ask_for_so_many_wipes_an_hour_and_another_still_may(desk: Desk, tune: Tune) -> None:
    tune(wipe_cap_per_person=2, wipe_cap_total=3)
    crowd = phones(desk, 5)
    assert [desk.ask(one, "wipe", WIPE).status_code for one in crowd[:3]] == [202, 202, 429]
    assert desk.ask(crowd[2], "wipe", WIPE, who="second").status_code == 202
    refused = desk.ask(crowd[3], "wipe", WIPE, who="second")
    assert refused.status_code == 429 and refused.json["whose"] == "total"
    assert refused.headers["Retry-After"] == "3600"


def test_a_refused_request_is_audited_although_nothing_of_it_stays(desk: Desk, phone: Phone, tune: Tune) -> None:
    tune(wipe_cap_per_person=0)
    desk.ask(phone, "wipe", WIPE)
    entries = world.audit_items(desk.company.client, desk.who["admin"], action="command.request", outcome="refused")
    assert entries[0]["detail"]["code"] == "wipe_cap"
    assert desk.company.get(f"/devices/{phone.id}/commands").json["items"] == []


def test_a_selector_over_the_cap_is_refused_whole(desk: Desk, tune: Tune) -> None:
    tune(wipe_cap_per_person=2)
    crowd = phones(desk, 3)
    answer = desk.many({"devices": [one.id for one in crowd]}, "wipe", WIPE)
    assert answer.status_code == 429 and answer.json["code"] == "wipe_cap"
    assert all(desk.company.get(f"/devices/{one.id}/commands").json["items"] == [] for one in crowd)
    assert desk.many({"devices": [one.id for one in crowd[:2]]}, "wipe", WIPE).status_code == 202


def test_after_an_hour_there_is_room_again(desk: Desk, tune: Tune) -> None:
    tune(wipe_cap_per_person=1)
    first, second = phones(desk, 2)
    desk.sent(first, "wipe", WIPE)
    assert desk.ask(second, "wipe", WIPE).status_code == 429
    with time_machine.travel(later(minutes=61)):
        desk.sign_in()
        assert desk.ask(second, "wipe", WIPE).status_code == 202


def test_other_commands_are_not_capped(desk: Desk, phone: Phone, tune: Tune) -> None:
    tune(wipe_cap_per_person=0, wipe_cap_total=0)
    assert desk.ask(phone, "lock").status_code == 202
    assert desk.ask(phone, "reset_passcode").status_code == 202


def test_wipes_approved_together_are_signed_no_faster_than_the_cap(desk: Desk, tune: Tune) -> None:
    tune(wipe_cap_per_person=1)
    first, second = phones(desk, 2)
    early = desk.sent(first, "wipe", WIPE)
    with time_machine.travel(later(minutes=61)):
        desk.sign_in()
        late = desk.sent(second, "wipe", WIPE)
        for command_id in (early, late):
            desk.decide(command_id, "approve")
        assert jtis(relay()) == [early]
        assert desk.company.get(f"/commands/{late}", desk.who["asker"]).json["held"] == "cap"
        with time_machine.travel(later(minutes=61)):
            desk.sign_in()
            desk.company.client.application.test_cli_runner().invoke(args=["jobs", "run", "commands-held"])
            assert jtis(relay()) == [late]


def test_a_freeze_holds_what_destroys_and_nothing_else(desk: Desk, phone: Phone) -> None:
    wipe = desk.approved_wipe(phone)
    assert desk.freeze(True, "asker").json["frozen"] is True
    ping = desk.sent(phone, "ping")
    reset = desk.sent(phone, "reset_passcode")
    assert jtis(relay()) == [ping]
    assert {desk.show(one)["held"] for one in (wipe, reset)} == {"freeze"}
    assert desk.company.get("/freeze", desk.who["asker"]).json["held"] == 2
    hello(phone)
    assert jtis(relay()) == [ping]
    assert desk.freeze(False).json["frozen"] is False
    assert jtis(relay()) == [wipe, reset]
    assert {desk.show(one)["held"] for one in (wipe, reset)} == {None}


def test_a_freeze_holds_the_next_offer_of_a_wipe_that_is_sent_already(desk: Desk, phone: Phone) -> None:
    wipe = desk.approved_wipe(phone)
    relay()
    desk.freeze(True)
    hello(phone)
    assert relay() == []
    shown = desk.show(wipe)
    assert (shown["status"], shown["held"]) == ("sent", "freeze")
    say(result(phone, wipe, "succeeded"))
    assert desk.status(wipe) == "succeeded"


def test_only_a_platform_administrator_lifts_a_freeze_and_both_need_a_reason(desk: Desk) -> None:
    assert desk.freeze(True, "second", reason=" ").status_code == 422
    assert desk.freeze(True, "officer").status_code == 200
    assert desk.freeze(False, "second").json["code"] == "platform_admin_only"
    assert desk.company.get("/freeze").json["frozen"] is True
    assert desk.freeze(False, "admin").json["frozen"] is False
    assert [entry["action"] for entry in desk.audited("freeze.lift") + desk.audited("freeze.on")] == [
        "freeze.lift",
        "freeze.on",
    ]


def test_freezing_twice_keeps_the_first_reason(desk: Desk) -> None:
    desk.freeze(True, reason="第一次")
    desk.freeze(True, reason="第二次")
    shown = desk.company.get("/freeze").json
    assert shown["reason"] == "第一次" and shown["by"] == "admin"
    assert len(desk.audited("freeze.on")) == 1
