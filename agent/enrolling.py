"""An enrollment under way: its keys are kept before the request, so that a lost answer is asked for again (§3)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from agent.crypto import DeviceKeys
from agent.identity import Identity
from agent.records import blank_record
from agent.store import PhoneStore, Store
from mqtt.contract import chain, codec
from mqtt.contract.enrollment import DeviceFacts


@dataclass(frozen=True, slots=True)
class Attempt:
    """What every repeat of one enrollment has in common."""

    keys: DeviceKeys
    facts: DeviceFacts


def begin(store: Store, slot: str, code: str, facts: DeviceFacts) -> Attempt:
    """The attempt for a slot and a token: the one that was begun and never answered, else a new one."""
    rows = _rows(store, slot)
    mark = hashlib.sha256(code.encode()).hexdigest()
    kept = rows.get("attempt")
    if kept is not None and kept["code"] == mark:
        return Attempt(DeviceKeys.load(kept["keys"]), DeviceFacts.take(kept["facts"]))
    attempt = Attempt(DeviceKeys.generate(), facts)
    rows.put("attempt", {"code": mark, "keys": attempt.keys.dump(), "facts": facts.wire()})
    store.flush()
    return attempt


def give_up(store: Store, slot: str) -> None:
    """Forget an attempt that the server will not answer any more."""
    _rows(store, slot).forget("attempt")


def keep(store: Store, slot: str, identity: Identity) -> None:
    """Put the new identity into its slot; the chain of the life before is named in the new one (§9)."""
    with store.step():
        former = _former(store, slot)
        store.bind(slot, identity.device_id)
        PhoneStore(store, identity.device_id).write("identity", identity.dump())
        if former is not None:
            PhoneStore(store, identity.device_id).write("former", former)
        give_up(store, slot)


def _former(store: Store, slot: str) -> dict[str, Any] | None:
    device_id = store.slots().get(slot)
    if device_id is None:
        return None
    rows = PhoneStore(store, device_id)
    last = rows.last_record()
    receipt = (rows.get("archive") or {}).get("receipt", {"seq": 0, "head": chain.origin(device_id).hex()})
    seq, head = (last[0], last[1].hex()) if last is not None else (receipt["seq"], receipt["head"])
    return {"device_id": device_id, "seq": seq, "head": head}


def former_chain(former: dict[str, Any], at: datetime) -> dict[str, Any]:
    """The first record of a chain that goes on from another life's."""
    members = blank_record("device", "system", "out", "device", {"address": None, "name": ""}, at)
    return members | {"text": codec.encode(former).decode()}


def _rows(store: Store, slot: str) -> PhoneStore:
    return PhoneStore(store, f"slot:{slot}")
