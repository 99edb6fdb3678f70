"""A second person's decision: who may give it, for what, and how long it counts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine

from core import clock
from core.errors import Conflict, Forbidden, Invalid, NotFound
from core.permissions import Permission
from core.uow import unit_of_work
from identity import approvals, events, people
from identity.people import PersonChanges
from notify import in_app
from tests.identity import world
from tests.identity.asking import CONTENT, LOSS, approve, ask, consume, state
from tests.identity.world import SYSTEM

pytestmark = pytest.mark.usefixtures("installation")


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


@pytest.mark.parametrize(("who", "why"), [("second", "permissions"), ("asker", "requester_permissions")])
def test_an_approval_dies_with_the_role_of_either_person(who: str, why: str) -> None:
    approval_id = ask()
    approve(approval_id)
    with unit_of_work():
        person_id = people.id_of(SYSTEM, who)
        people.change(SYSTEM, person_id, PersonChanges(frozenset({"roles"}), roles=frozenset({"auditor"})))
    with pytest.raises(Conflict) as refused:
        consume(approval_id)
    assert refused.value.members["why"] == why


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
