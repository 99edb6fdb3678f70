"""Many phones cut off together: only those that a preview showed, under the caps, and by two persons.

One phone by itself is cut off at once, since a lost one must be. More of them wait for a second person; what is carried
out then is checked again: a phone that changed hands or left the fleet meanwhile drops out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select

from core import audit
from core.actor import Actor, system_actor
from core.db import session
from core.errors import NotFound
from core.permissions import Permission
from core.reasons import clean_reason
from core.text import Text
from core.views import View
from fleet import states
from fleet.chunks import chunks
from fleet.commands import approval, caps, selection
from fleet.commands.registry import LIVING
from fleet.commands.selection import Selector, Target
from fleet.models import Device
from identity import approval_kinds, approvals, queries
from identity.approval_views import ApprovalView
from identity.events import approval_decided

APPROVAL = approval_kinds.kind("device.revoke", Permission.DEVICE_REVOKE)
SIGNER = system_actor("fleet")


class Revoked(View):
    """How many phones are cut off, or will be once `approval_id` is approved."""

    devices: int
    approval_id: str | None = None


def revoke_many(actor: Actor, selector: Selector, reason: str, previewed: str) -> Revoked:
    """Cut phones off for good, all or none: one at once, more after a second person's approval.

    `previewed` is the digest that their preview gave. Raises NotFound, Invalid without a reason or phones, Conflict
    when others would be hit by now, when a named one is closed, or in a freeze; TooMany over a cap.
    """
    actor.require(Permission.DEVICE_REVOKE)
    reason = clean_reason(reason)
    meant = selection.resolve(actor, selector, LIVING)
    selection.require_previewed(meant, previewed)
    if len(meant) > 1:
        return Revoked(devices=len(meant), approval_id=_ask(actor, selector, meant, reason))
    caps.note_revocations(actor, [meant[0].id])
    _close(actor, _locked(selection.holders_of(meant)), reason, {"selector": selector.shown(), "sha256": previewed})
    return Revoked(devices=1)


def approve(actor: Actor, approval_id: str, reason: str) -> ApprovalView:
    """The second person lets it happen. Raises NotFound, Forbidden, Conflict, TooMany over a cap of the requester."""
    approvals.approve(actor, _asked(actor, approval_id).id, reason)
    return approvals.get(actor, approval_id)


def deny(actor: Actor, approval_id: str, reason: str) -> ApprovalView:
    """The second person keeps it from happening. Raises NotFound, Forbidden, Conflict."""
    return approvals.deny(actor, _asked(actor, approval_id).id, reason)


@approval_decided.connect
def follow_decision(_sender: object, *, approval_id: str, kind: str, state: str, targets: Sequence[str]) -> None:
    """What was approved is carried out in the unit of work of the approval; what an hour does not allow refuses it."""
    if kind != APPROVAL or state != approvals.APPROVED:
        return
    asked = approvals.get(SIGNER, approval_id)
    holders: dict[str, str] = asked.summary["holders"]
    approvals.consume(SIGNER, approval_id, kind=APPROVAL, content=_content(holders), used_for=approval_id)
    devices = _locked(holders)
    requester = _requester(asked)
    if devices:
        caps.note_revocations(requester, [device.id for device in devices])
    dropped = sorted(set(holders) - {device.id for device in devices})
    _close(requester, devices, asked.reason, {"approval": approval_id, "dropped": dropped[:100]})


def _ask(actor: Actor, selector: Selector, meant: Sequence[Target], reason: str) -> str:
    caps.require_revocable(actor, len(meant))
    holders = selection.holders_of(meant)
    asked = approvals.request(
        actor,
        kind=APPROVAL,
        content=_content(holders),
        targets=list(holders),
        unit_ids={target.org_unit_id for target in meant},
        reason=reason,
        summary={"devices": len(meant), "units": approval.by_unit(meant), "holders": holders},
    )
    detail = {"selector": selector.shown(), "count": len(meant), "reason": reason, "approval": asked}
    audit.record(actor, "device.revoke_asked", ("device", "many"), detail)
    return asked


def _asked(actor: Actor, approval_id: str) -> ApprovalView:
    asked = approvals.get(actor, approval_id)
    if asked.kind != APPROVAL:
        raise NotFound("no_such_approval", Text("没有这项批量吊销的审批。", "No such revocation waits."))
    return asked


def _content(holders: Mapping[str, str]) -> dict[str, Any]:
    """Exactly what a second person lets happen: these phones, in these hands."""
    return {"act": "revoke", "devices": dict(holders)}


def _requester(asked: ApprovalView) -> Actor:
    """Whoever asked, to be named and counted; what it may do was checked when it asked, that it is active just now."""
    person = queries.person_refs([asked.requested_by])[asked.requested_by]
    return Actor("staff", person.id, person.name)


def _locked(holders: Mapping[str, str]) -> list[Device]:
    """Those of the phones that are in the fleet and in the same hands."""
    found: list[Device] = []
    for some in chunks(sorted(holders)):
        query = select(Device).where(Device.id.in_(some), Device.state.in_(LIVING)).order_by(Device.id)
        rows = session().scalars(query.with_for_update().execution_options(populate_existing=True))
        found += [device for device in rows if (device.person_id or "") == holders[device.id]]
    return found


def _close(actor: Actor, devices: Sequence[Device], reason: str, more: Mapping[str, Any]) -> None:
    audit.record(actor, "device.revoke_many", ("device", "many"), {"count": len(devices), "reason": reason, **more})
    for some in chunks(devices):
        states.close(actor, list(some), states.RETIRED, reason)
