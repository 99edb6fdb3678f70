"""Whoever made or took over an account does not approve through it."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from flask import Flask

from core import clock
from core.errors import Conflict, Forbidden, NotFound
from core.runtime import EXTENSION, Runtime, runtime
from core.uow import unit_of_work
from identity import approvals, people, sign_in, totp
from identity.people import PersonChanges
from tests.identity import world
from tests.identity.asking import CONTENT, approve, ask, consume
from tests.identity.world import PASSWORD, SYSTEM

TOLD = "told by a puppet"
pytestmark = pytest.mark.usefixtures("installation")


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
        secret = totp.enroll(second).secret
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
        people.change(puppet, person_id, PersonChanges(frozenset({"password"}), password=TOLD))
        ticket = sign_in.console("second", TOLD)
    taken_over = world.authenticate(cookie=ticket.token)
    assert taken_over is not None
    with unit_of_work():
        sign_in.change_password(taken_over, TOLD, PASSWORD)
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
