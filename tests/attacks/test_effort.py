"""Phones whose small messages are a lot of work: the others must not wait for it."""

from __future__ import annotations

import pytest

from core import clock
from fleet import device_auth
from mqtt import effort
from mqtt.buckets import Buckets
from mqtt.routes import Inbound
from tests.archive.parts import Recorder, held, new_recorder, receipts, sealed, take, waiting
from tests.fleet.phone import Phone
from tests.fleet_commands.desk import Desk, result_token, say

BURST = 0.1


@pytest.fixture(autouse=True)
def _little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenth of a second of work, and next to none after it."""
    monkeypatch.setattr(effort, "BURST_SECONDS", BURST)
    monkeypatch.setattr(effort, "SHARE", 0.0001)


def bomb(recorder: Recorder) -> Inbound:
    """A few kilobytes that unpack to a third of a million empty lists."""
    return recorder.phone.inbound("records", sealed(b'{"pad": [' + b"[]," * 300_000 + b"[]]}"), clock.now())


def test_a_phone_that_sends_bombs_is_cut_and_the_others_are_served(desk: Desk) -> None:
    hostile, honest = new_recorder(), new_recorder()
    hostile.say()
    honest.say()
    assert len(bomb(hostile).payload) < 10_000
    refused = take(*[bomb(hostile) for _ in range(3)], hostile.sends(), honest.sends())
    assert len(refused) == 1, "one bomb is opened, the others are dropped unopened"
    assert len(held(honest)) == 1 and held(hostile) == []
    assert receipts(honest)[honest.id]["through"] == 1
    findings = desk.company.device(hostile.phone)["compliance"]["findings"]
    assert [finding["code"] for finding in findings] == ["flood"]


def test_nothing_is_lost_to_the_cut(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = new_recorder()
    recorder.say()
    take(bomb(recorder), recorder.sends())
    assert held(recorder) == []
    now = clock.monotonic()
    monkeypatch.setattr(clock, "monotonic", lambda: now + 100_000)
    take(recorder.sends())
    assert len(held(recorder)) == 1


def test_batches_that_wait_are_charged_to_their_phone(desk: Desk) -> None:
    hostile = new_recorder()
    for _ in range(6):
        hostile.add("x" * 8_000_000)
    for seq in range(3, 7):
        take(hostile.sends(seq, seq))
    assert effort.is_spent(hostile.id)
    assert len(waiting()) < 4


def test_results_are_weighed_too(desk: Desk) -> None:
    phone = desk.company.enroll()
    command_id = desk.sent(phone, "ping")
    heavy = sealed(result_token(phone, command_id, "succeeded", output={"pad": [[]] * 150_000}).encode())
    for _ in range(12):
        say(phone.inbound("result", heavy, clock.now()))
    assert effort.is_spent(phone.id)


def test_debts_end_and_the_list_of_debtors_stays_bounded(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(effort, "MAX_TRACKED", 10)
    monkeypatch.setattr(effort, "SHARE", 1e9)
    for number in range(100):
        with effort.of(f"phone {number}"):
            pass
    assert len(effort._left) <= 11


def test_a_phone_that_floods_over_http_is_held_off_and_the_others_are_not(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    hostile, honest = desk.company.enroll(), desk.company.enroll()
    monkeypatch.setattr(device_auth, "_paces", {50: Buckets(1, 1)})

    def ask(phone: Phone) -> int:
        answer = desk.company.client.post("/api/v1/device/results", data=b"x", headers=phone.bearer())
        return int(answer.status_code)

    statuses = [ask(hostile) for _ in range(12)]
    assert statuses[0] == 422 and statuses[-1] == 429
    assert ask(honest) == 422
    findings = desk.company.device(hostile)["compliance"]["findings"]
    assert [finding["code"] for finding in findings] == ["flood"]
