"""Settling: a person has looked into a finding that does not end by itself."""

from __future__ import annotations

from compliance import evaluate, registry, sims
from compliance.checks.sim import SIM_CHANGED
from compliance.registry import Ends
from core import audit
from core.actor import Actor
from core.errors import Conflict, NotFound
from core.permissions import Permission
from core.reasons import clean_reason
from core.text import Text
from fleet import findings, timeline
from fleet import queries as fleet
from fleet.findings import Observation


def settle(actor: Actor, device_id: str, code: str, reason: str) -> None:
    """End a phone's finding, with a reason. A SIM that changed becomes the one that the phone is known by.

    Raises NotFound for a phone out of scope or a finding that is not open, Conflict for one that ends by itself.
    """
    actor.require(Permission.COMPLIANCE_HANDLE)
    reason = clean_reason(reason)
    phone = fleet.ref(actor, device_id)
    if code not in {one.code for one in findings.open_of([phone.id]).get(phone.id, ())}:
        raise NotFound("no_such_finding", Text("该设备没有这项未结束的发现。", "The phone has no such open finding."))
    if registry.check_of(code).ends is not Ends.SETTLED:
        raise Conflict(
            "ends_by_itself",
            Text(
                "这项发现在手机恢复后自动结束；需要暂时允许请登记例外。",
                "This finding ends once the phone is in order. To allow it for a while, grant an exception.",
            ),
        )
    if code == SIM_CHANGED:
        sims.forget([phone.id])
    detail = {"code": code, "reason": reason}
    audit.record(actor, "finding.settle", ("device", phone.id), detail)
    timeline.add([timeline.Line(phone.id, "compliance", "finding.settled", actor, detail=detail)])
    findings.observe([Observation(phone.id, code, False)])
    evaluate.run([phone.id])
