"""Asking for a second person and deciding, in an installation that is three days old."""

from __future__ import annotations

from typing import Any

from core.actor import Actor
from core.permissions import Permission
from core.uow import unit_of_work
from identity import approval_kinds, approvals
from identity.approval_views import ApprovalView
from tests.identity import world
from tests.identity.world import SYSTEM

CONTENT: dict[str, Any] = {"type": "wipe", "device": "d-1", "args": {"scope": "device"}}
LOSS = Permission.COMMAND_APPROVE_RECORD_LOSS
KINDS = {approval_kinds.kind(name, Permission.COMMAND_SEND) for name in ("wipe", "lock")}
START = "2026-03-02T08:00:00Z"


def ask(by: Actor | None = None, unit: str = "/A/一组", **more: Any) -> str:
    who = by or world.actor("asker")
    unit_id = world.unit(unit)
    with unit_of_work():
        return approvals.request(
            who, kind="wipe", content=CONTENT, targets=["d-1"], unit_ids=[unit_id], reason="离职", **more
        )


def approve(approval_id: str, by: str = "second", **more: Any) -> ApprovalView:
    who = world.actor(by)
    with unit_of_work():
        return approvals.approve(who, approval_id, "同意", **more)


def consume(approval_id: str, **other: Any) -> None:
    values = {"kind": "wipe", "content": CONTENT, "used_for": "c-1"} | other
    with unit_of_work():
        approvals.consume(SYSTEM, approval_id, **values)


def state(approval_id: str) -> str:
    who = world.actor("asker")
    with unit_of_work(write=False):
        return approvals.get(who, approval_id).state
