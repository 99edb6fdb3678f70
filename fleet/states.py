"""Life of a phone in the fleet: `active`, `lost`, and closed as `retired` or `wiped`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import select, update

from core import audit, clock, live, outbox, witness
from core.actor import Actor
from core.db import session
from core.errors import Conflict
from core.permissions import Permission
from core.reasons import clean_reason
from core.text import Text
from fleet import certificates, findings, presence, timeline
from fleet.commands import caps
from fleet.events import Closed, DeviceChange, devices_changed, devices_closed
from fleet.models import Device, Holding
from fleet.visibility import locked

CLEAR_EFFECT = "clear_retained"
CLOSED_LINE = "device_closed"
ACTIVE, LOST, RETIRED, WIPED = "active", "lost", "retired", "wiped"
LIVING: Final = (ACTIVE, LOST)
CLOSED: Final = (RETIRED, WIPED)
TRANSITIONS: Final = {
    ACTIVE: frozenset({LOST, RETIRED, WIPED}),
    LOST: frozenset({ACTIVE, RETIRED, WIPED}),
    RETIRED: frozenset[str](),
    WIPED: frozenset[str](),
}


def change(actor: Actor, device_id: str, state: str, reason: str) -> None:
    """A person reports a phone lost or found, or retires it. Raises NotFound, Invalid without a reason, Conflict.

    `lost` keeps the certificate, so that commands and records still travel; higher rooms lock it by `devices_changed`.
    Only a finished wipe makes a phone `wiped`.
    """
    actor.require(Permission.DEVICE_WRITE)
    if state == RETIRED:
        actor.require(Permission.DEVICE_REVOKE)
    reason = clean_reason(reason)
    device = locked(actor, device_id)
    if device.state == state:
        return
    if state == WIPED or state not in TRANSITIONS[device.state]:
        raise _no_transition(device.state, state)
    if state == RETIRED:
        caps.note_revocation(actor, device.id, lost=device.state == LOST)
        close(actor, [device], RETIRED, reason)
    else:
        _move(actor, [device], state, reason)


def revoke(actor: Actor, device_id: str, reason: str) -> None:
    """Cut a phone off for good: certificates revoked, session ended, retired.

    At once and by one person, since a lost phone must be; yet it counts. Raises Conflict when it is closed, TooMany.
    """
    actor.require(Permission.DEVICE_REVOKE)
    reason = clean_reason(reason)
    device = locked(actor, device_id)
    if device.state not in LIVING:
        raise _no_transition(device.state, RETIRED)
    caps.note_revocation(actor, device.id, lost=device.state == LOST)
    close(actor, [device], RETIRED, reason)


def wiped(actor: Actor, device_ids: Sequence[str], reason: str) -> None:
    """Close phones whose wipe was carried out; those that are closed already stay as they are."""
    query = select(Device).where(Device.id.in_(device_ids), Device.state.in_(LIVING))
    devices = list(session().scalars(query.order_by(Device.id).with_for_update()))
    close(actor, devices, WIPED, reason)


def close(actor: Actor, devices: Sequence[Device], state: str, reason: str) -> None:
    """Take phones out of the fleet: certificates, session, retained messages, holder, findings end; history stays."""
    if not devices:
        return
    ids = [device.id for device in devices]
    presence.hold(ids)
    revoked = certificates.revoke_all(ids)
    outbox.enqueue(CLEAR_EFFECT, ids)
    _move(actor, devices, state, reason, {key: [one.serial for one in serials] for key, serials in revoked.items()})
    now = clock.now()
    ended = update(Holding).where(Holding.device_id.in_(ids), Holding.ended_at.is_(None)).values(ended_at=now)
    session().execute(ended, execution_options={"synchronize_session": False})
    findings.close_all(ids)
    presence.cut_off(ids)
    for device_id, serials in revoked.items():
        ends = [[one.serial, clock.to_wire(one.expires_at)] for one in serials]
        witness.note(CLOSED_LINE, {"device": device_id, "state": state, "reason": reason, "serials": ends})
    devices_closed.send(None, devices=[Closed(device_id, state, reason) for device_id in ids])


def _move(
    actor: Actor, devices: Sequence[Device], state: str, reason: str, revoked: Mapping[str, list[str]] | None = None
) -> None:
    now = clock.now()
    changes = []
    for device in devices:
        changes.append(DeviceChange(device.id, "state", device.state, state, reason, actor.id, actor.name))
        moved = {"from": device.state, "to": state, "reason": reason}
        if revoked is not None:
            moved["revoked"] = " ".join(revoked.get(device.id, ()))
        audit.record(actor, f"device.{state}", ("device", device.id), moved)
        device.state, device.state_since, device.state_reason = state, now, reason
    session().flush()
    timeline.add(
        [
            timeline.Line(
                change.device_id, "state", f"state.{state}", actor, detail={"from": change.old, "reason": reason}
            )
            for change in changes
        ]
    )
    live.announce("devices", [change.device_id for change in changes])
    devices_changed.send(None, changes=changes)


def _no_transition(old: str, new: str) -> Conflict:
    return Conflict(
        "no_such_transition",
        Text(
            f"设备当前状态为“{old}”，不能改为“{new}”。擦除请下发 wipe 命令。",
            f"The phone is “{old}” and cannot become “{new}”. To wipe it, send a wipe command.",
        ),
        state=old,
    )
