"""Signing in: one answer for every wrong attempt, the same time for a name that nobody bears, each attempt audited."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, select

from core import audit, clock
from core.actor import Actor
from core.db import session
from core.errors import Invalid, ShoujiError, Unauthenticated
from core.runtime import settings
from core.text import Text
from core.uow import after_rollback, start_writing
from identity import agencies, passwords, sessions, throttle, tokens, totp
from identity.models import ACTIVE, Person
from identity.sessions import Ticket
from identity.tokens import AccessToken


@dataclass(frozen=True, slots=True)
class _Seen:
    """A person as they were before the password was compared."""

    id: str
    name: str
    username: str | None
    password_hash: str | None


def console(username: str, password: str, otp: str | None = None) -> Ticket:
    """Sign in to the console; the ticket's token is the cookie. Raises Unauthenticated or TooMany."""
    person = _authenticate(username, password, otp)
    lifetime = timedelta(seconds=settings().session_lifetime)
    return sessions.start(person.id, sessions.CONSOLE, lifetime, must_change_password=person.must_change_password)


def just_made(person_id: str) -> Ticket:
    """Open the console to somebody who has set their password in this very unit of work: nothing is compared."""
    person = session().get_one(Person, person_id)
    _note_entry(person)
    return sessions.start(person.id, sessions.CONSOLE, timedelta(seconds=settings().session_lifetime))


def api(username: str, password: str, otp: str | None = None) -> AccessToken:
    """Sign in for the API. Raises Unauthenticated or TooMany."""
    person = _authenticate(username, password, otp)
    return tokens.issue(person.id, must_change_password=person.must_change_password)


def change_password(actor: Actor, current_password: str, new_password: str) -> None:
    """Change one's own password, with the present one, to another; other sessions end. Raises Invalid or TooMany."""
    seen = _seen(Person.id == actor.id)
    name = (seen and seen.username) or ""
    throttle.check(name)
    right = passwords.verify(seen.password_hash if seen else None, current_password)
    made = _new_hash(new_password, current_password, name) if right else None
    person = _unchanged(seen, name)
    if not made or person is None:
        after_rollback(lambda: _note_failure(name, (actor.id, actor.name), "wrong_password", "person.password"))
        raise Invalid("wrong_password", Text("当前密码不正确。", "The present password is wrong."))
    person.password_hash, person.must_change_password = made, False
    sessions.end_others(actor)
    audit.record(actor, "person.password", ("person", person.id))


def _authenticate(username: str, password: str, otp: str | None) -> Person:
    name = unicodedata.normalize("NFKC", username).casefold().strip()
    throttle.check(name)
    present = Person.unit_id.not_in(agencies.ended_units())
    seen = _seen(Person.username == name, Person.state == ACTIVE, present)
    right = passwords.verify(seen.password_hash if seen else None, password)
    renewed = passwords.hash_password(password) if right and _is_old(seen) else None
    person = _unchanged(seen, name, Person.state == ACTIVE)
    if not right or person is None:
        raise _refused(name, seen, "wrong_password")
    if totp.is_enrolled(person.id):
        if not otp:
            raise _otp_required()
        if not totp.spend(person.id, otp):
            raise _refused(name, seen, "wrong_otp")
    throttle.clear(name)
    if renewed:
        person.password_hash = renewed
    _note_entry(person)
    return person


def _note_entry(person: Person) -> None:
    person.last_sign_in_at = clock.now()
    audit.record(_as_actor(person.id, person.name), "sign_in", ("person", person.id))


def _seen(*which: ColumnElement[bool]) -> _Seen | None:
    """What a password is compared with, read without a lock: the comparison takes long, and SQLite has one writer."""
    query = select(Person.id, Person.name, Person.username, Person.password_hash).where(*which)
    row = session().execute(query).one_or_none()
    return _Seen(*row) if row else None


def _unchanged(seen: _Seen | None, name: str, *still: ColumnElement[bool]) -> Person | None:
    """Begin to write, and the person if the compared password is theirs yet.

    The name may have been locked meanwhile: many attempts at once are compared, and no more are answered than of
    attempts one after the other. Raises TooMany.
    """
    start_writing()
    throttle.check(name)
    if seen is None:
        return None
    query = select(Person).where(Person.id == seen.id, Person.password_hash == seen.password_hash, *still)
    return session().scalars(query.with_for_update()).one_or_none()


def _is_old(seen: _Seen | None) -> bool:
    return bool(seen and seen.password_hash and passwords.needs_rehash(seen.password_hash))


def _new_hash(password: str, present: str, username: str) -> str:
    passwords.check_new(password, username)
    if password == present:
        raise Invalid(
            "password_unchanged",
            Text("新密码不能与当前密码相同。", "The new password must differ from the present one."),
        )
    return passwords.hash_password(password)


def _refused(name: str, person: _Seen | None, why: str) -> ShoujiError:
    reference = (person.id, person.name) if person else None
    after_rollback(lambda: _note_failure(name, reference, why, "sign_in"))
    return Unauthenticated(
        "sign_in_refused",
        Text("用户名、密码或验证码不正确。", "User name, password or code is wrong."),
    )


def _otp_required() -> Unauthenticated:
    return Unauthenticated(
        "otp_required", Text("请输入验证器上的 6 位验证码。", "Enter the 6-digit code of your authenticator.")
    )


def _note_failure(name: str, person: tuple[str, str] | None, why: str, action: str) -> None:
    throttle.count_failure(name)
    actor = _as_actor(*person) if person else Actor("system", "anonymous", "anonymous")
    target = ("person", person[0]) if person else ("person", "unknown")
    audit.record(actor, action, target, {"code": why}, refused=True)


def _as_actor(person_id: str, name: str) -> Actor:
    return Actor("staff", person_id, name)
