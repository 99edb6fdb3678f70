"""Phones that are announced before they arrive: serial or IMEI, and the person each is for.

A page for them needs `find` (the list, `awaited` first of all), `counts`, `announce` for one phone by hand, `remove`;
many come by an import (room `imports`, kind `phones`). A token with `bind_expected` joins the phone that comes with its
row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from sqlalchemy import ColumnElement, Select, delete, func, or_, select, true

from core import audit, clock, live
from core.actor import Actor
from core.db import insert_rows, session
from core.errors import Conflict, Invalid, NotFound
from core.ids import new_id
from core.paging import DEFAULT_LIMIT, Page, keyset
from core.permissions import Permission
from core.text import Text
from core.verdicts import CHANGE, CREATE
from core.views import Moment, View
from fleet import groups
from fleet.expected_rows import ExpectedRow, Judge, Judged, clean_imei, clean_serial
from fleet.models import ExpectedKey, ExpectedPhone
from fleet.views import PersonName
from identity import queries, scope

State = Literal["awaited", "arrived"]
AWAITED: Final = "awaited"
ARRIVED: Final = "arrived"


class ExpectedView(View):
    """An announced phone as it is shown; `org_unit` is the unit it will be in, `device` the enrollment it became."""

    id: str
    state: State
    serial: str | None
    imei: list[str]
    person: PersonName | None
    org_unit: str | None
    groups: list[str]
    created_at: Moment
    device: str | None
    arrived_at: Moment | None


def announce(
    actor: Actor,
    *,
    serial: str | None,
    imei: Sequence[str],
    person: str,
    org_unit: str | None = None,
    group_names: Sequence[str] = (),
) -> ExpectedView:
    """Announce one phone, or change what was announced of it. Raises Invalid that says what is wrong."""
    actor.require(Permission.ENROLLMENT_WRITE)
    plain = clean_serial(serial) if serial and serial.strip() else None
    numbers = tuple(filter(None, map(clean_imei, imei)))
    if (serial and serial.strip() and not plain) or len(numbers) != len(imei):
        raise Invalid(
            "bad_serial_or_imei",
            Text(
                "序列号为 4 到 64 个字母或数字，IMEI 为 15 位数字。",
                "A serial has 4 to 64 letters or digits, an IMEI 15 digits.",
            ),
        )
    row = ExpectedRow(plain, numbers, person.strip(), org_unit, tuple(group_names))
    [judged] = announce_rows(actor, [row])
    problem = judged.verdict.problem
    if problem:
        raise Invalid(problem.code, problem.text, **({"member": problem.column} if problem.column else {}))
    phone = session().scalars(_by_keys(judged.keys)).first()
    if phone is None:
        raise Invalid(
            "enrolled_already", Text("该设备已注册给此人。", "This phone is enrolled for this person already.")
        )
    return _views([phone])[0]


def announce_rows(actor: Actor, rows: Sequence[ExpectedRow]) -> list[Judged]:
    """Take rows that can be taken; the others change nothing. Each row is judged anew; the verdicts are returned."""
    actor.require(Permission.ENROLLMENT_WRITE)
    judged = Judge(actor).judge(rows)
    taken = [one for one in judged if one.verdict.outcome in (CREATE, CHANGE)]
    groups.ensure({name for one in taken for name in one.row.groups})
    new = [_new(actor, one) for one in taken if one.known is None]
    session().add_all(new)
    for one in taken:
        if one.known is not None:
            _renew(one.known, one)
    session().flush()
    by_id = {one.known.id: one for one in taken if one.known is not None}
    by_id |= dict(zip([phone.id for phone in new], [one for one in taken if one.known is None], strict=True))
    _write_keys(by_id)
    for phone_id, one in by_id.items():
        detail = {"serial": one.row.serial, "person": one.person.id if one.person else None}
        action = "create" if one.known is None else "change"
        audit.record(actor, f"expected_phone.{action}", ("expected_phone", phone_id), detail)
    if by_id:
        live.announce("expected", by_id)
    return judged


def find(
    actor: Actor,
    state: State | None = None,
    q: str | None = None,
    cursor: str | None = None,
    limit: int = DEFAULT_LIMIT,
) -> Page[ExpectedView]:
    """Announced phones of the actor's part of the tree, the newest first; `q` is found in serial, IMEI or holder."""
    actor.require(Permission.ENROLLMENT_READ)
    query = _in_scope(actor)
    if state is not None:
        query = query.where(_has_state(state))
    if q and q.strip():
        query = query.where(_matches(q.strip()))
    columns = [ExpectedPhone.created_at, ExpectedPhone.id]
    page = keyset(session(), query, columns, cursor, limit, descending=True)
    return Page(_views(page.items), page.next_cursor)


def counts(actor: Actor) -> dict[State, int]:
    """How many announced phones came (`arrived`) and how many did not yet (`awaited`)."""
    actor.require(Permission.ENROLLMENT_READ)
    listed = _in_scope(actor).subquery()
    arrived = session().scalar(select(func.count(listed.c.device_id))) or 0
    return {AWAITED: (session().scalar(select(func.count()).select_from(listed)) or 0) - arrived, ARRIVED: arrived}


def remove(actor: Actor, phone_id: str) -> None:
    """Forget an announced phone that has not come. Raises NotFound, Conflict when it has."""
    actor.require(Permission.ENROLLMENT_WRITE)
    phone = session().scalars(_in_scope(actor).where(ExpectedPhone.id == phone_id)).one_or_none()
    if phone is None:
        raise NotFound("no_such_expected_phone", Text("没有这台待到设备。", "There is no such expected phone."))
    if phone.device_id is not None:
        raise Conflict(
            "phone_arrived",
            Text("该设备已到位。请在设备页停用它。", "This phone has arrived. Retire it on its page."),
            device=phone.device_id,
        )
    session().execute(delete(ExpectedKey).where(ExpectedKey.phone_id == phone_id))
    session().delete(phone)
    session().flush()
    audit.record(actor, "expected_phone.delete", ("expected_phone", phone_id), {"serial": phone.serial})
    live.announce("expected", [phone_id])


def _new(actor: Actor, one: Judged) -> ExpectedPhone:
    phone = ExpectedPhone(id=new_id(), created_at=clock.now(), created_by=actor.id)
    _fill(phone, one)
    return phone


def _renew(phone: ExpectedPhone, one: Judged) -> None:
    phone.device_id = phone.arrived_at = None
    _fill(phone, one)


def _fill(phone: ExpectedPhone, one: Judged) -> None:
    phone.serial, phone.imei = one.row.serial, sorted(set(one.row.imei))
    phone.person_id = one.person.id if one.person else ""
    phone.org_unit_id = one.unit.id if one.unit else None
    phone.groups = sorted(set(one.row.groups))


def _write_keys(by_id: dict[str, Judged]) -> None:
    """Make the keys of each phone those of its row. A key of another phone is left alone: the judge has seen to it."""
    known = [phone_id for phone_id, one in by_id.items() if one.known is not None]
    if known:
        session().execute(delete(ExpectedKey).where(ExpectedKey.phone_id.in_(known)))
    rows = [{"value": key, "phone_id": phone_id} for phone_id, one in by_id.items() for key in one.keys]
    insert_rows(session(), ExpectedKey.__table__, sorted(rows, key=lambda row: row["value"]))


def _by_keys(keys: Sequence[str]) -> Select[tuple[ExpectedPhone]]:
    found = select(ExpectedKey.phone_id).where(ExpectedKey.value.in_(keys))
    return select(ExpectedPhone).where(ExpectedPhone.id.in_(found))


def _in_scope(actor: Actor) -> Select[tuple[ExpectedPhone]]:
    people = queries.people().subquery()
    unit = func.coalesce(ExpectedPhone.org_unit_id, people.c.unit_id)
    everything = scope.sees_everything(actor)
    query = select(ExpectedPhone).join(people, people.c.id == ExpectedPhone.person_id)
    return query.where(true() if everything else unit.in_(scope.visible_units(actor)))


def _has_state(state: State) -> ColumnElement[bool]:
    return ExpectedPhone.device_id.is_(None) if state == AWAITED else ExpectedPhone.device_id.is_not(None)


def _matches(wanted: str) -> ColumnElement[bool]:
    people = queries.people().subquery()
    names = or_(
        people.c.name.icontains(wanted, autoescape=True), people.c.employee_no.icontains(wanted, autoescape=True)
    )
    keys = select(ExpectedKey.phone_id).where(ExpectedKey.value.icontains(wanted, autoescape=True))
    return or_(ExpectedPhone.id.in_(keys), ExpectedPhone.person_id.in_(select(people.c.id).where(names)))


def _views(phones: Sequence[ExpectedPhone]) -> list[ExpectedView]:
    people = queries.person_refs({phone.person_id for phone in phones})
    own = {person.unit_id for person in people.values()}
    units = queries.unit_refs(own | {phone.org_unit_id for phone in phones if phone.org_unit_id})
    views = []
    for phone in phones:
        person = people.get(phone.person_id)
        unit = units.get(phone.org_unit_id or (person.unit_id if person else ""))
        views.append(
            ExpectedView(
                id=phone.id,
                state=ARRIVED if phone.device_id else AWAITED,
                serial=phone.serial,
                imei=phone.imei,
                person=PersonName.of(person),
                org_unit=unit.name_path if unit else None,
                groups=phone.groups,
                created_at=phone.created_at,
                device=phone.device_id,
                arrived_at=phone.arrived_at,
            )
        )
    return views
