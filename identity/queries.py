"""Selectables and look-ups for other rooms, so that none of them needs this room's models."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Select, literal, select

from core.actor import ROOT_PATH, Actor
from core.bulk import texts
from core.db import session
from core.permissions import Permission
from identity.models import ACTIVE, OrgUnit, Person, RoleGrant
from identity.models import ROOT_ID as ROOT_ID
from identity.roles import roles_with
from identity.scope import visible_units


@dataclass(frozen=True, slots=True)
class PersonRef:
    """Just enough of a person to name them elsewhere."""

    id: str
    name: str
    employee_no: str | None
    unit_id: str
    active: bool


@dataclass(frozen=True, slots=True)
class UnitRef:
    """Just enough of a unit to place something in the tree."""

    id: str
    path: str
    name_path: str


def people() -> Select[tuple[str, str, str | None, str, str]]:
    """Columns `id`, `name`, `employee_no`, `unit_id`, `state` of all people, to join as a subquery."""
    return select(Person.id, Person.name, Person.employee_no, Person.unit_id, Person.state)


def units() -> Select[tuple[str, str, str]]:
    """Columns `id`, `path`, `name_path` of all units, to join as a subquery."""
    return select(OrgUnit.id, OrgUnit.path, OrgUnit.name_path)


def person_refs(ids: Collection[str]) -> dict[str, PersonRef]:
    """The people of these ids, by id."""
    return {ref.id: ref for ref in _refs(select(*_REF).where(Person.id.in_(ids)))} if ids else {}


def mail_addresses(ids: Collection[str]) -> dict[str, str]:
    """Mail addresses of those of the people who are active and have one."""
    query = select(Person.id, Person.email).where(Person.id.in_(ids), Person.state == ACTIVE)
    return {row.id: row.email for row in session().execute(query.where(Person.email.is_not(None)))} if ids else {}


def everybody_with(permission: Permission) -> list[str]:
    """Ids of all active people with a login who hold the permission, wherever they stand in the tree."""
    having = select(RoleGrant.person_id).where(RoleGrant.role.in_(roles_with(permission)))
    query = select(Person.id).where(Person.state == ACTIVE, Person.password_hash.is_not(None), Person.id.in_(having))
    return list(session().scalars(query))


def person_by_employee_no(employee_no: str) -> PersonRef | None:
    """The active person of that employee number."""
    found = _refs(select(*_REF).where(Person.employee_no == employee_no.strip(), Person.state == ACTIVE))
    return found[0] if found else None


def people_by_employee_no(numbers: Collection[str]) -> dict[str, PersonRef]:
    """The people of these employee numbers by number, those who left too."""
    found = _refs(select(*_REF).where(Person.employee_no.in_(texts(session(), numbers)))) if numbers else []
    return {ref.employee_no: ref for ref in found if ref.employee_no}


def units_in_sight(actor: Actor) -> dict[str, UnitRef]:
    """All units that an actor sees, by name path."""
    rows = session().execute(units().where(OrgUnit.id.in_(visible_units(actor))))
    return {row.name_path: UnitRef(row.id, row.path, row.name_path) for row in rows}


def unit_refs(ids: Collection[str]) -> dict[str, UnitRef]:
    """The units of these ids, by id."""
    if not ids:
        return {}
    rows = session().execute(units().where(OrgUnit.id.in_(ids)))
    return {row.id: UnitRef(row.id, row.path, row.name_path) for row in rows}


def holders_of(permissions: Collection[Permission], unit_id: str) -> list[str]:
    """Ids of the active people with a login who hold all the permissions and see the unit."""
    path = session().scalar(select(OrgUnit.path).where(OrgUnit.id == unit_id)) or ROOT_PATH
    query = select(Person.id).join(OrgUnit, OrgUnit.id == Person.unit_id)
    query = query.where(
        Person.state == ACTIVE, Person.password_hash.is_not(None), literal(path).startswith(OrgUnit.path)
    )
    for permission in permissions:
        having = select(RoleGrant.person_id).where(RoleGrant.role.in_(roles_with(permission)))
        query = query.where(Person.id.in_(having))
    return list(session().scalars(query))


def sees(person_id: str | None, unit_id: str) -> bool:
    """Whether the unit is at or below the person's own."""
    path = session().scalar(select(OrgUnit.path).where(OrgUnit.id == unit_id)) or ROOT_PATH
    query = select(Person.id).join(OrgUnit, OrgUnit.id == Person.unit_id).where(Person.id == person_id)
    return session().scalar(query.where(literal(path).startswith(OrgUnit.path))) is not None


def common_unit(unit_ids: Collection[str]) -> str | None:
    """The lowest unit that has all the given ones at or below it; None when none is known."""
    split = [ref.path.strip("/").split("/") for ref in unit_refs(unit_ids).values()]
    if not split:
        return None
    shared = [parts[0] for parts in zip(*split, strict=False) if len(set(parts)) == 1 and parts[0]]
    return shared[-1] if shared else ROOT_ID


_REF = (Person.id, Person.name, Person.employee_no, Person.unit_id, Person.state)


def _refs(query: Select[tuple[str, str, str | None, str, str]]) -> list[PersonRef]:
    rows = session().execute(query)
    return [PersonRef(row.id, row.name, row.employee_no, row.unit_id, row.state == ACTIVE) for row in rows]
