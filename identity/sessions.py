"""Sessions of signed-in people: ours, in the database, revocable at any moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, select, update

from core import audit, clock
from core.actor import Actor
from core.db import affected, session
from core.errors import NotFound
from core.ids import new_id, new_token, token_digest
from core.text import Text
from core.views import Moment, View
from identity.models import SignInSession

CONSOLE, API = "console", "api"
KEEP_ENDED = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Ticket:
    """A fresh session; `token` is the cookie's value, told once and stored hashed (None for API sessions)."""

    session_id: str
    person_id: str
    token: str | None
    expires_at: datetime
    must_change_password: bool = False


class SessionView(View):
    """A session as its owner sees it."""

    id: str
    kind: str
    created_at: Moment
    expires_at: Moment
    current: bool


def start(person_id: str, kind: str, lifetime: timedelta, *, must_change_password: bool = False) -> Ticket:
    """Open a session of the given kind."""
    token = new_token() if kind == CONSOLE else None
    now = clock.now()
    row = SignInSession(
        id=new_id(),
        person_id=person_id,
        kind=kind,
        token_hash=token_digest(token) if token else None,
        created_at=now,
        expires_at=now + lifetime,
        revoked_at=None,
    )
    session().add(row)
    session().flush()
    return Ticket(row.id, person_id, token, row.expires_at, must_change_password)


def own(actor: Actor) -> list[SessionView]:
    """The actor's sessions that still live, newest first."""
    query = (
        select(SignInSession)
        .where(SignInSession.person_id == actor.id, *alive())
        .order_by(SignInSession.created_at.desc())
    )
    return [
        SessionView(
            id=row.id,
            kind=row.kind,
            created_at=row.created_at,
            expires_at=row.expires_at,
            current=row.id == actor.session_id,
        )
        for row in session().scalars(query)
    ]


def sign_out(actor: Actor) -> None:
    """End the session that the actor came with."""
    if actor.session_id:
        _end(SignInSession.id == actor.session_id)
        audit.record(actor, "session.end", ("session", actor.session_id))


def revoke(actor: Actor, session_id: str) -> None:
    """End one of the actor's own sessions. Raises NotFound when it is none of theirs."""
    if not _end(SignInSession.id == session_id, SignInSession.person_id == actor.id):
        raise NotFound("no_such_session", Text("没有这个会话。", "There is no such session."))
    audit.record(actor, "session.revoke", ("session", session_id))


def revoke_own(actor: Actor) -> int:
    """End all of the actor's own sessions, this one too. Returns how many."""
    ended = end_all(actor.id)
    audit.record(actor, "session.revoke_all", ("person", actor.id), {"sessions": ended})
    return ended


def end_others(actor: Actor) -> int:
    """End the actor's sessions except the one it came with. Returns how many."""
    return _end(SignInSession.person_id == actor.id, SignInSession.id != (actor.session_id or ""))


def end_all(person_id: str) -> int:
    """End all sessions of a person without asking; for services that have asked already. Returns how many."""
    return _end(SignInSession.person_id == person_id)


def forget_ended() -> int:
    """Drop sessions that ended long ago; returns how many."""
    return affected(session(), delete(SignInSession).where(SignInSession.expires_at < clock.now() - KEEP_ENDED))


def alive() -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """The conditions of a session that still counts."""
    return SignInSession.revoked_at.is_(None), SignInSession.expires_at > clock.now()


def _end(*which: ColumnElement[bool]) -> int:
    return affected(session(), update(SignInSession).where(*which, *alive()).values(revoked_at=clock.now()))
