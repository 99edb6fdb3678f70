"""How a request for a second person is shown."""

from __future__ import annotations

from typing import Any

from core.views import Moment, View
from identity.models import Approval


class Decision(View):
    """How far a request is: who may decide until when, and what became of it. It names no targets."""

    id: str
    state: str
    permissions: tuple[str, ...]
    requested_at: Moment
    expires_at: Moment
    decided_by: str | None
    decided_at: Moment | None
    decision_reason: str | None


class ApprovalView(Decision):
    """A request as it is shown: who asks for what and why, and what became of it."""

    kind: str
    targets: tuple[str, ...]
    summary: dict[str, Any]
    reason: str
    requested_by: str


def view(row: Approval) -> ApprovalView:
    """The view of a row."""
    return ApprovalView(
        id=row.id,
        kind=row.kind,
        targets=tuple(row.targets),
        summary=row.summary,
        permissions=tuple(row.permissions),
        reason=row.reason,
        requested_by=row.requested_by,
        requested_at=row.requested_at,
        expires_at=row.expires_at,
        state=row.state,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        decision_reason=row.decision_reason,
    )
