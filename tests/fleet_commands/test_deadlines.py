from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine

from core import clock, jobs
from notify import notices
from notify.notices import Notice
from tests.fleet.phone import Phone
from tests.fleet_commands.desk import WIPE, Desk, hello, jtis, later, relay, result, say

DUE = {"seconds": 86_400 + 600 + 60}


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int, str]]:
    """What people are told: kind, to how many, about which command."""
    heard: list[tuple[str, int, str]] = []

    def carry(notice: Notice) -> None:
        heard.append((notice.kind, len(notice.person_ids), notice.about[1]))

    monkeypatch.setitem(notices._carriers, "test", carry)
    return heard


def tick(desk: Desk) -> None:
    assert jobs.run("commands-deadlines") == "done"
    desk.sign_in()
    desk.company.admin = desk.who["admin"]


@pytest.mark.parametrize("so_far", ["queued", "sent", "received"])
def test_a_command_whose_lifetime_is_over_expires_wherever_it_stands(desk: Desk, phone: Phone, so_far: str) -> None:
    command_id = desk.sent(phone, "reboot")
    if so_far != "queued":
        relay()
    if so_far == "received":
        say(result(phone, command_id, "received"))
    tick(desk)
    assert desk.status(command_id) == so_far
    with time_machine.travel(later(minutes=61)):
        tick(desk)
        assert desk.status(command_id) == "expired"
        hello(phone)
        assert relay() == []


@pytest.mark.parametrize("so_far", ["sent", "received"])
def test_a_wipe_without_a_last_word_becomes_unconfirmed_with_a_finding_that_names_who_asked(
    desk: Desk, phone: Phone, told: list[tuple[str, int, str]], so_far: str
) -> None:
    command_id = desk.approved_wipe(phone)
    relay()
    told.clear()
    if so_far == "received":
        say(result(phone, command_id, "received"))
    due = clock.from_wire(desk.show(command_id)["due_at"])
    assert timedelta(seconds=86_590) < due - clock.now() <= timedelta(seconds=87_000)
    with time_machine.travel(later(**DUE)):
        tick(desk)
        shown = desk.show(command_id)
        assert shown["status"] == "unconfirmed" and shown["due_at"] == clock.to_wire(due)
        (finding,) = desk.company.device(phone)["compliance"]["findings"]
        assert finding["code"] == "wipe_unconfirmed"
        assert finding["detail"] == {"command": command_id, "requested_by": "asker"}
        tick(desk)
        assert told == [("wipe_unconfirmed", 1, command_id)]
        assert desk.company.timeline(phone).count("command.unconfirmed") == 1


def test_an_unconfirmed_wipe_is_offered_again_and_ends_with_the_phones_word(desk: Desk, phone: Phone) -> None:
    command_id = desk.approved_wipe(phone)
    relay()
    with time_machine.travel(later(**DUE)):
        tick(desk)
        hello(phone)
        assert jtis(relay()) == [command_id]
        say(result(phone, command_id, "received"))
        assert desk.status(command_id) == "received" and desk.codes(phone) == set()
        say(result(phone, command_id, "succeeded"))
        assert desk.company.device(phone)["state"] == "wiped"


def test_a_person_settles_an_unconfirmed_wipe_by_cancelling_it(desk: Desk, phone: Phone) -> None:
    command_id = desk.approved_wipe(phone)
    relay()
    with time_machine.travel(later(**DUE)):
        tick(desk)
        assert desk.decide(command_id, "cancel", "asker", reason="设备已当面回收").json["status"] == "cancelled"
        assert desk.codes(phone) == set()


def test_a_wipe_that_never_reached_its_phone_stays_queued_and_says_so(desk: Desk, phone: Phone) -> None:
    command_id = desk.approved_wipe(phone)
    relay(reached=False)
    with time_machine.travel(later(**DUE)):
        tick(desk)
        assert desk.status(command_id) == "queued"
        assert desk.codes(phone) == {"wipe_undelivered"}
        hello(phone)
        assert jtis(relay()) == [command_id]
        assert desk.status(command_id) == "sent" and desk.codes(phone) == set()


def test_a_waiting_approval_has_no_due_date_yet(desk: Desk, phone: Phone) -> None:
    command_id = desk.sent(phone, "wipe", WIPE)
    assert desk.show(command_id)["due_at"] is None
    with time_machine.travel(later(**DUE)):
        tick(desk)
        assert desk.status(command_id) == "pending_approval"
