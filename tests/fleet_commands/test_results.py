from __future__ import annotations

from typing import Any

import pytest
import time_machine

from core import clock
from core.db import session
from core.uow import unit_of_work
from fleet.commands.events import FinishedCommand, commands_finished
from fleet.commands.models import Command
from tests.fleet.phone import Phone, new_key
from tests.fleet_commands.desk import Desk, hello, later, relay, result, result_token, say, sealed


@pytest.fixture
def sent(desk: Desk, phone: Phone) -> str:
    command_id = desk.sent(phone, "ping")
    relay()
    return command_id


@pytest.mark.parametrize("status", ["received", "succeeded", "failed", "rejected"])
def test_each_status_moves_the_command_and_is_kept_in_its_history(
    desk: Desk, phone: Phone, sent: str, status: str
) -> None:
    assert say(result(phone, sent, status, detail="好")) == []
    shown = desk.show(sent)
    assert shown["status"] == status
    assert shown["result"]["detail"] == "好"
    assert [(step["old"], step["new"]) for step in shown["history"]] == [
        (None, "queued"),
        ("queued", "sent"),
        ("sent", status),
    ]
    assert f"command.{status}" in desk.company.timeline(phone)


def test_a_result_may_be_faster_than_the_brokers_puback(desk: Desk, phone: Phone) -> None:
    command_id = desk.sent(phone, "ping")
    say(result(phone, command_id, "succeeded"))
    relay()
    assert desk.status(command_id) == "succeeded"


def test_duplicates_and_late_words_change_nothing(desk: Desk, phone: Phone, sent: str) -> None:
    done = result(phone, sent, "succeeded", output={"pong": True})
    assert say(done, done, result(phone, sent, "received"), result(phone, sent, "failed", detail="zu spät")) == []
    before = desk.show(sent)
    assert say(done) == []
    assert desk.show(sent) == before
    assert before["status"] == "succeeded" and before["result"]["output"] == {"pong": True}
    assert [step["new"] for step in before["history"]] == ["queued", "sent", "succeeded"]


def test_an_older_iat_never_overwrites_a_newer_word(desk: Desk, phone: Phone, sent: str) -> None:
    now = int(clock.now().timestamp())
    say(result(phone, sent, "received", iat=now))
    say(result(phone, sent, "failed", iat=now - 5))
    assert desk.status(sent) == "received"
    say(result(phone, sent, "succeeded", iat=now))
    assert desk.status(sent) == "succeeded"


def test_a_clock_far_ahead_does_not_lock_out_later_words(desk: Desk, phone: Phone, sent: str) -> None:
    now = int(clock.now().timestamp())
    say(result(phone, sent, "received", iat=now + 86_400))
    with time_machine.travel(later(seconds=2)):
        say(result(phone, sent, "succeeded"))
    assert desk.status(sent) == "succeeded"


@pytest.mark.parametrize("status", ["received", "succeeded", "failed"])
def test_what_was_cancelled_and_ran_all_the_same_says_so(desk: Desk, phone: Phone, sent: str, status: str) -> None:
    desk.decide(sent, "cancel", "asker")
    say(result(phone, sent, status))
    shown = desk.show(sent)
    assert shown["status"] == status and shown["after_cancel"] is True


def test_a_cancelled_command_that_the_phone_received_is_not_offered_again(desk: Desk, phone: Phone, sent: str) -> None:
    desk.decide(sent, "cancel", "asker")
    say(result(phone, sent, "received"))
    hello(phone)
    assert relay() == []


def test_a_rejection_after_a_cancel_leaves_it_cancelled(desk: Desk, phone: Phone, sent: str) -> None:
    desk.decide(sent, "cancel", "asker")
    say(result(phone, sent, "rejected", detail="expired"))
    assert desk.status(sent) == "cancelled" and desk.show(sent)["after_cancel"] is False


def test_a_result_for_another_phones_command_is_refused(desk: Desk, phone: Phone, sent: str) -> None:
    thief = desk.company.enroll()
    (refusal,) = say(result(thief, sent, "succeeded"))
    assert refusal.reason == "unknown_command"
    assert desk.status(sent) == "sent"


def bad_results(phone: Phone, sent: str) -> dict[str, tuple[bytes, str]]:
    token = result_token(phone, sent, "succeeded")
    head, body, signature = token.split(".")
    return {
        "another key": (sealed(phone.sign("shouji-result+jws", {}, key=new_key())), "kid"),
        "another typ": (sealed(phone.sign("shouji-event+jws", {})), "typ"),
        "no jti": (sealed(phone.sign("shouji-result+jws", {"sub": phone.id, "iat": 1})), "missing_jti"),
        "another sub": (sealed(result_token(phone, sent, "succeeded", sub=sent)), "sub"),
        "altered": (sealed(f"{head}.{body[:-4]}AAAA.{signature}"), "signature"),
        "not sealed": (token.encode(), "form"),
        "nothing": (b"", "form"),
        "unknown status": (sealed(result_token(phone, sent, "done")), "form"),
        "no command": (sealed(result_token(phone, "x", "succeeded")), "form"),
        "lone surrogate": (sealed(result_token(phone, sent, "succeeded", detail="\ud800")), "lone_surrogate"),
        "NUL": (sealed(result_token(phone, sent, "succeeded", output={"a": "\0"})), "nul"),
    }


CASES = [
    "another key",
    "another typ",
    "no jti",
    "another sub",
    "altered",
    "not sealed",
    "nothing",
    "unknown status",
    "no command",
    "lone surrogate",
    "NUL",
]


@pytest.mark.parametrize("case", CASES)
def test_what_cannot_be_believed_is_refused_and_changes_nothing(desk: Desk, phone: Phone, sent: str, case: str) -> None:
    payload, reason = bad_results(phone, sent)[case]
    refusals = say(phone.inbound("result", payload, clock.now()))
    assert [refusal.reason for refusal in refusals] == [reason]
    assert desk.status(sent) == "sent"


def test_a_good_result_beside_a_bad_one_is_taken(desk: Desk, phone: Phone, sent: str) -> None:
    bad = phone.inbound("result", b"junk", clock.now())
    assert [refusal.message for refusal in say(bad, result(phone, sent, "succeeded"))] == [bad]
    assert desk.status(sent) == "succeeded"


def test_a_position_is_sealed_kept_out_of_lists_and_reading_it_is_audited(desk: Desk, phone: Phone) -> None:
    desk.company.post(f"/devices/{phone.id}/confirm", {"person": "E1024"})
    command_id = desk.sent(phone, "locate")
    position = {"lat": 31.2304, "lon": 121.4737, "accuracy_m": 12.0, "at": clock.to_wire(clock.now())}
    say(result(phone, command_id, "succeeded", output=position))
    with unit_of_work(write=False):
        row = session().get_one(Command, command_id)
        assert row.result is not None and b"31.2304" not in row.result
    listed = desk.company.get(f"/devices/{phone.id}/commands").json["items"]
    assert "output" not in listed[0]["result"]
    assert desk.audited("command.read_output") == []
    assert desk.show(command_id)["result"]["output"] == position
    assert [entry["target_id"] for entry in desk.audited("command.read_output")] == [command_id]


def test_the_position_of_a_phone_without_a_confirmed_holder_is_not_kept(desk: Desk, phone: Phone) -> None:
    command_id = desk.sent(phone, "locate")
    say(result(phone, command_id, "succeeded", output={"lat": 31.2304, "lon": 121.4737}))
    shown = desk.show(command_id)
    assert shown["status"] == "succeeded"
    assert shown["result"]["output"] is None and shown["result"]["withheld"] == "holder_unconfirmed"


def test_results_over_http_are_taken_from_the_phone_itself(desk: Desk, phone: Phone, sent: str) -> None:
    def post(body: bytes) -> Any:
        return desk.company.client.post("/api/v1/device/results", data=body, headers=phone.bearer())

    assert post(sealed(result_token(phone, sent, "received"))).status_code == 204
    assert desk.status(sent) == "received"
    refused = post(b"junk")
    assert refused.status_code == 422 and refused.json["code"] == "result_refused"
    other = desk.sent(desk.company.enroll(), "ping")
    assert post(sealed(result_token(phone, other, "succeeded"))).json["reason"] == "unknown_command"


def test_an_end_is_told_to_higher_rooms_once(desk: Desk, phone: Phone, sent: str) -> None:
    told: list[FinishedCommand] = []

    def hear(_sender: Any, commands: list[FinishedCommand]) -> None:
        told.extend(commands)

    with commands_finished.connected_to(hear):
        say(result(phone, sent, "received"), result(phone, sent, "succeeded"), result(phone, sent, "succeeded"))
    assert told == [FinishedCommand(sent, phone.id, "ping", "succeeded", False)]


def test_a_late_word_after_expiry_is_believed(desk: Desk, phone: Phone) -> None:
    command_id = desk.sent(phone, "ring", {"seconds": 5})
    relay()
    with time_machine.travel(later(minutes=11)):
        hello(phone)
        assert relay() == []
        say(result(phone, command_id, "succeeded"))
    assert desk.status(command_id) == "succeeded"
