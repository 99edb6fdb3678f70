"""Which phones a request is for, always within what the actor sees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import select

from core.actor import Actor
from core.db import session
from core.errors import Conflict, Invalid, NotFound
from core.text import Text
from fleet.commands.registry import LIVING, Kind
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


def one(actor: Actor, device_id: str, kind: Kind) -> list[Target]:
    """One phone. Raises NotFound, or Conflict when the kind does not go to a phone in its state."""
    return _named(actor, [device_id], kind)


def resolve(actor: Actor, selector: Selector, kind: Kind) -> list[Target]:
    """The selector's phones in id order. Raises NotFound for a named phone out of scope, Conflict, Invalid for none.

    Named phones must all take the command; the other selectors pass over phones that left the fleet.
    """
    if selector.by == "devices":
        if not 1 <= len(selector.devices) <= MAX_NAMED:
            raise _none_selected()
        return _named(actor, sorted(set(selector.devices)), kind)
    query = select(Device.id, Device.state, Device.org_unit_id).where(
        in_scope(actor), Device.state.in_(kind.states & LIVING)
    )
    if selector.by == "group":
        members = select(GroupMember.device_id).where(GroupMember.group_name == selector.name)
        query = query.where(Device.id.in_(members))
    elif selector.by == "org_unit":
        unit = org.resolve(actor, selector.name)
        query = query.where(Device.org_unit_id.in_(scope.visible_at(unit.path)))
    targets = [Target(*row) for row in session().execute(query.order_by(Device.id))]
    if not targets:
        raise _none_selected()
    return targets


def _named(actor: Actor, device_ids: Sequence[str], kind: Kind) -> list[Target]:
    found: dict[str, Target] = {}
    for start in range(0, len(device_ids), CHUNK):
        query = select(Device.id, Device.state, Device.org_unit_id).where(
            Device.id.in_(device_ids[start : start + CHUNK]), in_scope(actor)
        )
        found.update({row.id: Target(*row) for row in session().execute(query)})
    missing = [device_id for device_id in device_ids if device_id not in found]
    if missing:
        raise _unknown(missing, named_one=len(device_ids) == 1)
    _require_states(found, kind)
    return [found[device_id] for device_id in device_ids]


def _require_states(found: Mapping[str, Target], kind: Kind) -> None:
    wrong = sorted(target.id for target in found.values() if target.state not in kind.states)
    if wrong:
        state = found[wrong[0]].state
        raise Conflict(
            "device_state",
            Text(f"设备当前状态为“{state}”，不能接收此命令。", f"A device is “{state}” and takes no such command."),
            state=state,
            devices=wrong[:20],
        )


def _unknown(missing: Sequence[str], *, named_one: bool) -> NotFound:
    if named_one:
        return no_such_device()
    return NotFound(
        "no_such_device",
        Text(f"没有这台设备：{missing[0][:36]}。", f"There is no such device: {missing[0][:36]}."),
        devices=list(missing[:20]),
    )


def _none_selected() -> Invalid:
    return Invalid(
        "no_devices",
        Text("没有选中任何可用设备，请检查选择条件。", "No device in the fleet is selected. Check the selector."),
    )


def living(device_ids: Sequence[str]) -> list[Target]:
    """Those of the phones that are in the fleet, without regard to scope: for what follows by itself."""
    query = select(Device.id, Device.state, Device.org_unit_id).where(
        Device.id.in_(device_ids), Device.state.in_(LIVING)
    )
    return [Target(*row) for row in session().execute(query.order_by(Device.id))]
