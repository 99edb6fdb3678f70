"""From credentials to an actor, read from the database each time: a changed role or a revoked session acts at once."""

from __future__ import annotations

from sqlalchemy import ColumnElement, select

from core.actor import Actor
from core.db import session
from core.ids import token_digest
from identity import agencies, sessions, tokens
from identity.models import ACTIVE, OrgUnit, Person, RoleGrant, SignInSession
from identity.roles import permissions_of


def actor_from_request_credentials(bearer: str | None, session_cookie: str | None) -> Actor | None:
    """The person behind a bearer token or a console cookie; None when neither is valid. Needs a unit of work.

    A bearer token that is not valid is never made up for by a cookie.
    """
    if bearer is not None:
        claims = tokens.read(bearer)
        if claims is None:
            return None
        return _actor(
            SignInSession.id == claims.session_id,
            SignInSession.kind == sessions.API,
            SignInSession.person_id == claims.person_id,
        )
    if session_cookie:
        return _actor(SignInSession.token_hash == token_digest(session_cookie), SignInSession.kind == sessions.CONSOLE)
    return None


def acting(person_id: str) -> Actor | None:
    """The person as an actor for work that goes on after the request, with the roles of this moment; None once they
    left."""
    query = (
        select(Person.id, Person.name, OrgUnit.path, RoleGrant.role)
        .join(OrgUnit, OrgUnit.id == Person.unit_id)
        .outerjoin(RoleGrant, RoleGrant.person_id == Person.id)
        .where(Person.id == person_id, Person.state == ACTIVE, Person.unit_id.not_in(agencies.ended_units()))
    )
    rows = session().execute(query).all()
    if not rows:
        return None
    first, roles = rows[0], frozenset(row.role for row in rows if row.role)
    return Actor("staff", first.id, first.name, permissions_of(roles), first.path, None, roles)


def _actor(*which: ColumnElement[bool]) -> Actor | None:
    query = (
        select(
            Person.id,
            Person.name,
            Person.must_change_password,
            SignInSession.id.label("session_id"),
            OrgUnit.path,
            RoleGrant.role,
        )
        .join(Person, Person.id == SignInSession.person_id)
        .join(OrgUnit, OrgUnit.id == Person.unit_id)
        .outerjoin(RoleGrant, RoleGrant.person_id == Person.id)
        .where(*which, *sessions.alive(), Person.state == ACTIVE)
        .where(Person.unit_id.not_in(agencies.ended_units()))
    )
    rows = session().execute(query).all()
    if not rows:
        return None
    first, roles = rows[0], frozenset(row.role for row in rows if row.role)
    permissions = frozenset() if first.must_change_password else permissions_of(roles)
    return Actor(
        "staff", first.id, first.name, permissions, first.path, first.session_id, roles, first.must_change_password
    )
