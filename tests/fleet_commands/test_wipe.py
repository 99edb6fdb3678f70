"""A wipe from the request to the end of the phone, with a phone that signs with its own keys."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from core import audit, clock, outbox
from core.crypto import jose
from core.crypto.jwk import thumbprint
from core.db import session
from core.runtime import runtime
from core.signing import sign_here
from core.uow import unit_of_work
from fleet import certificates
from fleet.commands import offers
from fleet.commands.models import Command
from fleet.models import TimelineEntry
from tests.fleet.phone import Phone
from tests.fleet_commands.desk import WIPE, Desk, hello, jtis, relay, result, result_token, say, sealed


def effects() -> list[tuple[str, str]]:
    with unit_of_work(write=False) as current:
        return [(row.effect, row.key) for row in outbox.due(current, 100)]


def status_of(phone: Phone) -> dict[str, Any]:
    """What the worker would answer to `GET device/status`, verified."""
    keys = {thumbprint(key): key for key in runtime().ring.public_signing()}
    with unit_of_work(write=False):
        token = sign_here("status", phone.id)
    return jose.verify(token, typ="shouji-status+jws", keys=keys, sub=phone.id)


def command_in(status: dict[str, Any]) -> dict[str, Any]:
    keys = {thumbprint(key): key for key in runtime().ring.public_signing()}
    return jose.verify(status["command"], typ="shouji-command+jws", keys=keys, require=("exp",))


@pytest.mark.parametrize("scope", ["device", "work_data"])
def test_a_finished_wipe_revokes_cuts_the_session_closes_the_phone_and_keeps_its_history(
    desk: Desk, phone: Phone, scope: str
) -> None:
    hello(phone)
    command_id = desk.sent(phone, "wipe", {**WIPE, "scope": scope})
    desk.decide(command_id, "approve")
    (offer,) = relay()
    assert offer.claims["args"]["scope"] == scope
    assert say(result(phone, command_id, "received")) == []
    assert desk.company.device(phone)["state"] == "active"
    ping = desk.sent(phone, "ping")
    assert say(result(phone, command_id, "succeeded", detail="0 records left", output={"left": 0})) == []
    shown = desk.company.device(phone)
    assert shown["state"] == "wiped" and command_id in shown["state_reason"]
    assert all(one["revoked_at"] for one in shown["certificates"])
    assert {("revoke", phone.id), ("clear_retained", phone.id)} <= set(effects())
    assert desk.status(ping) == "cancelled"
    codes = desk.company.timeline(phone)
    for code in ("pending_approval", "queued", "sent", "received", "succeeded"):
        assert f"command.{code}" in codes
    assert "state.wiped" in codes and "device.enrolled" in codes
    with unit_of_work(write=False) as current:
        assert audit.verify_chain(current) is None
        assert certificates.revoked()
    assert desk.ask(phone, "ping").status_code == 409


def test_the_last_word_of_a_wiped_phone_may_come_twice_and_over_http(desk: Desk, phone: Phone) -> None:
    command_id = desk.approved_wipe(phone)
    relay()
    body = sealed(result_token(phone, command_id, "succeeded"))
    for _ in range(2):
        answer = desk.company.client.post("/api/v1/device/results", data=body, headers=phone.bearer())
        assert answer.status_code == 204
    assert desk.company.device(phone)["state"] == "wiped"
    assert desk.company.timeline(phone).count("state.wiped") == 1


@pytest.mark.parametrize("status", ["failed", "rejected"])
def test_a_wipe_that_did_not_happen_leaves_the_phone_and_a_finding(desk: Desk, phone: Phone, status: str) -> None:
    command_id = desk.approved_wipe(phone)
    relay()
    say(result(phone, command_id, status, detail="unsupported"))
    assert desk.company.device(phone)["state"] == "active"
    assert desk.codes(phone) == {"wipe_failed"}
    desk.approved_wipe(phone)
    assert desk.codes(phone) == set()


def test_a_cancelled_wipe_that_ran_all_the_same_closes_the_phone_and_says_so(desk: Desk, phone: Phone) -> None:
    command_id = desk.approved_wipe(phone)
    relay()
    assert desk.decide(command_id, "cancel", "asker").json["status"] == "cancelled"
    say(result(phone, command_id, "succeeded"))
    assert desk.show(command_id)["after_cancel"] is True
    assert desk.company.device(phone)["state"] == "wiped"
    with unit_of_work(write=False):
        query = select(TimelineEntry.detail).where(TimelineEntry.code == "command.succeeded")
        assert session().scalars(query).one()["after_cancel"] is True


def test_the_status_brings_the_open_wipe_to_a_phone_that_mqtt_refuses(desk: Desk, phone: Phone) -> None:
    assert "command" not in status_of(phone)
    command_id = desk.sent(phone, "wipe", WIPE)
    assert "command" not in status_of(phone)
    desk.decide(command_id, "approve")
    relay(reached=False)
    command = command_in(status_of(phone))
    assert command["jti"] == command_id and command["sub"] == phone.id and command["args"] == WIPE
    assert command["exp"] - command["iat"] == 600
    assert desk.status(command_id) == "queued"
    desk.freeze(True)
    assert "command" not in status_of(phone)
    desk.freeze(False)
    desk.decide(command_id, "cancel", "asker")
    assert "command" not in status_of(phone)


def test_a_retired_phone_still_gets_its_wipe_by_the_status(desk: Desk, phone: Phone) -> None:
    command_id = desk.approved_wipe(phone)
    lock = desk.sent(phone, "lock")
    relay(reached=False)
    desk.company.post(f"/devices/{phone.id}/revoke", {"reason": "已丢失"})
    status = status_of(phone)
    assert status["state"] == "retired" and command_in(status)["jti"] == command_id
    assert desk.status(lock) == "cancelled"
    say(result(phone, command_id, "succeeded"))
    assert desk.status(command_id) == "succeeded"
    assert "command" not in status_of(phone)


def test_asking_for_the_status_is_noted_so_that_a_cancel_knows_when_the_last_signature_dies(
    desk: Desk, phone: Phone
) -> None:
    command_id = desk.approved_wipe(phone)
    relay(reached=False)
    with unit_of_work():
        session().get_one(Command, command_id).last_exp = 1
    with unit_of_work():
        offers.note_status_offer(phone.id)
    command = command_in(status_of(phone))
    with unit_of_work(write=False):
        row = session().get_one(Command, command_id)
        assert row.last_exp is not None and row.last_exp >= command["exp"]
        assert row.last_exp <= clock.unix() + 700


def test_a_phone_that_lives_on_under_a_new_id_keeps_no_wipe_of_its_old_life(desk: Desk, phone: Phone) -> None:
    command_id = desk.approved_wipe(phone)
    relay(reached=False)
    again = Phone(serial=phone.serial)
    desk.company.enroll(again, desk.company.token(allow_reenroll=True))
    desk.company.post(f"/devices/{again.id}/confirm", {"person": "E1024"})
    assert desk.status(command_id) == "cancelled"
    hello(again)
    assert relay() == []
    assert "command" not in status_of(phone) and "command" not in status_of(again)


def test_a_wipe_waits_for_its_phone_without_end(desk: Desk, phone: Phone) -> None:
    command_id = desk.approved_wipe(phone)
    relay(reached=False)
    assert desk.show(command_id)["expires_at"] is None
    hello(phone)
    assert jtis(relay()) == [command_id]
