"""Rollouts over HTTP, for people: how far they are, who is behind the figures, and what can be done."""

from __future__ import annotations

from flask import Response

from core.http.answers import PageOut, page_reply, reply
from core.http.fields import IdPath
from core.http.identity import current_actor
from core.http.routes import Api
from core.permissions import Permission
from identity.approval_views import ApprovalView
from policies import in_force_when, rollout_actions, rollout_reading
from policies.rollout_schemas import (
    ActPath,
    InForceQuery,
    NudgeBody,
    NudgedRead,
    ReasonBody,
    RolledBackRead,
    RolloutDevicesQuery,
    RolloutsQuery,
)
from policies.views import InForceEvidence, RolloutDeviceView, RolloutSummary, RolloutView

api = Api("rollouts", __name__)


@api.get("/rollouts", Permission.DOCUMENT_READ, {200: PageOut[RolloutSummary]})
def list_rollouts(query: RolloutsQuery) -> Response:
    """Rollouts, newest first."""
    return page_reply(rollout_reading.find(current_actor(), query.state, query.cursor, query.limit))


@api.get("/rollouts/<id>", Permission.DOCUMENT_READ, {200: RolloutView})
def get_rollout(path: IdPath) -> Response:
    """A rollout, its rings with their figures, and how long phones took to apply it."""
    return reply(rollout_reading.get(current_actor(), path.id))


@api.get("/rollouts/<id>/devices", Permission.DOCUMENT_READ, {200: PageOut[RolloutDeviceView]})
def list_rollout_devices(path: IdPath, query: RolloutDevicesQuery) -> Response:
    """The phones behind a figure, and why those that did not apply it did not."""
    page = rollout_reading.devices(
        current_actor(), path.id, ring=query.ring, state=query.state, cursor=query.cursor, limit=query.limit
    )
    return page_reply(page)


@api.post("/rollouts/<id>/nudge", Permission.DOCUMENT_PUBLISH, {200: NudgedRead})
def nudge_rollout(path: IdPath, body: NudgeBody) -> Response:
    """Send the desired state again to every phone that has not answered."""
    return reply({"devices": rollout_actions.nudge(current_actor(), path.id, body.ring)})


@api.post(
    "/rollouts/<id>/rollback",
    Permission.DOCUMENT_PUBLISH,
    {200: RolledBackRead, 202: ApprovalView},
    problems=(409,),
)
def roll_back(path: IdPath, body: ReasonBody) -> Response:
    """Publish what was in force before as a new version, to everyone who got this one; what loosens waits (202)."""
    return reply({"rollout": rollout_actions.rollback(current_actor(), path.id, body.reason)})


@api.post(
    "/rollouts/<id>/<act>",
    Permission.DOCUMENT_PUBLISH,
    {200: RolloutView, 202: ApprovalView},
    problems=(409,),
)
def act_on_rollout(path: ActPath, body: ReasonBody) -> Response:
    """Start a draft, pause, resume, skip the wait, stop, bring to everyone at once, approve or deny the next ring."""
    rollout_actions.ACTS[path.act](current_actor(), path.id, body.reason)
    return reply(rollout_reading.get(current_actor(), path.id))


@api.get("/devices/<id>/in-force", Permission.DOCUMENT_READ, {200: InForceEvidence})
def in_force_at(path: IdPath, query: InForceQuery) -> Response:
    """The bundle that was in force on a phone at a past minute, by its reports, and the policies behind it."""
    return reply(in_force_when.evidence(current_actor(), path.id, query.at))
