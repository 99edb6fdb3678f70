from __future__ import annotations

from datetime import timedelta

import argon2
import pyotp
import pytest
import time_machine
from flask.testing import FlaskClient

from core import clock as wall
from core.actor import Actor
from core.errors import Conflict, Invalid, NotFound, TooMany, Unauthenticated
from core.uow import unit_of_work
from identity import people, sessions, sign_in, throttle, totp
from identity.people import PersonChanges
from tests.identity import world
from tests.identity.world import PASSWORD, SYSTEM

pytestmark = pytest.mark.usefixtures("app")
NEW_PASSWORD = "an entirely new one"


def attempt(username: str, password: str, otp: str | None = None) -> sessions.Ticket:
    with unit_of_work():
        return sign_in.console(username, password, otp)


def enroll(username: str) -> tuple[pyotp.TOTP, list[str]]:
    who = world.actor(username)
    with unit_of_work():
        secret = totp.enroll(who).secret
    generator = pyotp.TOTP(secret)
    with unit_of_work():
        return generator, totp.confirm(who, generator.now())


def test_every_wrong_attempt_gets_the_same_answer() -> None:
    world.person("li")
    world.person(None, name="nobody")
    gone = world.person("gone")
    with unit_of_work():
        people.deactivate(SYSTEM, gone)
    answers = set()
    for username in ("li", "unknown", "gone"):
        with pytest.raises(Unauthenticated) as refused:
            attempt(username, "wrong password!")
        answers.add((refused.value.code, refused.value.text))
    assert len(answers) == 1


def test_a_deactivated_person_cannot_sign_in_with_the_right_password() -> None:
    person_id = world.person("li")
    with unit_of_work():
        people.deactivate(SYSTEM, person_id)
    with pytest.raises(Unauthenticated):
        attempt("li", PASSWORD)


def test_an_unknown_name_costs_a_password_check_too(monkeypatch: pytest.MonkeyPatch) -> None:
    from identity import passwords

    asked: list[str | None] = []
    real = passwords.verify

    def verify(stored: str | None, given: str) -> bool:
        asked.append(stored)
        return real(stored, given)

    monkeypatch.setattr(passwords, "verify", verify)
    with pytest.raises(Unauthenticated):
        attempt("unknown", "wrong password!")
    assert asked == [None]


@pytest.mark.parametrize("username", ["li", "unknown"])
def test_failures_lock_a_name_for_longer_and_longer_whether_anybody_bears_it(username: str) -> None:
    world.person("li")
    with time_machine.travel("2026-03-02T08:00:00Z", tick=False) as clock:
        for _ in range(throttle.FREE_FAILURES + 1):
            with pytest.raises(Unauthenticated):
                attempt(username, "wrong password!")
        with pytest.raises(TooMany) as locked:
            attempt(username, PASSWORD)
        assert locked.value.members["retry_after"] == throttle.FIRST_LOCK_S + 1
        clock.shift(timedelta(seconds=throttle.FIRST_LOCK_S + 1))
        with pytest.raises(Unauthenticated):
            attempt(username, "wrong password!")
        with pytest.raises(TooMany) as again:
            attempt(username, PASSWORD)
        assert again.value.members["retry_after"] == 2 * throttle.FIRST_LOCK_S + 1


def test_attempts_while_locked_do_not_prolong_the_lock_and_a_success_clears_it() -> None:
    world.person("li")
    with time_machine.travel("2026-03-02T08:00:00Z", tick=False) as clock:
        for _ in range(throttle.FREE_FAILURES + 1):
            with pytest.raises(Unauthenticated):
                attempt("li", "wrong password!")
        for _ in range(20):
            with pytest.raises(TooMany):
                attempt("li", "wrong password!")
        clock.shift(timedelta(seconds=throttle.FIRST_LOCK_S + 1))
        attempt("li", PASSWORD)
        for _ in range(throttle.FREE_FAILURES):
            with pytest.raises(Unauthenticated):
                attempt("li", "wrong password!")
        attempt("li", PASSWORD)


def test_the_lock_never_grows_beyond_a_quarter_of_an_hour() -> None:
    with time_machine.travel("2026-03-02T08:00:00Z", tick=False) as clock:
        for _ in range(30):
            with unit_of_work():
                throttle.count_failure("li")
        with pytest.raises(TooMany) as locked, unit_of_work():
            throttle.check("li")
        assert locked.value.members["retry_after"] == throttle.LONGEST_LOCK_S + 1
        clock.shift(timedelta(hours=25))
        with unit_of_work():
            throttle.count_failure("li")
            throttle.check("li")


def test_an_administrators_reset_unlocks_the_name() -> None:
    person_id = world.person("li")
    for _ in range(throttle.FREE_FAILURES + 1):
        with pytest.raises(Unauthenticated):
            attempt("li", "wrong password!")
    with unit_of_work():
        people.change(SYSTEM, person_id, PersonChanges(frozenset({"password"}), password=NEW_PASSWORD))
    assert attempt("li", NEW_PASSWORD).person_id == person_id


def test_success_and_refusal_are_audited_without_what_was_typed(client: FlaskClient) -> None:
    world.person("root", "platform_admin")
    auth = world.headers("root")
    for username in ("root", "my-secret-password"):
        with pytest.raises(Unauthenticated):
            attempt(username, "wrong password!")
    entries = world.audit_items(client, auth, action="sign_in")
    assert [(entry["outcome"], entry["actor_name"], entry["detail"]) for entry in entries] == [
        ("refused", "anonymous", {"code": "wrong_password"}),
        ("refused", "root", {"code": "wrong_password"}),
        ("done", "root", {}),
    ]
    assert "my-secret-password" not in str(entries)


def test_an_old_weak_hash_is_renewed_at_sign_in() -> None:
    from core.db import session
    from identity.models import Person

    person_id = world.person("li")
    weak = argon2.PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD)
    with unit_of_work():
        session().get_one(Person, person_id).password_hash = weak
    attempt("li", PASSWORD)
    with unit_of_work(write=False):
        assert session().get_one(Person, person_id).password_hash != weak
    attempt("li", PASSWORD)


def test_ones_own_password_needs_the_present_one_and_ends_other_sessions() -> None:
    world.person("li")
    elsewhere = world.token("li")
    here = world.actor("li")
    with pytest.raises(Invalid, match="wrong_password"), unit_of_work():
        sign_in.change_password(here, "wrong password!", NEW_PASSWORD)
    with pytest.raises(Invalid, match="password_length"), unit_of_work():
        sign_in.change_password(here, PASSWORD, "short")
    with unit_of_work():
        sign_in.change_password(here, PASSWORD, NEW_PASSWORD)
        assert [view.id for view in sessions.own(here)] == [here.session_id]
    assert world.authenticate(elsewhere) is None
    attempt("li", NEW_PASSWORD)


def test_guessing_the_present_password_is_throttled() -> None:
    world.person("li")
    here = world.actor("li")
    for _ in range(throttle.FREE_FAILURES + 1):
        with pytest.raises(Invalid), unit_of_work():
            sign_in.change_password(here, "wrong password!", NEW_PASSWORD)
    with pytest.raises(TooMany), unit_of_work():
        sign_in.change_password(here, PASSWORD, NEW_PASSWORD)


def test_a_confirmed_second_factor_is_demanded_after_the_right_password() -> None:
    world.person("li")
    with time_machine.travel("2026-03-02T08:00:00Z", tick=False) as clock:
        generator, _ = enroll("li")
        clock.shift(timedelta(seconds=30))
        with pytest.raises(Unauthenticated, match="otp_required"):
            attempt("li", PASSWORD)
        with pytest.raises(Unauthenticated, match="sign_in_refused"):
            attempt("li", "wrong password!", generator.now())
        attempt("li", PASSWORD, generator.now())


def test_a_begun_enrollment_demands_nothing() -> None:
    world.person("li")
    who = world.actor("li")
    with unit_of_work():
        totp.enroll(who)
    attempt("li", PASSWORD)


def test_a_code_counts_once() -> None:
    world.person("li")
    with time_machine.travel("2026-03-02T08:00:00Z", tick=False) as clock:
        generator, _ = enroll("li")
        with pytest.raises(Unauthenticated):
            attempt("li", PASSWORD, generator.now())
        clock.shift(timedelta(seconds=30))
        code = generator.now()
        attempt("li", PASSWORD, code)
        with pytest.raises(Unauthenticated):
            attempt("li", PASSWORD, code)
        clock.shift(timedelta(seconds=30))
        with pytest.raises(Unauthenticated):
            attempt("li", PASSWORD, code)


def test_a_clock_one_step_off_is_forgiven_and_two_are_not() -> None:
    world.person("li")
    with time_machine.travel("2026-03-02T08:00:00Z", tick=False) as clock:
        generator, _ = enroll("li")
        clock.shift(timedelta(seconds=300))
        late, early = generator.at(wall.unix() - 60), generator.now()
        with pytest.raises(Unauthenticated):
            attempt("li", PASSWORD, late)
        clock.shift(timedelta(seconds=30))
        attempt("li", PASSWORD, early)


@pytest.mark.parametrize("code", ["000000", "12345", "１２３４５６", "abcdef", "😀😀😀😀😀😀"])
def test_a_wrong_code_is_refused_and_counted(code: str) -> None:
    world.person("li")
    with time_machine.travel("2026-03-02T08:00:00Z", tick=False):
        enroll("li")
        for _ in range(throttle.FREE_FAILURES + 1):
            with pytest.raises(Unauthenticated):
                attempt("li", PASSWORD, code)
        with pytest.raises(TooMany):
            attempt("li", PASSWORD, code)


def test_a_recovery_code_stands_in_once() -> None:
    world.person("li")
    _, codes = enroll("li")
    assert len(set(codes)) == totp.RECOVERY_CODES
    attempt("li", PASSWORD, f" {codes[0].lower()[:8]}-{codes[0].lower()[8:]} ")
    with pytest.raises(Unauthenticated):
        attempt("li", PASSWORD, codes[0])
    attempt("li", PASSWORD, codes[1])


def test_recovery_codes_of_somebody_else_do_not_help() -> None:
    for username in ("li", "wang"):
        world.person(username)
    _, codes = enroll("li")
    enroll("wang")
    with pytest.raises(Unauthenticated):
        attempt("wang", PASSWORD, codes[0])


def test_the_secret_lies_sealed_and_bound_to_its_person() -> None:
    from core.db import session
    from core.runtime import runtime
    from identity.models import TotpSecret

    person_id = world.person("li")
    generator, _ = enroll("li")
    with unit_of_work(write=False):
        sealed = session().get_one(TotpSecret, person_id).sealed
        assert generator.secret.encode() not in sealed
        with pytest.raises(ValueError, match="altered"):
            runtime().envelope.open(sealed, "totp:somebody-else")


def test_a_second_factor_is_removed_with_a_code_or_reset_by_an_administrator() -> None:
    person_id = world.person("li", "employee")
    world.person("root", "platform_admin")
    _, codes = enroll("li")
    li = Actor("staff", person_id, "li")
    with pytest.raises(Conflict, match="totp_enrolled"), unit_of_work():
        totp.enroll(li)
    with pytest.raises(Invalid, match="wrong_code"), unit_of_work():
        totp.remove(li, "000000")
    root = world.actor("root")
    with unit_of_work():
        totp.reset(root, person_id)
    attempt("li", PASSWORD)
    with pytest.raises(NotFound, match="totp_not_enrolled"), unit_of_work():
        totp.reset(root, person_id)
    _, codes = enroll("li")
    with unit_of_work():
        totp.remove(li, codes[0])
    attempt("li", PASSWORD)
