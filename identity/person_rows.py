"""Many people at once: what would become of each row, and taking them with few statements.

A row is known by its employee number. It makes or changes an employee; logins, roles and passwords never come from
rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select

from core import audit, clock
from core.actor import Actor
from core.bulk import texts
from core.db import session
from core.errors import ShoujiError
from core.ids import new_id
from core.permissions import Permission
from core.text import Text
from core.verdicts import CHANGE, CREATE, Verdict, changed, refused
from identity import accounts, events, org, people, queries
from identity.models import ACTIVE, ROOT_ID, Person, RoleGrant
from identity.people import PersonChanges
from identity.queries import UnitRef
from identity.scope import own_unit_id


@dataclass(frozen=True, slots=True)
class PersonRow:
    """A person as a row tells of them; None leaves the unit or the state as it is."""

    employee_no: str
    name: str
    org_unit: str | None = None
    state: str | None = None


@dataclass(frozen=True, slots=True)
class _Judged:
    row: PersonRow
    verdict: Verdict
    unit: UnitRef | None = None
    known: Person | None = None


class PersonJudge:
    """Judges rows for one actor, many in a constant number of queries."""

    def __init__(self, actor: Actor) -> None:
        self._actor = actor
        self._units = queries.units_in_sight(actor)
        self._by_id = {unit.id: unit for unit in self._units.values()}
        self._by_name: dict[str, list[UnitRef]] = defaultdict(list)
        for unit in self._units.values():
            self._by_name[unit.name_path.rpartition("/")[2]].append(unit)
        self._own = self._by_id.get(own_unit_id(actor))

    def judge(self, rows: Sequence[PersonRow]) -> list[Verdict]:
        """A verdict on each row. Two rows must not speak of the same person."""
        return [one.verdict for one in self.look(rows)]

    def look(self, rows: Sequence[PersonRow]) -> list[_Judged]:
        """The rows with what they refer to."""
        numbers = [row.employee_no for row in rows]
        query = select(Person).where(Person.employee_no.in_(texts(session(), numbers)))
        known = {person.employee_no: person for person in session().scalars(query)}
        roles = _roles([person.id for person in known.values()])
        return [self._one(row, known.get(row.employee_no), roles) for row in rows]

    def _one(self, row: PersonRow, person: Person | None, roles: Mapping[str, list[str]]) -> _Judged:
        if person is not None and person.unit_id not in self._by_id:
            return _Judged(row, _elsewhere())
        unit = self._unit(row.org_unit)
        if isinstance(unit, Verdict):
            return _Judged(row, unit)
        if person is None:
            return self._new(row, unit or self._own)
        verdict = changed(self._shown(person), self._wanted(row, person, unit))
        if verdict.outcome == CHANGE:
            verdict = self._allowed(row, person, roles.get(person.id, ())) or verdict
        return _Judged(row, verdict, unit, person)

    def _new(self, row: PersonRow, unit: UnitRef | None) -> _Judged:
        if unit is None:
            return _Judged(row, _unknown_unit())
        if row.state not in (None, ACTIVE):
            text = Text(
                "没有这位人员，无需停用。请删除此行。", "There is no such person to deactivate. Delete the row."
            )
            return _Judged(row, refused("state", "nobody_to_deactivate", text))
        return _Judged(row, Verdict(CREATE), unit)

    def _unit(self, reference: str | None) -> UnitRef | Verdict | None:
        if reference is None:
            return None
        if "/" not in reference:
            named = self._by_name.get(reference, [])
            if len(named) > 1:
                return _ambiguous([unit.name_path for unit in named])
            return named[0] if named else _unknown_unit()
        return self._units.get(org.clean_path(reference)) or _unknown_unit()

    def _shown(self, person: Person) -> dict[str, str]:
        return {"name": person.name, "org_unit": self._by_id[person.unit_id].name_path, "state": person.state}

    def _wanted(self, row: PersonRow, person: Person, unit: UnitRef | None) -> dict[str, str]:
        path = (unit or self._by_id[person.unit_id]).name_path
        return {"name": row.name, "org_unit": path, "state": row.state or person.state}

    def _allowed(self, row: PersonRow, person: Person, roles: Sequence[str]) -> Verdict | None:
        try:
            accounts.require_authority(self._actor, roles)
        except ShoujiError as error:
            return refused(None, error.code, error.text)
        if person.id == self._actor.id and row.state not in (None, person.state):
            text = Text("不能停用自己的账号。请删除此行。", "Nobody deactivates their own account. Delete the row.")
            return refused("state", "own_state", text)
        return None


def take(actor: Actor, rows: Sequence[PersonRow]) -> list[Verdict]:
    """Make and change people within the caller's unit of work; each row is judged anew."""
    actor.require(Permission.STAFF_WRITE)
    judged = PersonJudge(actor).look(rows)
    made = [_make(actor, one) for one in judged if one.verdict.outcome == CREATE]
    session().add_all(made)
    session().flush()
    for person in made:
        accounts.note_change(actor, person.id, accounts.CREATED)
        audit.record(actor, "person.create", ("person", person.id), {"username": None, "roles": []})
    verdicts, moved = [], []
    for one in judged:
        if one.known is not None and one.verdict.outcome == CHANGE and _is_plain(one):
            moved.append(_rewrite(actor, one.known, one))
            verdicts.append(one.verdict)
        else:
            verdicts.append(_change(actor, one))
    session().flush()
    ids = [person.id for person in made] + moved
    if ids:
        events.people_changed.send(None, person_ids=ids, actor=actor)
    return verdicts


def _make(actor: Actor, one: _Judged) -> Person:
    return Person(
        id=new_id(),
        username=None,
        name=one.row.name,
        employee_no=one.row.employee_no,
        unit_id=one.unit.id if one.unit else ROOT_ID,
        state=ACTIVE,
        password_hash=None,
        created_at=clock.now(),
        created_by=accounts.staff_id(actor),
        last_sign_in_at=None,
        revision=1,
    )


def _is_plain(one: _Judged) -> bool:
    """Whether the change touches no account: whoever has a login goes through the one service for that."""
    return one.known is not None and one.known.username is None and "state" not in one.verdict.changes


def _rewrite(actor: Actor, person: Person, one: _Judged) -> str:
    before = {"name": person.name, "unit_id": person.unit_id}
    person.name, person.unit_id = one.row.name, one.unit.id if one.unit else person.unit_id
    person.revision += 1
    after = {"name": person.name, "unit_id": person.unit_id}
    detail = {key: {"from": before[key], "to": value} for key, value in after.items() if before[key] != value}
    audit.record(actor, "person.change", ("person", person.id), detail)
    return person.id


def _change(actor: Actor, one: _Judged) -> Verdict:
    if one.known is None or one.verdict.outcome != CHANGE:
        return one.verdict
    wanted = PersonChanges(
        frozenset({"name"}),
        name=one.row.name,
        org_unit=one.unit.id if one.unit else None,
        state=one.row.state,
    )
    try:
        people.change(actor, one.known.id, wanted)
    except ShoujiError as error:
        return refused(None, error.code, error.text)
    return one.verdict


def _roles(person_ids: Sequence[str]) -> dict[str, list[str]]:
    query = select(RoleGrant.person_id, RoleGrant.role)
    held: dict[str, list[str]] = defaultdict(list)
    for person_id, role in session().execute(query.where(RoleGrant.person_id.in_(texts(session(), person_ids)))):
        held[person_id].append(role)
    return held


def _unknown_unit() -> Verdict:
    return refused(
        "org_unit",
        "unknown_org_unit",
        Text(
            "没有这个组织，或不在您的管理范围内。请先导入组织，或填写完整路径，如 /总部/电销。",
            "There is no such org unit in your part of the tree. Import units first, or give the path: /总部/电销.",
        ),
    )


def _ambiguous(paths: Sequence[str]) -> Verdict:
    shown = ", ".join(sorted(paths)[:3])
    return refused(
        "org_unit",
        "ambiguous_org_unit",
        Text(f"有多个同名组织（{shown}）。请填写完整路径。", f"Several units have this name ({shown}). Give the path."),
    )


def _elsewhere() -> Verdict:
    return refused(
        "employee_no",
        "person_elsewhere",
        Text(
            "该工号属于您管理范围之外的人员。请联系根组织的管理员。",
            "This employee number belongs to another part of the tree. Ask an administrator at the root.",
        ),
    )
