from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select, update

from core import clock, jobs
from core.db import session
from core.text import Text
from core.uow import unit_of_work
from fleet.commands import guards, sealing
from fleet.commands.models import Command
from identity.models import Installation
from tests.conftest import Tune
from tests.fleet.phone import Phone
from tests.fleet_commands.desk import LOSSY, WIPE, Desk, hello, jtis, later, relay, result, say
from tests.fleet_commands.test_requests import phones
from tests.identity import world


def test_nobody_approves_or_denies_their_own_request(desk: Desk, phone: Phone) -> None:
    command_id = desk.sent(phone, "wipe", WIPE)
    for how in ("approve", "deny"):
        answer = desk.decide(command_id, how, "asker")
        assert answer.status_code == 403 and answer.json["code"] == "own_request"
    assert desk.status(command_id) == "pending_approval" and relay() == []


def test_an_approval_lets_exactly_one_wipe_go_and_names_both_persons(desk: Desk, phone: Phone) -> None:
    command_id = desk.sent(phone, "wipe", WIPE)
    assert desk.decide(command_id, "approve").json["status"] == "queued"
    assert jtis(relay()) == [command_id]
    shown = desk.show(command_id)
    assert shown["requested_by_name"] == "asker" and shown["approval"]["decided_by"] != shown["requested_by"]
    assert shown["approval"]["state"] == "used"
    assert [(step["new"], step["actor"]) for step in shown["history"]][:2] == [
        ("pending_approval", "asker"),
        ("queued", "second"),
    ]
    assert desk.decide(command_id, "approve").status_code == 409


def test_a_denied_wipe_ends(desk: Desk, phone: Phone) -> None:
    command_id = desk.sent(phone, "wipe", WIPE)
    assert desk.decide(command_id, "deny").json["status"] == "denied"
    assert desk.decide(command_id, "approve").status_code == 409
    hello(phone)
    assert relay() == []
    assert desk.ask(phone, "wipe", WIPE).status_code == 202


def test_an_unanswered_request_lapses_after_its_time(desk: Desk, phone: Phone) -> None:
    command_id = desk.sent(phone, "wipe", WIPE)
    with time_machine.travel(later(hours=25)):
        desk.sign_in()
        assert desk.decide(command_id, "approve").json["code"] == "approval_lapsed"
        assert jobs.run("identity-lapse-approvals") == "done"
        answer = desk.company.get(f"/commands/{command_id}", desk.who["second"])
    assert answer.json["status"] == "expired" and answer.json["history"][-1]["why"] == "lapsed"


def test_an_approver_whom_the_requester_made_a_moment_ago_does_not_count(desk: Desk, phone: Phone) -> None:
    # The rule needs an installation that is older than the age it asks for.
    world.first_start()
    with unit_of_work():
        session().execute(update(Installation).values(installed_at=clock.now() - timedelta(days=3)))
    asker = world.actor("asker")
    world.person("puppet", "it_admin", by=asker)
    desk.who["puppet"] = world.headers("puppet")
    command_id = desk.sent(phone, "wipe", WIPE)
    answer = desk.decide(command_id, "approve", "puppet")
    assert answer.status_code == 403 and answer.json["code"] == "approver_not_independent"
    assert desk.decide(command_id, "approve", "second").status_code == 200


def test_an_approver_must_see_all_phones_of_a_batch(desk: Desk) -> None:
    (near,) = phones(desk, 1, org_unit="/总部/电销")
    (far,) = phones(desk, 1, org_unit="/总部/客服")
    batch = desk.many({"devices": [near.id, far.id]}, "wipe", WIPE).json["id"]
    assert desk.decide(batch, "approve", "leader").status_code == 404
    assert desk.decide(batch, "approve").json["states"] == {"queued": 2}
    assert len(relay()) == 2


def test_one_approval_covers_the_whole_batch_and_no_phone_more(desk: Desk) -> None:
    first, second, third = phones(desk, 3)
    batch = desk.many({"devices": [first.id, second.id]}, "wipe", WIPE).json["id"]
    desk.decide(batch, "approve")
    smuggled = desk.sent(third, "wipe", WIPE)
    with unit_of_work():
        approval_id = session().scalar(select(Command.approval_id).where(Command.batch_id == batch))
        forged = {"batch_id": batch, "approval_id": approval_id, "state": "queued"}
        session().execute(update(Command).where(Command.id == smuggled).values(**forged))
    hello(third)
    assert relay() == []


def test_a_wipe_whose_arguments_changed_after_the_approval_is_never_signed(desk: Desk, phone: Phone) -> None:
    command_id = desk.approved_wipe(phone)
    with unit_of_work():
        altered = sealing.seal_args(command_id, {**WIPE, "scope": "work_data"})
        session().execute(update(Command).values(args=altered))
    assert relay() == []
    shown = desk.show(command_id)
    assert shown["status"] == "expired" and shown["history"][-1]["why"] == "approval_unusable"


def test_a_wipe_that_was_turned_to_another_phone_is_never_signed(desk: Desk, phone: Phone) -> None:
    other = desk.company.enroll()
    command_id = desk.approved_wipe(phone)
    with unit_of_work():
        session().execute(update(Command).values(device_id=other.id))
    assert relay() == []
    assert desk.status(command_id) == "expired"


def test_a_row_forged_into_the_queue_without_an_approval_is_never_signed(desk: Desk, phone: Phone) -> None:
    command_id = desk.sent(phone, "wipe", WIPE)
    with unit_of_work():
        session().execute(update(Command).values(state="queued", approval_id=None))
    hello(phone)
    assert relay() == []
    assert desk.status(command_id) == "expired"


@pytest.mark.parametrize("who", ["asker", "second"])
def test_either_person_who_lost_the_role_before_the_signature_does_not_count(
    desk: Desk, phone: Phone, who: str
) -> None:
    desk.freeze(True)
    command_id = desk.approved_wipe(phone)
    person = desk.company.get("/staff", q=who).json["items"][0]
    assert desk.company.patch(f"/staff/{person['id']}", {"roles": ["employee"]}).status_code == 200
    desk.freeze(False)
    assert relay() == []
    assert desk.status(command_id) == "expired"


def test_a_second_wipe_of_the_same_phone_waits_for_the_end_of_the_first(desk: Desk, phone: Phone) -> None:
    first = desk.sent(phone, "wipe", WIPE)
    answer = desk.ask(phone, "wipe", WIPE)
    assert answer.status_code == 409 and answer.json["code"] == "command_under_way"
    desk.decide(first, "cancel", "asker")
    assert desk.ask(phone, "wipe", WIPE).status_code == 202


def test_cancelling_a_waiting_wipe_takes_its_request_for_approval_back(desk: Desk, phone: Phone) -> None:
    command_id = desk.sent(phone, "wipe", WIPE)
    assert desk.decide(command_id, "cancel", "asker").json["approval"]["state"] == "withdrawn"
    assert desk.decide(command_id, "approve").status_code == 409


def test_commands_that_wait_are_listed_for_approvers(desk: Desk, phone: Phone) -> None:
    command_id = desk.sent(phone, "wipe", WIPE)
    desk.sent(phone, "ping")
    items = desk.company.get("/commands", desk.who["second"]).json["items"]
    assert [item["id"] for item in items] == [command_id]


def test_a_command_without_approval_cannot_be_approved(desk: Desk, phone: Phone) -> None:
    assert desk.decide(desk.sent(phone, "ping"), "approve").json["code"] == "no_approval_needed"


class TestUnsentRecords:
    """A wipe that does not preserve records, while the phone holds some or nobody knows."""

    def unsent(self, phone: Phone) -> int | None:
        with unit_of_work(write=False):
            return guards.unsent([phone.id])[phone.id]

    @pytest.mark.parametrize("said", [None, {"next_seq": 11, "oldest_seq": 6, "archived_through": 5}])
    def test_needs_a_compliance_officer(self, desk: Desk, phone: Phone, said: dict[str, int] | None) -> None:
        if said:
            hello(phone, **said)
        command_id = desk.sent(phone, "wipe", LOSSY)
        answer = desk.decide(command_id, "approve", "second")
        assert answer.status_code == 403 and answer.json["permission"] == "command.approve_record_loss"
        assert desk.decide(command_id, "approve", "officer").json["status"] == "queued"
        assert jtis(relay()) == [command_id]

    def test_needs_none_when_everything_is_archived_though_the_phone_keeps_copies(
        self, desk: Desk, phone: Phone
    ) -> None:
        hello(phone, next_seq=11, oldest_seq=3, archived_through=10)
        command_id = desk.approved_wipe(phone, LOSSY, "second")
        assert jtis(relay()) == [command_id]

    def test_the_archives_own_watermark_counts_and_a_heartbeat_only_adds(self, desk: Desk, phone: Phone) -> None:
        hello(phone, next_seq=11, archived_through=5)
        guards.bind(archived_through=lambda device_ids: dict.fromkeys(device_ids, 10))
        assert self.unsent(phone) == 0
        say(phone.heartbeat(clock.now(), queue={"records": 4, "oldest": None}))
        assert self.unsent(phone) == 4
        hello(phone, next_seq=16, archived_through=5)
        assert self.unsent(phone) == 5

    def test_records_that_came_after_the_approval_hold_the_signature_until_they_are_archived(
        self, desk: Desk, phone: Phone
    ) -> None:
        hello(phone, next_seq=11, archived_through=10)
        command_id = desk.approved_wipe(phone, LOSSY, "second")
        hello(phone, next_seq=14, archived_through=10)
        assert relay() == []
        assert desk.show(command_id)["held"] == "unsent_records"
        with time_machine.travel(later(seconds=40)):
            hello(phone, next_seq=14, archived_through=13)
            assert jtis(relay()) == [command_id]
        assert desk.show(command_id)["held"] is None

    def test_preserving_them_needs_no_officer(self, desk: Desk, phone: Phone) -> None:
        hello(phone, next_seq=11, archived_through=5)
        command_id = desk.approved_wipe(phone, WIPE, "second")
        assert jtis(relay()) == [command_id]


class TestWipeGuard:
    """A higher room objects: a legal hold, an open hand-over."""

    class Hold:
        def __init__(self) -> None:
            self.active = True
            self.asked: list[tuple[list[str], bool]] = []

        def __call__(self, device_ids: Sequence[str], *, preserve_records: bool) -> Mapping[str, Text]:
            self.asked.append((list(device_ids), preserve_records))
            return (
                dict.fromkeys(device_ids, Text("设备处于法律保全", "The device is under legal hold"))
                if self.active
                else {}
            )

    def test_an_objection_refuses_the_request_and_is_audited(self, desk: Desk, phone: Phone) -> None:
        hold = self.Hold()
        guards.bind(wipe_guard=hold)
        answer = desk.ask(phone, "wipe", WIPE)
        assert answer.status_code == 409 and answer.json["code"] == "wipe_refused"
        assert "保全" in answer.json["detail"] and hold.asked == [([phone.id], True)]
        assert desk.audited("request.refused")[0]["detail"]["code"] == "wipe_refused"
        assert desk.ask(phone, "lock").status_code == 202

    def test_an_objection_that_comes_later_holds_the_signature(self, desk: Desk, phone: Phone) -> None:
        command_id = desk.approved_wipe(phone)
        hold = self.Hold()
        guards.bind(wipe_guard=hold)
        assert relay() == []
        assert desk.show(command_id)["held"] == "guard"
        hold.active = False
        assert jobs.run("commands-held") == "done"
        assert jtis(relay()) == [command_id]


def test_a_held_approval_that_lapses_ends_the_wipe(desk: Desk, phone: Phone, tune: Tune) -> None:
    desk.freeze(True)
    command_id = desk.approved_wipe(phone)
    relay()
    with time_machine.travel(later(hours=25)):
        jobs.run("identity-lapse-approvals")
        desk.sign_in()
        assert desk.freeze(False).status_code == 200
        assert relay() == []
        shown = desk.company.get(f"/commands/{command_id}", desk.who["second"]).json
    assert shown["status"] == "expired"


def test_a_result_for_a_denied_command_changes_nothing(desk: Desk, phone: Phone) -> None:
    command_id = desk.sent(phone, "wipe", WIPE)
    desk.decide(command_id, "deny")
    say(result(phone, command_id, "succeeded"))
    assert desk.status(command_id) == "denied" and desk.company.device(phone)["state"] == "active"
