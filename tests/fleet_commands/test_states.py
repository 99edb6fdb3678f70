from __future__ import annotations

import itertools

import pytest

from core.db import session
from core.uow import unit_of_work
from fleet.commands.models import Command, CommandStep
from fleet.commands.moves import Move, carry_out, locked
from fleet.commands.states import (
    FINAL,
    OPEN,
    TRANSITIONS,
    UNFINISHED,
    WITHDRAWING,
    State,
    Trigger,
    following,
    transition_table_markdown,
)
from tests.fleet.phone import Phone
from tests.fleet_commands.desk import Desk

PAIRS = list(itertools.product(State, Trigger))


def test_the_states_are_those_of_the_protocol() -> None:
    assert {str(state) for state in State} == {
        "pending_approval",
        "denied",
        "queued",
        "sent",
        "received",
        "succeeded",
        "failed",
        "rejected",
        "expired",
        "cancelled",
        "unconfirmed",
    }
    assert set(State) == OPEN | FINAL and not OPEN & FINAL


def test_a_decided_end_of_the_phone_and_a_denial_are_never_left() -> None:
    left = {old for old, _ in TRANSITIONS}
    assert not left & {State.DENIED, State.SUCCEEDED, State.FAILED, State.REJECTED}


def test_only_words_of_the_phone_lead_out_of_cancelled_and_expired() -> None:
    said = {Trigger.RECEIVED, Trigger.SUCCEEDED, Trigger.FAILED, Trigger.REJECTED}
    for (old, trigger), _ in TRANSITIONS.items():
        if old in (State.CANCELLED, State.EXPIRED):
            assert trigger in said
    assert following("cancelled", Trigger.REJECTED) is None


def test_what_is_received_cannot_be_cancelled_any_more() -> None:
    assert following("received", Trigger.CANCELLED) is None
    assert all(following(state, Trigger.CANCELLED) for state in ("pending_approval", "queued", "sent", "unconfirmed"))


def test_the_markdown_table_has_one_row_for_each_legal_step() -> None:
    for language in ("en", "zh-CN"):
        rows = transition_table_markdown(language).splitlines()[2:]
        assert len(rows) == len(TRANSITIONS) == len(set(rows))
    assert "| `sent` | a person cancels | `cancelled` |" in transition_table_markdown()


@pytest.fixture
def command_id(desk: Desk, phone: Phone) -> str:
    return desk.sent(phone, "ping")


def test_every_step_of_the_table_moves_and_every_other_one_changes_nothing(desk: Desk, command_id: str) -> None:
    for old, trigger in PAIRS:
        with unit_of_work():
            command = session().get_one(Command, command_id)
            command.state, command.withdrawn, command.after_cancel = old, False, False
            session().query(CommandStep).delete()
        with unit_of_work():
            moved = carry_out([Move(one, trigger) for one in locked(Command.id == command_id)])
        expected = TRANSITIONS.get((old, trigger))
        with unit_of_work(write=False):
            after = session().get_one(Command, command_id)
            steps = [(step.old, step.new) for step in session().query(CommandStep)]
            assert after.state == (expected or old)
            assert steps == ([(old, expected)] if expected else [])
            assert bool(moved) is (expected is not None)
            if expected:
                assert (after.finished_at is not None) is (expected in FINAL)
                assert after.withdrawn is (expected in WITHDRAWING)
                assert after.after_cancel is (old is State.CANCELLED)


def test_unfinished_is_exactly_what_may_be_offered() -> None:
    assert {"queued", "sent", "received", "unconfirmed"} == UNFINISHED
