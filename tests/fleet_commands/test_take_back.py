"""What lies in the broker for an absent phone is dropped when it must not run any more."""

from __future__ import annotations

import pytest
import time_machine
from sqlalchemy import select

from core import clock, outbox, witness
from core.audit import AuditHead
from core.crypto.jwk import SigningKey
from core.runtime import runtime
from core.uow import unit_of_work
from fleet.commands import restore, take_back
from tests.conftest import Tune
from tests.fleet.phone import Phone
from tests.fleet_commands.desk import WIPE, Desk, later, relay, result, say
from tests.fleet_commands.test_requests import phones
from tests.identity import world


def cut() -> list[str]:
    """Phones whose session the relay would take over now, after it looked who is still silent."""
    key: SigningKey = runtime().ring.signing_keys()[0]
    with unit_of_work() as current:
        rows = [row for row in outbox.due(current, 1000) if row.effect == take_back.EFFECT]
        assert take_back.render(rows, key) == []
        outbox.settle(current, [row.id for row in rows])
    with unit_of_work() as current:
        kicks = [row for row in outbox.due(current, 1000) if row.effect == "kick"]
        outbox.settle(current, [row.id for row in kicks])
    return [row.key for row in kicks]


def test_cancelling_what_was_handed_out_for_an_absent_phone_drops_it_at_once(desk: Desk, phone: Phone) -> None:
    ping = desk.sent(phone, "ping")
    relay()
    assert desk.decide(ping, "cancel", "asker").status_code == 200
    assert cut() == [phone.id]


def test_what_was_signed_counts_as_handed_out_before_the_broker_answered(desk: Desk, phone: Phone) -> None:
    ping = desk.sent(phone, "ping")
    relay(reached=False)
    assert desk.status(ping) == "queued"
    desk.decide(ping, "cancel", "asker")
    assert cut() == [phone.id]


def test_nobody_is_cut_for_what_was_never_handed_out_or_has_run_out_in_the_broker(desk: Desk) -> None:
    queued, old = phones(desk, 2)
    never = desk.sent(queued, "ping")
    desk.decide(never, "cancel", "asker")
    late = desk.sent(old, "ping")
    with unit_of_work() as current:
        outbox.settle(current, [row.id for row in outbox.due(current, 100) if row.key == never])
    relay()
    with time_machine.travel(later(minutes=11)):
        desk.sign_in()
        desk.decide(late, "cancel", "asker")
        assert cut() == []


def test_a_phone_that_is_there_is_cut_only_if_it_stays_silent(desk: Desk) -> None:
    answering, silent = phones(desk, 2)
    say(*(one.presence(True, clock.now()) for one in (answering, silent)))
    ids = {one.id: desk.sent(one, "ping") for one in (answering, silent)}
    relay()
    for one in (answering, silent):
        desk.decide(ids[one.id], "cancel", "asker")
    assert cut() == []
    say(result(answering, ids[answering.id], "received"))
    with time_machine.travel(later(seconds=21)):
        assert cut() == [silent.id]


def test_a_freeze_drops_what_destroys_and_was_not_answered(desk: Desk, tune: Tune) -> None:
    tune(wipe_cap_per_person=5)
    waiting, busy, pinged = phones(desk, 3)
    desk.approved_wipe(waiting)
    running = desk.approved_wipe(busy)
    desk.sent(pinged, "ping")
    relay()
    say(result(busy, running, "received"))
    desk.freeze(True)
    assert cut() == [waiting.id]


def test_a_restored_server_drops_everything_first_what_it_knows_of_and_spread_over_time(
    desk: Desk, phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = phones(desk, 4)
    desk.approved_wipe(others[3])
    relay()
    start = clock.now()
    with time_machine.travel(start, tick=False):
        monkeypatch.setattr(take_back, "BATCH", 2)
        with unit_of_work():
            figures = restore.start_frozen(world.SYSTEM)
        assert figures["phones_cut"] == 5
        first = cut()
    assert len(set(first)) == 2 and first[0] == others[3].id
    with time_machine.travel(start + take_back.PAUSE * 2):
        assert set(first) | set(cut()) == {one.id for one in (*others, phone)}


def test_an_undo_is_witnessed_at_once_so_that_no_database_put_back_within_the_minute_destroys(desk: Desk) -> None:
    denied, cancelled, held = phones(desk, 3)
    asked = {one.id: desk.sent(one, "wipe", WIPE) for one in (denied, cancelled, held)}
    undone = (("deny", denied, "second"), ("cancel", cancelled, "asker"))
    for how, one, who in undone:
        assert desk.decide(asked[one.id], how, who).status_code == 200
        assert witnessed()
    assert desk.freeze(True).status_code == 200
    assert witnessed()


def witnessed() -> bool:
    """Whether the witness file knows the newest head."""
    with unit_of_work(write=False) as current:
        return bool(witness.lines(witness.HEAD)[-1]["hash"] == current.scalar(select(AuditHead.hash)))
