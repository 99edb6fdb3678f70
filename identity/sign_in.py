"""Signing in: one answer for every wrong attempt, the same time for a name that nobody bears, each attempt audited."""

from __future__ import annotations

import unicodedata
from datetime import timedelta

from sqlalchemy import select

from core import audit, clock
from core.actor import Actor
from core.db import session
from core.errors import Invalid, ShoujiError, Unauthenticated
from core.runtime import settings
from core.text import Text
from core.uow import after_rollback
from identity import passwords, sessions, throttle, tokens, totp
from identity.models import ACTIVE, Person
from identity.sessions import Ticket
from identity.tokens import AccessToken


def console(username: str, password: str, otp: str | None = None) -> Ticket:
    """Sign in to the console; the ticket's token is the cookie. Raises Unauthenticated or TooMany."""
    person = _authenticate(username, password, otp)
    return sessions.start(person.id, sessions.CONSOLE, timedelta(seconds=settings().session_lifetime))


def api(username: str, password: str, otp: str | None = None) -> AccessToken:
    """Sign in for the API. Raises Unauthenticated or TooMany."""
    return tokens.issue(_authenticate(username, password, otp).id)


def change_password(actor: Actor, current_password: str, new_password: str) -> None:
    """Change one's own password, with the present one; all other sessions end. Raises Invalid or TooMany."""
    person = session().get_one(Person, actor.id)
    name = person.username or ""
    throttle.check(name)
    if not passwords.verify(person.password_hash, current_password):
        after_rollback(lambda: _note_failure(name, (actor.id, actor.name), "wrong_password", "person.password"))
        raise Invalid("wrong_password", Text("当前密码不正确。", "The present password is wrong."))
    passwords.check_new(new_password, person.username)
    person.password_hash = passwords.hash_password(new_password)
    sessions.end_others(actor)
    audit.record(actor, "person.password", ("person", person.id))


def _authenticate(username: str, password: str, otp: str | None) -> Person:
    name = unicodedata.normalize("NFKC", username).casefold().strip()
    throttle.check(name)
    query = select(Person).where(Person.username == name, Person.state == ACTIVE).with_for_update()
    person = session().scalars(query).one_or_none()
    if not passwords.verify(person.password_hash if person else None, password) or person is None:
        raise _refused(name, person, "wrong_password")
    if totp.is_enrolled(person.id):
        if not otp:
            raise _otp_required()
        if not totp.spend(person.id, otp):
            raise _refused(name, person, "wrong_otp")
    throttle.clear(name)
    if person.password_hash and passwords.needs_rehash(person.password_hash):
        person.password_hash = passwords.hash_password(password)
    person.last_sign_in_at = clock.now()
    audit.record(_as_actor(person.id, person.name), "sign_in", ("person", person.id))
    return person


def _refused(name: str, person: Person | None, why: str) -> ShoujiError:
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
