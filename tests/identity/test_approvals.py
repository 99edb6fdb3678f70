from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask

from core import clock
from core.actor import Actor
from core.errors import Conflict, Forbidden, Invalid, NotFound
from core.permissions import Permission
from core.runtime import EXTENSION, Runtime, runtime
from core.uow import unit_of_work
from identity import approvals, events, people, totp
from identity.approval_views import ApprovalView
from identity.people import PersonChanges
from notify import in_app
from tests.identity import world
from tests.identity.world import PASSWORD, SYSTEM

CONTENT: dict[str, Any] = {"type": "wipe", "device": "d-1", "args": {"scope": "device"}}
LOSS = Permission.COMMAND_APPROVE_RECORD_LOSS
START = "2026-03-02T08:00:00Z"


@pytest.fixture(autouse=True)
def installation(app: Flask) -> Iterator[None]:
    """An installation that is three days old, with a requester and an approver as old as it."""
    with time_machine.travel(START, tick=False) as wall:
        world.first_start()
        world.unit("/A/一组")
        world.unit("/B")
        world.person("asker", "it_admin")
        world.person("second", "it_admin")
        wall.shift(timedelta(days=3))
        yield


def ask(by: Actor | None = None, unit: str = "/A/一组", **more: Any) -> str:
    who = by or world.actor("asker")
    unit_id = world.unit(unit)
    with unit_of_work():
        return approvals.request(
            who, kind="wipe", content=CONTENT, targets=["d-1"], unit_ids=[unit_id], reason="离职", **more
        )


def approve(approval_id: str, by: str = "second", **more: Any) -> ApprovalView:
    who = world.actor(by)
    with unit_of_work():
        return approvals.approve(who, approval_id, "同意", **more)


def consume(approval_id: str, **other: Any) -> None:
    values = {"kind": "wipe", "content": CONTENT, "used_for": "c-1"} | other
    with unit_of_work():
        approvals.consume(SYSTEM, approval_id, **values)


def state(approval_id: str) -> str:
    who = world.actor("asker")
    with unit_of_work(write=False):
        return approvals.get(who, approval_id).state


def test_a_second_person_lets_it_happen_once() -> None:
    approval_id = ask()
    heard: list[dict[str, Any]] = []

    def listen(_sender: object, **what: Any) -> None:
        heard.append(what)

    with events.approval_decided.connected_to(listen):
        approve(approval_id)
    assert heard == [{"approval_id": approval_id, "kind": "wipe", "state": "approved", "targets": ["d-1"]}]
    consume(approval_id)
    assert state(approval_id) == "used"
    with pytest.raises(Conflict, match="approval_unusable"):
        consume(approval_id, used_for="c-2")


def test_an_unapproved_or_denied_request_is_not_consumed() -> None:
    waiting, denied = ask(), ask()
    second = world.actor("second")
    with unit_of_work():
        approvals.deny(second, denied, "不同意")
    for approval_id in (waiting, denied, "no-such-id"):
        with pytest.raises(Conflict, match="approval_unusable"):
            consume(approval_id)


def test_nobody_decides_their_own_request() -> None:
    approval_id = ask()
    with pytest.raises(Forbidden, match="own_request"):
        approve(approval_id, by="asker")
    asker = world.actor("asker")
    with pytest.raises(Forbidden, match="own_request"), unit_of_work():
        approvals.deny(asker, approval_id, "x")


def test_the_command_line_is_no_second_person() -> None:
    approval_id = ask()
    with pytest.raises(Forbidden, match="own_request"), unit_of_work():
        approvals.approve(SYSTEM, approval_id, "x")


def test_an_approver_needs_the_permission() -> None:
    world.person("viewer", "auditor")
    with pytest.raises(Forbidden, match="permission_missing"):
        approve(ask(), by="viewer")


def test_losing_records_needs_a_compliance_officer() -> None:
    world.person("officer", "compliance_officer")
    approval_id = ask(permissions=[Permission.COMMAND_APPROVE, LOSS])
    with pytest.raises(Forbidden, match="permission_missing"):
        approve(approval_id)
    approve(approval_id, by="officer")
    consume(approval_id)


def test_a_demand_that_came_up_later_is_checked_at_approval_and_at_execution() -> None:
    world.person("officer", "compliance_officer")
    with pytest.raises(Forbidden, match="permission_missing"):
        approve(ask(), also=[LOSS])
    plain = ask()
    approve(plain)
    with pytest.raises(Conflict) as refused:
        consume(plain, also=[LOSS])
    assert refused.value.members["why"] == "permissions"
    strict = ask()
    assert approve(strict, by="officer", also=[LOSS]).permissions == ("command.approve", str(LOSS))
    consume(strict, also=[LOSS])


def test_a_request_outside_the_approvers_scope_is_not_there() -> None:
    world.person("local", "it_admin", org_unit="/A")
    approve(ask(), by="local")
    for unit in ("/B", "/"):
        with pytest.raises(NotFound, match="no_such_approval"):
            approve(ask(unit=unit), by="local")


def test_targets_in_two_units_need_an_approver_above_both() -> None:
    world.person("local", "it_admin", org_unit="/A")
    who, units = world.actor("asker"), [world.unit("/A"), world.unit("/B")]
    with unit_of_work():
        approval_id = approvals.request(
            who, kind="lock", content=CONTENT, targets=["d-1", "d-2"], unit_ids=units, reason="丢失"
        )
    with pytest.raises(NotFound):
        approve(approval_id, by="local")
    approve(approval_id)


def test_a_request_lapses_unanswered() -> None:
    approval_id = ask()
    heard: list[list[str]] = []

    def listen(_sender: object, approval_ids: list[str]) -> None:
        heard.append(approval_ids)

    with time_machine.travel(clock.now() + timedelta(days=1), tick=False):
        with pytest.raises(Conflict, match="approval_lapsed"):
            approve(approval_id)
        with unit_of_work(), events.approvals_lapsed.connected_to(listen):
            assert approvals.lapse_overdue() == 1
        assert state(approval_id) == "lapsed"
        with unit_of_work():
            assert approvals.lapse_overdue() == 0
    assert heard == [[approval_id]]


def test_an_approval_that_nobody_used_lapses_too() -> None:
    approval_id = ask()
    approve(approval_id)
    with time_machine.travel(clock.now() + timedelta(days=1), tick=False), pytest.raises(Conflict) as refused:
        consume(approval_id)
    assert refused.value.members["why"] == "lapsed"


def test_a_decision_stands() -> None:
    approval_id = ask()
    approve(approval_id)
    second = world.actor("second")
    with pytest.raises(Conflict, match="approval_decided"), unit_of_work():
        approvals.deny(second, approval_id, "x")


def test_a_withdrawn_request_is_over() -> None:
    approval_id = ask()
    asker = world.actor("asker")
    with unit_of_work():
        approvals.withdraw(asker, approval_id)
    with pytest.raises(Conflict, match="approval_decided"):
        approve(approval_id)


@pytest.mark.parametrize("reason", ["", "   ", "x" * 501])
def test_a_reason_is_required_for_asking_and_deciding(reason: str) -> None:
    approval_id = ask()
    asker, second = world.actor("asker"), world.actor("second")
    with pytest.raises(Invalid, match="reason_required"), unit_of_work():
        approvals.request(asker, kind="wipe", content={}, targets=[], unit_ids=[], reason=reason)
    with pytest.raises(Invalid, match="reason_required"), unit_of_work():
        approvals.approve(second, approval_id, reason)
    assert state(approval_id) == "pending"


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"content": CONTENT | {"device": "d-2"}}, "content"),
        ({"content": CONTENT | {"args": {"scope": "work_data"}}}, "content"),
        ({"kind": "lock"}, "kind"),
    ],
)
def test_an_approval_counts_for_exactly_its_content(other: dict[str, Any], why: str) -> None:
    approval_id = ask()
    approve(approval_id)
    with pytest.raises(Conflict) as refused:
        consume(approval_id, **other)
    assert refused.value.members["why"] == why
    consume(approval_id, content=dict(reversed(CONTENT.items())))


@pytest.mark.parametrize(("who", "why"), [("asker", "requester"), ("second", "approver")])
def test_an_approval_dies_with_either_persons_account(who: str, why: str) -> None:
    approval_id = ask()
    approve(approval_id)
    with unit_of_work():
        people.deactivate(SYSTEM, people.id_of(SYSTEM, who))
    with pytest.raises(Conflict) as refused:
        consume(approval_id)
    assert refused.value.members["why"] == why


def test_an_approval_dies_with_the_approvers_role() -> None:
    approval_id = ask()
    approve(approval_id)
    with unit_of_work():
        person_id = people.id_of(SYSTEM, "second")
        people.change(SYSTEM, person_id, PersonChanges(frozenset({"roles"}), roles=frozenset({"auditor"})))
    with pytest.raises(Conflict) as refused:
        consume(approval_id)
    assert refused.value.members["why"] == "permissions"


def test_a_spent_approval_still_holds_for_its_thing_alone() -> None:
    approval_id = ask()
    approve(approval_id)
    good: dict[str, Any] = {"kind": "wipe", "content": CONTENT, "used_for": "c-1"}
    with unit_of_work(write=False):
        assert not approvals.still_holds(approval_id, **good)
    consume(approval_id)
    with unit_of_work(write=False):
        assert approvals.still_holds(approval_id, **good)
        assert not approvals.still_holds("no-such-id", **good)
        other: dict[str, Any]
        for other in ({"used_for": "c-2"}, {"kind": "lock"}, {"content": {}}):
            assert not approvals.still_holds(approval_id, **(good | other))


def test_those_who_may_decide_are_told_and_the_requester_hears_the_answer() -> None:
    world.person("viewer", "auditor")
    world.person("local", "it_admin", org_unit="/B")
    approval_id = ask()
    told = {}
    for name in ("asker", "second", "viewer", "local"):
        who = world.actor(name)
        with unit_of_work(write=False):
            told[name] = [(view.kind, view.about) for view in in_app.find(who).items]
    expected = ("approval_requested", ("approval", approval_id))
    assert told == {"asker": [], "second": [expected], "viewer": [], "local": []}
    approve(approval_id)
    asker = world.actor("asker")
    with unit_of_work(write=False):
        assert [view.kind for view in in_app.find(asker).items] == ["approval_approved"]


# Independence: whoever made or took over an account does not approve through it.


def made_by(creator: str, username: str, *roles: str) -> None:
    world.person(username, *roles, by=world.actor(creator))


def test_an_approver_whom_the_requester_just_created_does_not_count() -> None:
    made_by("asker", "puppet", "it_admin")
    with pytest.raises(Forbidden, match="approver_not_independent"):
        approve(ask(), by="puppet")


def test_a_puppet_may_still_deny() -> None:
    made_by("asker", "puppet", "it_admin")
    approval_id, puppet = ask(), world.actor("puppet")
    with unit_of_work():
        assert approvals.deny(puppet, approval_id, "x").state == "denied"


def test_an_approver_created_by_somebody_else_counts_at_once() -> None:
    made_by("second", "fresh", "it_admin")
    approve(ask(), by="fresh")


def test_an_approver_to_whom_the_requester_just_granted_a_role_does_not_count() -> None:
    person_id = world.person("plain", "employee")
    asker = world.actor("asker")
    with unit_of_work():
        people.change(asker, person_id, PersonChanges(frozenset({"roles"}), roles=frozenset({"it_admin"})))
    with pytest.raises(Forbidden, match="approver_not_independent"):
        approve(ask(), by="plain")


def test_an_approver_whose_password_the_requester_just_reset_does_not_count_even_after_changing_it() -> None:
    from identity import sign_in

    asker = world.actor("asker")
    with unit_of_work():
        person_id = people.id_of(SYSTEM, "second")
        people.change(asker, person_id, PersonChanges(frozenset({"password"}), password="taken over 123"))
        ticket = sign_in.console("second", "taken over 123")
    taken = world.authenticate(cookie=ticket.token)
    assert taken is not None
    with unit_of_work():
        sign_in.change_password(taken, "taken over 123", PASSWORD)
    with pytest.raises(Forbidden, match="approver_not_independent"):
        approve(ask())


def test_an_approver_whose_second_factor_the_requester_just_reset_does_not_count() -> None:
    import pyotp

    second = world.actor("second")
    with unit_of_work():
        secret = totp.enrol(second).secret
        totp.confirm(second, pyotp.TOTP(secret).now())
    asker = world.actor("asker")
    with unit_of_work():
        totp.reset(asker, second.id)
    with pytest.raises(Forbidden, match="approver_not_independent"):
        approve(ask())


def test_an_approver_reached_through_a_puppet_does_not_count() -> None:
    made_by("asker", "puppet", "it_admin")
    puppet = world.actor("puppet")
    with unit_of_work():
        person_id = people.id_of(SYSTEM, "second")
        people.change(puppet, person_id, PersonChanges(frozenset({"password"}), password=PASSWORD))
    with pytest.raises(Forbidden, match="approver_not_independent"):
        approve(ask())


def test_what_somebody_did_before_the_requester_reached_them_does_not_count() -> None:
    made_by("second", "fresh", "it_admin")
    asker = world.actor("asker")
    with unit_of_work():
        person_id = people.id_of(SYSTEM, "second")
        people.change(asker, person_id, PersonChanges(frozenset({"password"}), password=PASSWORD))
    approve(ask(), by="fresh")


def reset_password(by: str, username: str) -> None:
    actor = world.actor(by)
    with unit_of_work():
        person_id = people.id_of(SYSTEM, username)
        people.change(actor, person_id, PersonChanges(frozenset({"password"}), password=PASSWORD))


def test_whoever_takes_over_an_account_and_asks_with_it_cannot_approve_with_their_own() -> None:
    reset_password("second", "asker")
    with pytest.raises(Forbidden, match="approver_not_independent"):
        approve(ask(), by="second")


def test_two_puppets_of_a_third_account_are_one_person() -> None:
    world.person("master", "it_admin")
    reset_password("master", "asker")
    made_by("master", "puppet", "it_admin")
    with pytest.raises(Forbidden, match="approver_not_independent"):
        approve(ask(), by="puppet")


def test_waiting_until_the_hand_is_old_does_not_make_the_request_any_older() -> None:
    reset_password("second", "asker")
    with time_machine.travel(clock.now() + timedelta(hours=20), tick=False):
        approval_id = ask()
    late = time_machine.travel(clock.now() + timedelta(hours=30), tick=False)
    with late, pytest.raises(Forbidden, match="approver_not_independent"):
        approve(approval_id, by="second")


def test_an_approver_moved_out_of_sight_of_the_phone_does_not_count_any_more() -> None:
    world.person("local", "it_admin", org_unit="/A")
    approval_id = ask()
    approve(approval_id, by="local")
    with unit_of_work():
        people.change(SYSTEM, people.id_of(SYSTEM, "local"), PersonChanges(frozenset({"org_unit"}), org_unit="/B"))
    with pytest.raises(Conflict, match="approval_unusable"):
        consume(approval_id)


def test_the_requesters_hand_is_forgotten_after_the_minimum_age() -> None:
    made_by("asker", "puppet", "it_admin")
    with time_machine.travel(clock.now() + timedelta(hours=24, seconds=1), tick=False):
        approve(ask(), by="puppet")


def test_a_young_installation_does_not_ask_for_old_accounts() -> None:
    with time_machine.travel("2026-03-03T07:00:00Z", tick=False):
        made_by("asker", "puppet", "it_admin")
        approve(ask(), by="puppet")


def test_an_installation_whose_minimum_age_is_zero_does_not_ask(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    changed = runtime().settings.model_copy(update={"approver_min_age": 0})
    monkeypatch.setitem(app.extensions, EXTENSION, Runtime(changed))
    approval_id = ask()
    made_by("asker", "puppet", "it_admin")
    approve(approval_id, by="puppet")


def test_the_root_is_the_unit_of_a_request_without_any() -> None:
    asker = world.actor("asker")
    with unit_of_work():
        approval_id = approvals.request(asker, kind="wipe", content=CONTENT, targets=[], unit_ids=[], reason="x")
    world.person("local", "it_admin", org_unit="/A")
    with pytest.raises(NotFound):
        approve(approval_id, by="local")
