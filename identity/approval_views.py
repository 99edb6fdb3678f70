"""How a request for a second person is shown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from identity.models import Approval


@dataclass(frozen=True, slots=True)
class ApprovalView:
    """A request as it is shown: who asks for what and why, and what became of it."""

    id: str
    kind: str
    targets: tuple[str, ...]
    summary: dict[str, Any]
    permissions: tuple[str, ...]
    reason: str
    requested_by: str
    requested_at: datetime
    expires_at: datetime
    state: str
    decided_by: str | None
    decided_at: datetime | None
    decision_reason: str | None


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
