"""Which phones a request is for, always within what the actor sees."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import rfc8785
from sqlalchemy import select

from core.actor import Actor
from core.db import session
from core.errors import Conflict, Invalid, NotFound
from core.text import Text
from fleet.commands.registry import LIVING
from fleet.models import Device, GroupMember
from fleet.visibility import in_scope, no_such_device
from identity import org, scope

CHUNK = 5000
MAX_NAMED = 10_000


@dataclass(frozen=True, slots=True)
class Selector:
    """One of: named devices, a group, an org unit with all below it, or all that the actor sees."""

    by: Literal["devices", "group", "org_unit", "all"]
    devices: tuple[str, ...] = ()
    name: str = ""

    def shown(self) -> dict[str, Any]:
        """As it is kept and audited; a long list is cut, its commands name every phone."""
        if self.by == "devices":
            return {"devices": list(self.devices[:100])}
        return {"all": True} if self.by == "all" else {self.by: self.name}


@dataclass(frozen=True, slots=True)
class Target:
    """A phone that a command goes to."""

    id: str
    state: str
    org_unit_id: str
    holder_id: str | None


_TARGET = (Device.id, Device.state, Device.org_unit_id, Device.person_id)


def one(actor: Actor, device_id: str, states: frozenset[str]) -> list[Target]:
    """One phone. Raises NotFound, or Conflict when it is in none of the states."""
    return _named(actor, [device_id], states)


def resolve(actor: Actor, selector: Selector, states: frozenset[str]) -> list[Target]:
    """The selector's phones in id order. Raises NotFound for a named phone out of scope, Conflict, Invalid for none.

    Named phones must all be in one of the states; the other selectors pass over phones that left the fleet.
    """
    if selector.by == "devices":
        if not 1 <= len(selector.devices) <= MAX_NAMED:
            raise none_selected()
        return _named(actor, sorted(set(selector.devices)), states)
    targets = [one for one in matched(actor, selector) if one.state in states & LIVING]
    if not targets:
        raise none_selected()
    return targets


def matched(actor: Actor, selector: Selector) -> list[Target]:
    """All phones in scope that the selector means, whatever their state, in id order; unknown ones are missing."""
    if selector.by == "devices":
        return sorted(_found(actor, sorted(set(selector.devices))).values(), key=lambda one: one.id)
    query = select(*_TARGET).where(in_scope(actor))
    if selector.by == "group":
        members = select(GroupMember.device_id).where(GroupMember.group_name == selector.name)
        query = query.where(Device.id.in_(members))
    elif selector.by == "org_unit":
        unit = org.resolve(actor, selector.name)
        query = query.where(Device.org_unit_id.in_(scope.visible_at(unit.path)))
    return [Target(*row) for row in session().execute(query.order_by(Device.id))]


def digest(targets: Sequence[Target]) -> str:
    """SHA-256 over these phones and who holds them: what was previewed is what is hit."""
    return hashlib.sha256(rfc8785.dumps(holders_of(targets))).hexdigest()


def holders_of(targets: Sequence[Target]) -> dict[str, str]:
    """Holders by phone, empty for none: exactly what an approval or a preview is given for."""
    return {target.id: target.holder_id or "" for target in targets}


def require_previewed(targets: Sequence[Target], previewed: str | None) -> None:
    """Raise Conflict unless these are the phones, and the holders, that the preview showed."""
    if previewed is not None and digest(targets) != previewed:
        raise Conflict(
            "targets_changed",
            Text(
                "预览后，选中的设备或其使用人已变化，请重新预览。",
                "The phones, or who holds them, have changed since the preview. Look at it again.",
            ),
            devices=len(targets),
            audit=True,
        )


def _named(actor: Actor, device_ids: Sequence[str], states: frozenset[str]) -> list[Target]:
    found = _found(actor, device_ids)
    missing = [device_id for device_id in device_ids if device_id not in found]
    if missing:
        raise _unknown(missing, named_one=len(device_ids) == 1)
    _require_states(found, states)
    return [found[device_id] for device_id in device_ids]


def _found(actor: Actor, device_ids: Sequence[str]) -> dict[str, Target]:
    found: dict[str, Target] = {}
    for start in range(0, len(device_ids), CHUNK):
        query = select(*_TARGET).where(Device.id.in_(device_ids[start : start + CHUNK]), in_scope(actor))
        found.update({row.id: Target(*row) for row in session().execute(query)})
    return found


def _require_states(found: Mapping[str, Target], states: frozenset[str]) -> None:
    wrong = sorted(target.id for target in found.values() if target.state not in states)
    if wrong:
        state = found[wrong[0]].state
        raise Conflict(
            "device_state",
            Text(f"设备当前状态为“{state}”，不能接收此命令。", f"A phone is “{state}” and takes no such command."),
            state=state,
            devices=wrong[:20],
        )


def _unknown(missing: Sequence[str], *, named_one: bool) -> NotFound:
    if named_one:
        return no_such_device()
    return NotFound(
        "no_such_device",
        Text(f"没有这台设备：{missing[0][:36]}。", f"There is no such phone: {missing[0][:36]}."),
        devices=list(missing[:20]),
    )


def none_selected() -> Invalid:
    """The error of a selector that means no phone."""
    return Invalid(
        "no_devices",
        Text("没有选中任何可用设备，请检查选择条件。", "No phone in the fleet is selected. Check the selector."),
    )


def living(device_ids: Sequence[str]) -> list[Target]:
    """Those of the phones that are in the fleet, without regard to scope: for what follows by itself."""
    query = select(*_TARGET).where(Device.id.in_(device_ids), Device.state.in_(LIVING))
    return [Target(*row) for row in session().execute(query.order_by(Device.id))]
