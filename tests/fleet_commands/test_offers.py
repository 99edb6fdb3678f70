from __future__ import annotations

import time_machine
from sqlalchemy import select

from core import clock
from core.db import session
from core.outbox import OutboxRow
from core.uow import unit_of_work
from fleet.commands.models import Command
from tests.fleet.phone import Phone
from tests.fleet_commands.desk import Desk, hello, jtis, later, relay, result, say


def test_a_command_is_written_before_it_is_published_and_its_text_is_stored_sealed(desk: Desk, phone: Phone) -> None:
    command_id = desk.sent(phone, "message", {"title": "通知", "text": "请立即回公司"})
    with unit_of_work(write=False):
        row = session().get_one(Command, command_id)
        assert row.state == "queued"
        assert "请立即回公司".encode() not in row.args
        assert [one.key for one in session().scalars(select(OutboxRow).where(OutboxRow.effect == "command"))] == [
            command_id
        ]
        assert all("回公司" not in str(one.detail) for one in session().scalars(select(OutboxRow)))
    assert desk.show(command_id)["args"] == {"title": "通知", "text": "请立即回公司"}


def test_an_offer_is_signed_for_ten_minutes_goes_to_the_phone_alone_and_is_never_retained(
    desk: Desk, phone: Phone
) -> None:
    command_id = desk.sent(phone, "lock", {"message": "请联系 IT"})
    (offer,) = relay()
    assert offer.topic == f"shouji/v1/d/{phone.id}/down/command"
    assert offer.retain is False
    claims = offer.claims
    assert claims["sub"] == phone.id and claims["jti"] == command_id and claims["type"] == "lock"
    assert claims["args"] == {"message": "请联系 IT"}
    assert claims["exp"] - claims["iat"] == 600 == offer.expiry_s


def test_a_puback_with_a_session_means_sent_and_without_one_it_stays_queued(desk: Desk, phone: Phone) -> None:
    command_id = desk.sent(phone, "ping")
    relay(reached=False)
    assert desk.status(command_id) == "queued"
    hello(phone)
    relay()
    assert desk.status(command_id) == "sent"


def test_each_offer_is_signed_anew_with_the_same_jti(desk: Desk, phone: Phone) -> None:
    command_id = desk.sent(phone, "sync")
    (first,) = relay()
    with time_machine.travel(later(minutes=5)):
        hello(phone)
        (second,) = relay()
    assert jtis([first, second]) == [command_id, command_id]
    assert second.claims["exp"] >= first.claims["exp"] + 290
    assert desk.show(command_id)["offers"] == 2


def test_hello_offers_every_unfinished_command_oldest_first_and_no_other(desk: Desk, phone: Phone) -> None:
    other = desk.company.enroll()
    made = []
    for number, kind in enumerate(("ping", "lock", "sync", "unlock")):
        with time_machine.travel(later(seconds=number)):
            made.append(desk.sent(phone, kind))
    with time_machine.travel(later(seconds=10)):
        desk.sent(other, "ping")
        relay(reached=False)
        say(result(phone, made[0], "succeeded"))
        say(result(phone, made[2], "received"))
        hello(phone)
        assert jtis(relay()) == made[1:]


def test_a_hello_inside_the_quiet_span_is_answered_at_its_end(desk: Desk, phone: Phone) -> None:
    command_id = desk.sent(phone, "ping")
    relay(reached=False)
    hello(phone)
    assert jtis(relay()) == [command_id]
    hello(phone)
    assert relay() == []
    with time_machine.travel(later(seconds=31)):
        assert jtis(relay()) == [command_id]


def test_hellos_of_one_quiet_span_are_answered_once_at_its_end_with_what_is_unfinished_then(
    desk: Desk, phone: Phone
) -> None:
    hello(phone)
    hello(phone)
    later_command = desk.sent(phone, "ping")
    assert jtis(relay()) == [later_command]
    # The phone reconnected and may have lost it: this hello, not the one before, asks for it.
    for _ in range(3):
        hello(phone)
    assert relay() == []
    with unit_of_work(write=False):
        waiting = list(session().scalars(select(OutboxRow.key).where(OutboxRow.effect == "command")))
    assert waiting == [later_command]
    with time_machine.travel(later(seconds=31)):
        assert jtis(relay()) == [later_command]


def test_a_lifetime_bounds_the_signature_and_ends_the_command(desk: Desk, phone: Phone) -> None:
    command_id = desk.sent(phone, "ping", expires_in=120)
    (offer,) = relay(reached=False)
    assert offer.claims["exp"] - offer.claims["iat"] <= 120
    with time_machine.travel(later(minutes=3)):
        hello(phone)
        assert relay() == []
        desk.sign_in()
        desk.company.admin = desk.who["admin"]
        assert desk.status(command_id) == "expired"


def test_a_cancelled_command_is_not_signed_again_and_says_until_when_it_may_still_run(desk: Desk, phone: Phone) -> None:
    command_id = desk.sent(phone, "reboot")
    (offer,) = relay()
    answer = desk.decide(command_id, "cancel", "asker")
    assert answer.json["status"] == "cancelled"
    assert answer.json["alive_until"] == clock.to_wire(clock.from_unix(offer.claims["exp"]))
    hello(phone)
    assert relay() == []


def test_commands_of_an_old_enrollment_never_reach_the_new_one(desk: Desk, phone: Phone) -> None:
    command_id = desk.sent(phone, "lock")
    again = Phone(serial=phone.serial)
    desk.company.enroll(again, desk.company.token(allow_reenroll=True))
    desk.company.post(f"/devices/{again.id}/confirm", {"person": "E1024"})
    assert desk.company.device(phone)["state"] == "retired"
    hello(again)
    assert relay() == []
    assert desk.status(command_id) == "cancelled"
