"""hello: what a phone says of itself after each connect, signed with its own key. Everything is healed from here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import select, update

from core import live
from core.actor import system_actor
from core.crypto.jose import BadToken
from core.crypto.jwk import public_from_der
from core.db import session, upsert
from core.runtime import runtime
from fleet import findings, timeline
from fleet.events import DeviceChange, HelloReceived, devices_changed, hello_received
from fleet.models import Device, Inventory
from fleet.presence import LIVING
from mqtt import signed
from mqtt.contract.codec import BadPayload
from mqtt.contract.hello import Hello
from mqtt.contract.limits import CLOCK_SKEW_S
from mqtt.contract.names import Typ
from mqtt.routes import Inbound, Refusal

ACTOR = system_actor("hello")
CLONED, CLOCK_SKEW = "cloned_identity", "clock_skew"
KEPT_BOOTS, KEPT_JTIS = 16, 16


@dataclass(slots=True)
class _Sender:
    """A phone that says hello: its key, and what it said last."""

    device_id: str
    state: str
    kid: str
    key: bytes
    agent_version: str
    last: Mapping[str, Any] | None


def record(batch: Sequence[Inbound]) -> list[Refusal]:
    """Store a batch of `up/hello` messages and tell `hello_received` once.

    A message whose signature or form is wrong is refused; one that is older than the newest, repeated, or of a phone
    that is unknown or closed changes nothing.
    """
    refusals: list[Refusal] = []
    heard: dict[str, HelloReceived] = {}
    seen: list[findings.Observation] = []
    senders = _senders({message.device_id for message in batch})
    changed: dict[str, Mapping[str, Any]] = {}
    for message in batch:
        sender = senders.get(message.device_id)
        if sender is None:
            continue
        try:
            hello = _verified(message, sender)
        except (BadToken, BadPayload) as error:
            refusals.append(Refusal(message, error.reason, getattr(error, "detail", "")))
            continue
        if _is_old(hello, sender, message.received_at):
            continue
        received, observations = _take(hello, sender, message.received_at)
        # Several in one batch: the newest is told, and it is answered as soon as any of them was to be.
        heard[sender.device_id] = _joined(heard.get(sender.device_id), received)
        seen += observations
        changed[sender.device_id] = sender.last or {}
    _store(changed, senders)
    findings.observe(seen)
    if heard:
        hello_received.send(None, hellos=[heard[device_id] for device_id in sorted(heard)])
    return refusals


def _joined(earlier: HelloReceived | None, newer: HelloReceived) -> HelloReceived:
    if earlier is None:
        return newer
    at_once = earlier.not_before is None or newer.not_before is None
    new_boot = earlier.new_boot or newer.new_boot
    return replace(newer, new_boot=new_boot, not_before=None if at_once else newer.not_before)


def _senders(device_ids: set[str]) -> dict[str, _Sender]:
    query = (
        select(Device.id, Device.state, Device.signing_kid, Device.signing_key, Device.agent_version, Inventory)
        .outerjoin(Inventory, Inventory.device_id == Device.id)
        .where(Device.id.in_(device_ids), Device.state.in_(LIVING))
    )
    return {
        device_id: _Sender(device_id, state, kid, key, version, _as_row(inventory) if inventory else None)
        for device_id, state, kid, key, version, inventory in session().execute(query)
    }


def _as_row(inventory: Inventory) -> dict[str, Any]:
    return {column.name: getattr(inventory, column.name) for column in Inventory.__table__.columns}


def _verified(message: Inbound, sender: _Sender) -> Hello:
    keys = {sender.kid: public_from_der(sender.key)}
    return signed.read(Hello, message.payload, typ=Typ.HELLO, keys=keys, sub=sender.device_id)


def _iat(hello: Hello, received_at: datetime) -> int:
    """The phone's time, or the receive time where it runs more than 120 s ahead."""
    received = int(received_at.timestamp())
    return received if hello.iat > received + CLOCK_SKEW_S else hello.iat


def _is_old(hello: Hello, sender: _Sender, received_at: datetime) -> bool:
    last = sender.last
    return last is not None and (_iat(hello, received_at) < last["iat"] or hello.jti in last["jtis"])


def _take(hello: Hello, sender: _Sender, received_at: datetime) -> tuple[HelloReceived, list[findings.Observation]]:
    """Fold one hello into what is known of its sender."""
    last = sender.last
    boots: list[str] = list(last["boots"]) if last else []
    new_boot = hello.boot_id not in boots
    cloned = bool(boots) and not new_boot and boots[-1] != hello.boot_id
    not_before = _not_before(last, new_boot, received_at)
    skew = round((hello.clock - received_at).total_seconds())
    sender.last = {
        **hello.model_dump(include=_SAID),
        "device_id": sender.device_id,
        "iat": _iat(hello, received_at),
        "jtis": [*(last["jtis"] if last else []), hello.jti][-KEPT_JTIS:],
        "received_at": received_at,
        "answer_at": not_before or received_at,
        "boots": [*[boot for boot in boots if boot != hello.boot_id][-KEPT_BOOTS:], hello.boot_id],
        "capabilities": sorted(set(hello.capabilities)),
        "clock_skew_s": max(-(2**31), min(skew, 2**31)),
    }
    observations = [_clock_observation(sender.device_id, skew)]
    if cloned:
        observations.append(findings.Observation(sender.device_id, CLONED, True, {"by": "boot_id"}))
    received = HelloReceived(sender.device_id, sender.state, hello, received_at, new_boot, not_before)
    return received, observations


_SAID = {
    "connection",
    "boot_id",
    "agent_version",
    "generation",
    "highest_generation",
    "bundle",
    "contacts_version",
    "next_seq",
    "oldest_seq",
    "archived_through",
    "notice_version",
}


def _clock_observation(device_id: str, skew: int) -> findings.Observation:
    off = abs(skew) > CLOCK_SKEW_S
    return findings.Observation(device_id, CLOCK_SKEW, off, {"seconds": skew} if off else {})


def _not_before(last: Mapping[str, Any] | None, new_boot: bool, now: datetime) -> datetime | None:
    """When a hello is answered, None: at once. `answer_at` is when the newest answer was or will be due."""
    if last is None or new_boot:
        return None
    if last["answer_at"] > now:
        return cast(datetime, last["answer_at"])
    span_end: datetime = last["answer_at"] + timedelta(seconds=runtime().settings.hello_interval)
    return span_end if now < span_end else None


def _store(changed: Mapping[str, Mapping[str, Any]], senders: Mapping[str, _Sender]) -> None:
    if not changed:
        return
    current = session()
    rows = list(changed.values())
    upsert(current, Inventory.__table__, rows, ["device_id"])
    updated = [
        (senders[device_id], row)
        for device_id, row in changed.items()
        if senders[device_id].agent_version != row["agent_version"]
    ]
    for sender, row in updated:
        query = update(Device).where(Device.id == sender.device_id).values(agent_version=row["agent_version"])
        current.execute(query, execution_options={"synchronize_session": False})
    timeline.add(
        [
            timeline.Line(
                sender.device_id,
                "hello",
                "agent.updated",
                detail={"from": sender.agent_version, "to": row["agent_version"]},
            )
            for sender, row in updated
        ]
    )
    live.announce("devices", [sender.device_id for sender, _ in updated])
    changes = [
        DeviceChange(sender.device_id, "facts", sender.agent_version, row["agent_version"], "", ACTOR.id, ACTOR.name)
        for sender, row in updated
    ]
    if changes:
        devices_changed.send(None, changes=changes)
