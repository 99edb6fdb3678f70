"""Changes that wait for their second person, over HTTP: approved or denied. They are listed with all approvals."""

from __future__ import annotations

from typing import Literal

from flask import Response

from core.http.answers import reply
from core.http.fields import IdPath
from core.http.identity import current_actor
from core.http.routes import Api
from core.permissions import Permission
from identity.approval_views import ApprovalView
from policies import second_person
from policies.rollout_schemas import ReasonBody

api = Api("held_changes", __name__)


class DecisionPath(IdPath):
    """Which request, and what becomes of it."""

    decision: Literal["approve", "deny"]


@api.post("/documents/held/<id>/<decision>", Permission.DOCUMENT_PUBLISH, {200: ApprovalView}, problems=(409,))
def decide_held_change(path: DecisionPath, body: ReasonBody) -> Response:
    """Let a change that loosens policies happen, or keep it from happening, as the second person."""
    decide = second_person.approve if path.decision == "approve" else second_person.deny
    return reply(decide(current_actor(), path.id, body.reason))


@api.post("/documents/held/<id>/withdraw", Permission.COMMAND_READ, {200: ApprovalView}, problems=(409,))
def withdraw_held_change(path: IdPath) -> Response:
    """Take one's own request back while nobody has decided it."""
    return reply(second_person.withdraw(current_actor(), path.id))
