"""People: staff with a login and employees without one. Nobody is ever deleted, because history points at them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, or_, select
from sqlalchemy.exc import IntegrityError

from core import audit, clock
from core.actor import ROOT_PATH, Actor
from core.db import session
from core.errors import Conflict, Forbidden, Invalid, NotFound
from core.ids import new_id
from core.paging import DEFAULT_LIMIT, Page, keyset
from core.permissions import Permission
from core.text import Text
from core.uow import start_writing
from identity import accounts, events, org, sessions, throttle
from identity.models import ACTIVE, INACTIVE, Person, RoleGrant
from identity.person_input import check_password, clean, clean_email, clean_username, new_password, optional
from identity.person_views import PersonView, view, views
from identity.roles import Role
from identity.scope import visible_at, visible_units

_TAKEN = {
    "username": Text("该用户名已被使用。", "This user name is taken."),
    "employee_no": Text("该工号已被使用。", "This employee number is taken."),
}


@dataclass(frozen=True, slots=True)
class PersonChanges:
    """What to change of a person: only the members that are named in `fields` count."""

    fields: frozenset[str]
    name: str | None = None
    username: str | None = None
    employee_no: str | None = None
    email: str | None = None
    org_unit: str | None = None
    state: str | None = None
    roles: frozenset[str] | None = None
    password: str | None = None


def create(
    actor: Actor,
    *,
    name: str,
    username: str | None = None,
    employee_no: str | None = None,
    email: str | None = None,
    password: str | None = None,
    roles: Iterable[str] = (),
    org_unit: str = ROOT_PATH,
) -> PersonView:
    """Take somebody in. Raises Invalid, Conflict (user name or number taken), Forbidden (roles beyond one's own).

    A password is hashed before the unit of work begins to write, where it began by reading.
    """
    actor.require(Permission.STAFF_WRITE)
    wanted = accounts.check_roles(roles)
    accounts.require_authority(actor, wanted)
    username = clean_username(username)
    made = new_password(password, username)
    start_writing()
    return add(actor, name, username, employee_no, email, made, wanted, org_unit)


def add(
    actor: Actor,
    name: str,
    username: str | None,
    employee_no: str | None,
    email: str | None,
    password_hash: str | None,
    roles: frozenset[str],
    org_unit: str,
) -> PersonView:
    """The same for services of this room that have checked what is asked for and hashed the password."""
    org.ensure_root()
    person = Person(
        id=new_id(),
        username=username,
        name=clean(name, "name", 100),
        employee_no=optional(employee_no, "employee_no", 64),
        email=clean_email(email),
        unit_id=org.place(actor, org_unit).id,
        state=ACTIVE,
        password_hash=password_hash,
        created_at=clock.now(),
        created_by=accounts.staff_id(actor),
        last_sign_in_at=None,
        revision=1,
    )
    session().add(person)
    _flush()
    accounts.note_change(actor, person.id, accounts.CREATED)
    accounts.set_roles(actor, person.id, roles)
    audit.record(actor, "person.create", ("person", person.id), {"username": username, "roles": sorted(roles)})
    events.people_changed.send(None, person_ids=[person.id], actor=actor)
    return view(person)


def get(actor: Actor, person_id: str) -> PersonView:
    """One person: oneself, or with STAFF_READ somebody in scope. Raises NotFound."""
    if person_id == actor.id:
        return view(session().get_one(Person, person_id))
    actor.require(Permission.STAFF_READ)
    return view(visible(actor, person_id))


def find(
    actor: Actor,
    *,
    q: str | None = None,
    state: str | None = None,
    org_unit: str | None = None,
    role: str | None = None,
    cursor: str | None = None,
    limit: int = DEFAULT_LIMIT,
) -> Page[PersonView]:
    """The people in scope by name; `q` is found in name, user name or employee number."""
    actor.require(Permission.STAFF_READ)
    query = _narrowed(select(Person), actor, q, state, org_unit, role)
    page = keyset(session(), query, [Person.name, Person.id], cursor, limit)
    return Page(views(page.items), page.next_cursor)


def count(
    actor: Actor,
    *,
    q: str | None = None,
    state: str | None = None,
    org_unit: str | None = None,
    role: str | None = None,
) -> int:
    """How many people the same filters find."""
    actor.require(Permission.STAFF_READ)
    return session().scalar(_narrowed(select(func.count(Person.id)), actor, q, state, org_unit, role)) or 0


def _narrowed(
    query: Select[Any], actor: Actor, q: str | None, state: str | None, org_unit: str | None, role: str | None
) -> Select[Any]:
    query = query.where(Person.unit_id.in_(visible_units(actor)))
    if q:
        wanted = q.strip().casefold()
        columns = (Person.name, Person.username, Person.employee_no)
        query = query.where(or_(*(column.icontains(wanted, autoescape=True) for column in columns)))
    if state:
        query = query.where(Person.state == state)
    if org_unit:
        query = query.where(Person.unit_id.in_(visible_at(org.resolve(actor, org_unit).path)))
    if role:
        query = query.where(Person.id.in_(select(RoleGrant.person_id).where(RoleGrant.role == role)))
    return query


def change(actor: Actor, person_id: str, changes: PersonChanges, revision: int | None = None) -> PersonView:
    """Change the named members. With `revision`, raises Conflict when somebody else has changed the person since.

    A password is hashed before the unit of work begins to write, where it began by reading.
    """
    actor.require(Permission.STAFF_WRITE)
    made = _hashed(actor, person_id, changes)
    start_writing()
    accounts.lock_admins()
    person = visible(actor, person_id, lock=True)
    held = accounts.roles_of(person.id)
    accounts.require_authority(actor, held)
    if revision is not None and revision != person.revision:
        raise org.stale_revision(person.revision)
    detail = _apply_plain(actor, person, changes)
    _apply_account(actor, person, changes, made, detail)
    if not detail:
        return view(person)
    person.revision += 1
    _flush()
    if Role.PLATFORM_ADMIN in held:
        accounts.require_admin_left()
    audit.record(actor, "person.change", ("person", person.id), detail)
    events.people_changed.send(None, person_ids=[person.id], actor=actor)
    return view(person)


def deactivate(actor: Actor, person_id: str, revision: int | None = None) -> None:
    """End somebody's access; the person and their history stay. Raises Conflict for the last platform administrator."""
    change(actor, person_id, PersonChanges(frozenset({"state"}), state=INACTIVE), revision)


def sign_out_everywhere(actor: Actor, person_id: str) -> int:
    """End all sessions of somebody in scope; returns how many."""
    actor.require(Permission.STAFF_WRITE)
    person = visible(actor, person_id)
    accounts.require_authority(actor, accounts.roles_of(person.id))
    ended = sessions.end_all(person.id)
    audit.record(actor, "session.revoke_all", ("person", person.id), {"sessions": ended})
    return ended


def visible(actor: Actor, person_id: str, *, lock: bool = False) -> Person:
    """The person's row, for this room's services. Raises NotFound when there is none in the actor's scope."""
    query = select(Person).where(Person.id == person_id, Person.unit_id.in_(visible_units(actor)))
    query = query.with_for_update().execution_options(populate_existing=True) if lock else query
    person = session().scalars(query).one_or_none()
    if person is None:
        raise _no_such_person()
    return person


def id_of(actor: Actor, username: str) -> str:
    """Id of the person of that user name in the actor's scope. Raises NotFound."""
    actor.require(Permission.STAFF_READ)
    query = select(Person.id).where(
        Person.username == clean_username(username), Person.unit_id.in_(visible_units(actor))
    )
    found = session().scalar(query)
    if found is None:
        raise _no_such_person()
    return found


def _no_such_person() -> NotFound:
    return NotFound("no_such_person", Text("没有这个人员。", "There is no such person."))


def _apply_plain(actor: Actor, person: Person, changes: PersonChanges) -> dict[str, Any]:
    wanted: dict[str, Any] = {}
    if "name" in changes.fields:
        wanted["name"] = clean(changes.name, "name", 100)
    if "employee_no" in changes.fields:
        wanted["employee_no"] = optional(changes.employee_no, "employee_no", 64)
    if "email" in changes.fields:
        wanted["email"] = clean_email(changes.email)
    if "username" in changes.fields:
        wanted["username"] = clean_username(changes.username)
    if changes.org_unit is not None:
        wanted["unit_id"] = org.place(actor, changes.org_unit).id
    before = {key: getattr(person, key) for key, value in wanted.items() if getattr(person, key) != value}
    for key in before:
        setattr(person, key, wanted[key])
    return {key: {"from": old, "to": wanted[key]} for key, old in before.items()}


def _hashed(actor: Actor, person_id: str, changes: PersonChanges) -> str | None:
    """The new password's hash, before anything is locked; None for none, and for one's own, which is refused later."""
    if changes.password is None or person_id == actor.id:
        return None
    person = visible(actor, person_id)
    accounts.require_authority(actor, accounts.roles_of(person.id))
    username = clean_username(changes.username) if "username" in changes.fields else person.username
    return new_password(changes.password, username)


def _apply_account(
    actor: Actor, person: Person, changes: PersonChanges, password_hash: str | None, detail: dict[str, Any]
) -> None:
    if changes.roles is not None:
        wanted = accounts.check_roles(changes.roles)
        if person.id == actor.id and wanted != accounts.roles_of(person.id):
            raise Forbidden(
                "own_roles", Text("不能更改自己的角色。", "Nobody changes their own roles. Ask a colleague.")
            )
        accounts.require_authority(actor, wanted)
        detail.update(_named("roles", accounts.set_roles(actor, person.id, wanted)))
    if changes.password is not None:
        _reset_password(actor, person, changes.password, password_hash)
        detail["credential"] = "password_reset"
    if person.username is None and person.password_hash is not None:
        person.password_hash = None
        sessions.end_all(person.id)
    if changes.state is not None and changes.state != person.state:
        _set_state(actor, person, changes.state)
        detail["state"] = person.state


def _reset_password(actor: Actor, person: Person, password: str, password_hash: str | None) -> None:
    if person.id == actor.id:
        raise Forbidden(
            "own_password",
            Text(
                "请用“修改密码”更改自己的密码，需要输入当前密码。",
                "Change your own password with your present one (auth/password).",
            ),
        )
    # The user name may have changed while the password was hashed.
    check_password(password, person.username)
    person.password_hash = password_hash
    # At the server's own shell it is typed by whoever will use it, or by a program that signs in with it.
    person.must_change_password = actor.kind == "staff"
    throttle.clear(person.username or "")
    accounts.note_change(actor, person.id, accounts.RESET)
    sessions.end_all(person.id)


def _set_state(actor: Actor, person: Person, state: str) -> None:
    if state not in (ACTIVE, INACTIVE):
        raise Invalid("bad_state", Text("状态只能是 active 或 inactive。", "A person's state is active or inactive."))
    if person.id == actor.id:
        raise Forbidden(
            "own_state", Text("不能停用自己的账号。", "Nobody deactivates their own account. Ask a colleague.")
        )
    person.state = state
    if state == INACTIVE:
        sessions.end_all(person.id)
    else:
        accounts.note_change(actor, person.id, accounts.RESET)


def _named(name: str, value: dict[str, Any]) -> dict[str, Any]:
    return {name: value} if value else {}


def _flush() -> None:
    try:
        session().flush()
    except IntegrityError as error:
        for column, text in _TAKEN.items():
            if f"people.{column}" in str(error.orig) or f"people_{column}" in str(error.orig):
                raise Conflict(f"{column}_taken", text) from error
        raise
