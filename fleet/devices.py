"""The devices that an actor sees: a list whose cost does not depend on how many there are, and one by itself."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select

from core import audit, clock
from core.actor import Actor
from core.db import session
from core.errors import Invalid
from core.ids import is_uuid
from core.paging import DEFAULT_LIMIT, Page, keyset
from core.permissions import Permission
from core.text import Text
from fleet import (
    attestation,
    certificates,
    editions,
    findings,
    groups,
    guards,
    heartbeats,
    holders,
    notices,
    summary,
    timeline,
)
from fleet.chunks import chunks
from fleet.models import Device, GroupMember, Inventory, Presence
from fleet.states import TRANSITIONS
from fleet.timeline import TimelineEntryView
from fleet.views import Compliance, DeviceDetail, DeviceView, FindingView, Holder, PolicyView, PresenceView
from fleet.visibility import in_scope, visible
from identity import org, queries, scope

MAX_Q = 200
MAX_CHOICES = 200
MAX_KINDS = 2000
PART = 500


@dataclass(frozen=True, slots=True)
class Filters:
    """What a list is narrowed by; None does not narrow. `q` is found in serial, IMEI, maker, model, id or holder;
    `os` is a system with or without its version (`android 15`)."""

    q: str | None = None
    state: str | None = None
    online: bool | None = None
    group: str | None = None
    org_unit: str | None = None
    compliance: str | None = None
    model: str | None = None
    os: str | None = None
    finding: str | None = None


def find(
    actor: Actor, filters: Filters | None = None, cursor: str | None = None, limit: int = DEFAULT_LIMIT
) -> Page[DeviceView]:
    """A page of phones in scope, the newest enrollment first. Raises Invalid for an unknown state or unit."""
    actor.require(Permission.DEVICE_READ)
    query = _narrowed(select(Device), actor, filters or Filters())
    page = keyset(session(), query, [Device.enrolled_at, Device.id], cursor, limit, descending=True)
    return Page(_views(page.items), page.next_cursor)


def count(actor: Actor, filters: Filters | None = None) -> int:
    """How many phones the same filters find."""
    actor.require(Permission.DEVICE_READ)
    return session().scalar(_narrowed(select(func.count(Device.id)), actor, filters or Filters())) or 0


def ids(actor: Actor, filters: Filters, states: Collection[str], limit: int) -> list[str]:
    """Ids of the phones that the filters find and that are in one of the states, in id order; at most `limit`."""
    actor.require(Permission.DEVICE_READ)
    query = _narrowed(select(Device.id), actor, filters).where(Device.state.in_(states))
    return list(session().scalars(query.order_by(Device.id).limit(limit)))


def note_export(actor: Actor, filters: Filters, shown: Mapping[str, str]) -> None:
    """Note that the phones which the filters find leave the server in a file; `shown`: the filters as people see."""
    actor.require(Permission.DEVICE_READ)
    audit.record(actor, "device.export", ("devices", "list"), {"filters": dict(shown), "count": count(actor, filters)})


def every(actor: Actor, filters: Filters) -> Iterator[DeviceView]:
    """All phones that the filters find, the newest enrollment first, read in parts."""
    actor.require(Permission.DEVICE_READ)
    query = _narrowed(select(Device.id), actor, filters).order_by(Device.enrolled_at.desc(), Device.id.desc())
    for some in chunks(list(session().scalars(query)), PART):
        found = {device.id: device for device in session().scalars(select(Device).where(Device.id.in_(some)))}
        yield from _views([found[device_id] for device_id in some])
        session().expunge_all()


def models_and_systems(actor: Actor) -> tuple[list[str], list[str]]:
    """Models, and systems with their versions (`android 15`), of the phones that the actor sees: what filters offer."""
    actor.require(Permission.DEVICE_READ)
    query = select(Device.model, Device.os, Device.os_version).where(in_scope(actor)).distinct()
    rows = list(session().execute(query.limit(MAX_KINDS)))
    models = sorted({row.model for row in rows if row.model})
    systems = sorted({f"{row.os} {row.os_version}".strip() for row in rows} - {""})
    return models[:MAX_CHOICES], systems[:MAX_CHOICES]


def views(actor: Actor, device_ids: Sequence[str]) -> list[DeviceView]:
    """These phones as a list shows them, in no order; those out of scope are left out."""
    actor.require(Permission.DEVICE_READ)
    query = select(Device).where(Device.id.in_(device_ids), in_scope(actor))
    return _views(list(session().scalars(query)))


def get(actor: Actor, device_id: str) -> DeviceDetail:
    """One phone with all that is known of it. Raises NotFound."""
    actor.require(Permission.DEVICE_READ)
    device = visible(actor, device_id)
    presence = session().get(Presence, device.id)
    return DeviceDetail(
        **_views([device])[0].model_dump(),
        state_since=device.state_since,
        state_reason=device.state_reason,
        imei=device.imei,
        agent=device.agent,
        enrollment_specific_id=device.specific_id,
        claimed_employee_no=device.claimed_employee_no,
        serial_confirmed_at=device.serial_confirmed_at,
        notice=_notice(device),
        certificate_expires_at=device.certificate_expires_at,
        certificates=certificates.of_device(device.id),
        holdings=holders.holdings(device.id),
        inventory=_inventory(session().get(Inventory, device.id)),
        posture=presence.posture if presence else None,
        attestation=attestation.view(device),
        history=heartbeats.history(device.id, 100),
    )


def history(
    actor: Actor, device_id: str, cursor: str | None = None, limit: int = DEFAULT_LIMIT
) -> Page[TimelineEntryView]:
    """A page of a phone's timeline, newest first. Raises NotFound."""
    actor.require(Permission.DEVICE_READ)
    return timeline.of_device(visible(actor, device_id).id, cursor, limit)


def _narrowed(query: Select[Any], actor: Actor, filters: Filters) -> Select[Any]:
    query = query.where(in_scope(actor))
    if filters.state is not None:
        if filters.state not in TRANSITIONS:
            names = ", ".join(TRANSITIONS)
            raise Invalid("bad_state", Text(f"状态应为 {names} 之一。", f"state is one of {names}."))
        query = query.where(Device.state == filters.state)
    if filters.org_unit is not None:
        unit = org.resolve(actor, filters.org_unit)
        query = query.where(Device.org_unit_id.in_(scope.visible_at(unit.path)))
    if filters.compliance is not None:
        query = query.where(_stands(filters.compliance))
    if filters.finding is not None:
        query = query.where(Device.id.in_(findings.with_open(filters.finding)))
    if filters.model is not None:
        query = query.where(Device.model == filters.model)
    if filters.os is not None:
        query = query.where(or_(Device.os == filters.os, Device.os + " " + Device.os_version == filters.os))
    if filters.group is not None:
        members = select(GroupMember.device_id).where(GroupMember.group_name == filters.group)
        query = query.where(Device.id.in_(members))
    if filters.online is not None:
        query = query.join(Presence, Presence.device_id == Device.id)
        query = query.where(Presence.online if filters.online else Presence.online.is_(False))
    return query.where(_matches(filters.q)) if filters.q and filters.q.strip() else query


def _stands(standing: str) -> ColumnElement[bool]:
    if standing not in (summary.COMPLIANT, summary.NONCOMPLIANT, summary.UNKNOWN):
        raise Invalid(
            "bad_compliance",
            Text("合规状态应为 compliant、noncompliant 或 unknown。", "It is compliant, noncompliant or unknown."),
        )
    return summary.with_standing(standing)


def _matches(q: str) -> ColumnElement[bool]:
    wanted = q.strip()[:MAX_Q]
    people = queries.people().subquery()
    holders_found = select(people.c.id).where(
        or_(people.c.name.icontains(wanted, autoescape=True), people.c.employee_no.icontains(wanted, autoescape=True))
    )
    conditions = [
        Device.search.contains(wanted.casefold(), autoescape=True),
        Device.person_id.in_(holders_found),
    ]
    if is_uuid(wanted.lower()):
        conditions.append(Device.id == wanted.lower())
    return or_(*conditions)


def _views(devices: Sequence[Device]) -> list[DeviceView]:
    """Views of many phones with one query for each kind of fact, whatever their number."""
    ids = [device.id for device in devices]
    presences = _presences(ids)
    people = queries.person_refs({device.person_id for device in devices if device.person_id})
    units = queries.unit_refs({device.org_unit_id for device in devices})
    names = groups.of_devices(ids)
    opened = findings.open_of(ids)
    policies = guards.policy_states(ids)
    judge = guards.compliance()
    steps = judge.steps(ids) if judge else {}
    return [
        DeviceView(
            id=device.id,
            state=device.state,
            serial=device.serial,
            manufacturer=device.manufacturer,
            model=device.model,
            os=device.os,
            os_version=device.os_version,
            agent_version=device.agent_version,
            holder=_holder(device, people.get(device.person_id or "")),
            org_unit=units[device.org_unit_id].name_path if device.org_unit_id in units else "",
            groups=names.get(device.id, []),
            enrolled_at=device.enrolled_at,
            presence=_presence(presences.get(device.id)),
            policy=_policy(policies.get(device.id)),
            compliance=_compliance(presences.get(device.id), opened.get(device.id, []), steps.get(device.id)),
        )
        for device in devices
    ]


def _presences(ids: Sequence[str]) -> dict[str, Any]:
    columns = (
        Presence.device_id,
        Presence.online,
        Presence.since,
        Presence.last_seen_at,
        Presence.heartbeat_at,
        Presence.battery,
        Presence.charging,
        Presence.network,
        Presence.queue_records,
    )
    return {row.device_id: row for row in session().execute(select(*columns).where(Presence.device_id.in_(ids)))}


def _holder(device: Device, person: queries.PersonRef | None) -> Holder:
    return Holder(
        person=device.person_id,
        confirmed=device.holder_confirmed,
        name=person.name if person else None,
        employee_no=person.employee_no if person else None,
    )


def _presence(row: Any) -> PresenceView:
    if row is None:
        return PresenceView(online=False, last_seen_at=None, since=None)
    return PresenceView(
        online=row.online,
        last_seen_at=row.last_seen_at,
        since=row.since,
        heartbeat_at=row.heartbeat_at,
        battery=row.battery,
        charging=row.charging,
        network=row.network,
        queue_records=row.queue_records,
    )


def _policy(state: guards.PolicyState | None) -> PolicyView:
    known = state or guards.PolicyState()
    return PolicyView(desired=known.desired, reported=known.reported)


def _compliance(row: Any, opened: Sequence[findings.OpenFinding], step: str | None) -> Compliance:
    """Hints are left out: they say nothing about whether a phone is in order."""
    judge = guards.compliance()
    hints = judge.hints() if judge else ()
    shown = [
        FindingView(
            code=one.code,
            since=one.since,
            detail=one.detail,
            severity=judge.severity(one.code) if judge else None,
            excepted_until=one.excepted_until,
        )
        for one in opened
        if one.code not in hints
    ]
    heard = summary.COMPLIANT if row is not None and row.heartbeat_at else summary.UNKNOWN
    counted = any(one.excepted_until is None for one in shown)
    return Compliance(state=summary.NONCOMPLIANT if counted else heard, step=step, findings=shown)


def _notice(device: Device) -> dict[str, Any]:
    """What its holder accepted, what phones are shown now, and whether the holder still has to accept it."""
    notice = notices.current()
    pending = editions.number(device.notice_version, notice.text_version) is None
    return {"accepted": device.notice_version, "current": notice.version, "pending": pending}


def _inventory(row: Inventory | None) -> dict[str, Any] | None:
    if row is None:
        return None
    return {
        "hello_at": clock.to_wire(row.received_at),
        "boot_id": row.boot_id,
        "capabilities": row.capabilities,
        "generation": row.generation,
        "highest_generation": row.highest_generation,
        "bundle": row.bundle,
        "contacts_version": row.contacts_version,
        "next_seq": row.next_seq,
        "oldest_seq": row.oldest_seq,
        "archived_through": row.archived_through,
        "clock_skew_s": row.clock_skew_s,
        "notice_version": row.notice_version,
    }
