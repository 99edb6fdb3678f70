"""Look-ups and selectables for other rooms, so that none of them needs this room's models."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Select, or_, select

from core.actor import Actor
from core.bulk import texts
from core.crypto.jwk import PublicKey, public_from_der
from core.db import session
from fleet.chunks import chunks
from fleet.models import Device, GroupMember, Inventory, Presence
from fleet.states import CLOSED, LIVING
from fleet.visibility import in_scope, visible


@dataclass(frozen=True, slots=True)
class DeviceRef:
    """Just enough of a phone to deal with it elsewhere."""

    id: str
    state: str
    serial: str
    model: str
    org_unit_id: str
    person_id: str | None
    holder_confirmed: bool

    @property
    def living(self) -> bool:
        """Whether the phone is in the fleet: active or lost."""
        return self.state in LIVING


class DeviceKeys(NamedTuple):
    """Public keys of a phone and its state: whoever verifies or encrypts asks here."""

    device_id: str
    state: str
    signing_kid: str
    signing_der: bytes
    encryption_der: bytes

    @property
    def signing(self) -> PublicKey:
        """The key that verifies what the phone signs."""
        return public_from_der(self.signing_der)

    @property
    def encryption(self) -> PublicKey:
        """The key to encrypt to."""
        return public_from_der(self.encryption_der)


@dataclass(frozen=True, slots=True)
class SaidHello:
    """What a phone's newest hello said that other rooms act on."""

    connection: str
    boot_id: str
    iat: int
    capabilities: frozenset[str]
    generation: int
    bundle: str | None
    next_seq: int
    oldest_seq: int
    archived_through: int
    contacts_version: int
    notice_version: str | None


def refs(device_ids: Collection[str]) -> dict[str, DeviceRef]:
    """Phones by id, whatever their state, without regard to scope."""
    return {
        row.id: DeviceRef(*row)
        for row in session().execute(devices().where(Device.id.in_(texts(session(), device_ids))))
    }


def ref(actor: Actor, device_id: str) -> DeviceRef:
    """One phone in the actor's scope. Raises NotFound."""
    device = visible(actor, device_id)
    return DeviceRef(
        device.id,
        device.state,
        device.serial,
        device.model,
        device.org_unit_id,
        device.person_id,
        device.holder_confirmed,
    )


def held(device_ids: Collection[str]) -> list[str]:
    """Those of the phones that nobody else is changing, kept from being changed until the unit of work ends."""
    query = select(Device.id).where(Device.id.in_(texts(session(), device_ids))).order_by(Device.id)
    return list(session().scalars(query.with_for_update(read=True, key_share=True, skip_locked=True)))


def in_scope_of(actor: Actor, device_ids: Collection[str]) -> set[str]:
    """Those of the ids that are phones in the actor's scope."""
    return {
        device_id
        for some in chunks(device_ids)
        for device_id in session().scalars(select(Device.id).where(Device.id.in_(some), in_scope(actor)))
    }


def ids_named(actor: Actor, names: Collection[str]) -> dict[str, str]:
    """Ids of the phones in the fleet and in the actor's scope by what they are named by here: id or serial number."""
    found: dict[str, str] = {}
    for some in chunks(names):
        living = select(Device.id, Device.serial).where(Device.state.in_(LIVING), in_scope(actor))
        for row in session().execute(living.where(or_(Device.id.in_(some), Device.serial.in_(some)))):
            found |= {name: row.id for name in (row.serial, row.id) if name in some}
    return found


def keys(device_ids: Collection[str]) -> dict[str, DeviceKeys]:
    """Keys of many phones in one query, closed ones too."""
    columns = (Device.id, Device.state, Device.signing_kid, Device.signing_key, Device.encryption_key)
    rows = session().execute(select(*columns).where(Device.id.in_(texts(session(), device_ids))))
    return {row[0]: DeviceKeys._make(row) for row in rows}


def hellos(device_ids: Collection[str]) -> dict[str, SaidHello]:
    """What the newest hello of each phone said; one that never said hello is missing."""
    rows = session().scalars(select(Inventory).where(Inventory.device_id.in_(device_ids)))
    return {
        row.device_id: SaidHello(
            row.connection,
            row.boot_id,
            row.iat,
            frozenset(row.capabilities),
            row.generation,
            row.bundle,
            row.next_seq,
            row.oldest_seq,
            row.archived_through,
            row.contacts_version,
            row.notice_version,
        )
        for row in rows
    }


def devices() -> Select[tuple[str, str, str, str, str, str | None, bool]]:
    """Columns `id`, `state`, `serial`, `model`, `org_unit_id`, `person_id`, `holder_confirmed` of all phones."""
    return select(
        Device.id,
        Device.state,
        Device.serial,
        Device.model,
        Device.org_unit_id,
        Device.person_id,
        Device.holder_confirmed,
    )


def living_ids() -> Select[tuple[str, str]]:
    """Columns `id`, `org_unit_id` of the phones that are in the fleet."""
    return select(Device.id, Device.org_unit_id).where(Device.state.in_(LIVING))


def living_among(device_ids: Collection[str]) -> set[str]:
    """Those of the ids that are phones in the fleet, in one query."""
    query = select(Device.id).where(Device.id.in_(texts(session(), device_ids)), Device.state.in_(LIVING))
    return set(session().scalars(query))


def closed_ids() -> Select[tuple[str]]:
    """Ids of the phones that left the fleet, for `.in_()`."""
    return select(Device.id).where(Device.state.in_(CLOSED))


def memberships() -> Select[tuple[str, str]]:
    """Columns `group_name`, `device_id` of all groups."""
    return select(GroupMember.group_name, GroupMember.device_id)


class Seen(NamedTuple):
    """Whether a phone is there, since when, and when it was heard of last."""

    online: bool
    since: datetime | None
    last_seen_at: datetime | None


def seen(device_ids: Collection[str]) -> dict[str, Seen]:
    """Presence of many phones in one query."""
    query = select(Presence.device_id, Presence.online, Presence.since, Presence.last_seen_at)
    rows = session().execute(query.where(Presence.device_id.in_(texts(session(), device_ids))))
    return {row[0]: Seen(*row[1:]) for row in rows}


def queue_lengths(device_ids: Collection[str]) -> dict[str, int]:
    """Unsent records by the newest heartbeat; a phone that never sent one is missing."""
    query = select(Presence.device_id, Presence.queue_records)
    query = query.where(Presence.device_id.in_(device_ids), Presence.queue_records.is_not(None))
    return {row.device_id: row.queue_records or 0 for row in session().execute(query)}


def facts() -> Select[tuple[str, str, str, str, str, str, str, str, str | None]]:
    """Columns that group queries speak of, for phones in the fleet: `id`, `serial`, `manufacturer`, `model`, `os`,
    `os_version`, `agent_version`, `org_unit_id`, `person_id`."""
    return select(
        Device.id,
        Device.serial,
        Device.manufacturer,
        Device.model,
        Device.os,
        Device.os_version,
        Device.agent_version,
        Device.org_unit_id,
        Device.person_id,
    ).where(Device.state.in_(LIVING))
