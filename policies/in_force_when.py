"""In force when: the bundle that a phone had in force at a past minute, from what it reported, as evidence.

A report carries the time of the phone's clock and gets the time of its receipt. A phone cannot have applied what it was
not asked for yet, nor after it said so: between the two its own clock counts, however wrong it is elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from core import clock
from core.actor import Actor
from core.db import session
from core.permissions import Permission
from fleet import queries as fleet
from mqtt.contract.names import Outcome
from policies import blobs
from policies.models import DesiredHistory, Mixture, ReportedHistory
from policies.views import InForceEvidence, InForceThen


def then(device_id: str, moment: datetime) -> InForceThen | None:
    """What a phone had in force at a moment; None before its first report."""
    return _last([one for one in _applied(device_id) if one.since <= moment])


def evidence(actor: Actor, device_id: str, at: datetime | None = None) -> InForceEvidence:
    """What a phone in the actor's scope had in force at a moment (now), the policies behind it and its rules.

    Raises NotFound.
    """
    actor.require(Permission.DOCUMENT_READ)
    fleet.ref(actor, device_id)
    moment = at or clock.now()
    reports = _applied(device_id)
    found = _last([one for one in reports if one.since <= moment])
    by_receipt = _last([one for one in reports if one.received_at is not None and one.received_at <= moment])
    certain = _same(found, by_receipt)
    document = _document(found.bundle) if found and found.bundle else {}
    return InForceEvidence(
        device_id=device_id,
        at=moment,
        in_force=found,
        until=min((one.since for one in reports if one.since > moment and not _same(one, found)), default=None),
        certain=certain,
        otherwise=None if certain else by_receipt,
        policies=_policies(device_id, found, moment) if found else [],
        blobs=[{key: part[key] for key in ("kind", "name", "digest")} for part in document.get("blobs", ())],
        rules=document.get("rules", {}),
    )


def _applied(device_id: str) -> list[InForceThen]:
    """All that a phone said it applied, in the order in which it came into force."""
    asked = (
        select(DesiredHistory.generation, func.min(DesiredHistory.at).label("at"))
        .where(DesiredHistory.device_id == device_id)
        .group_by(DesiredHistory.generation)
        .subquery()
    )
    said = ReportedHistory
    query = (
        select(said.generation, said.bundle, said.at, said.received_at, asked.c.at.label("desired_at"))
        .outerjoin(asked, asked.c.generation == said.generation)
        .where(said.device_id == device_id, said.outcome == Outcome.APPLIED)
        .order_by(said.id)
    )
    found = [
        InForceThen(
            generation=row.generation,
            bundle=row.bundle,
            since=_held(row.at, row.desired_at, row.received_at),
            desired_at=row.desired_at,
            said_at=row.at,
            received_at=row.received_at,
        )
        for row in session().execute(query)
    ]
    return sorted(found, key=lambda one: one.since)


def _held(said: datetime, asked: datetime | None, received: datetime) -> datetime:
    """The phone's time, between when it was asked and when it answered."""
    return min(max(said, asked or said), received)


def _last(reports: Sequence[InForceThen]) -> InForceThen | None:
    return reports[-1] if reports else None


def _same(one: InForceThen | None, other: InForceThen | None) -> bool:
    return (one and one.bundle) == (other and other.bundle)


def _policies(device_id: str, found: InForceThen, moment: datetime) -> list[dict[str, Any]]:
    """Policies, versions and assignments that the bundle came from, as they were at that moment."""
    rows = DesiredHistory
    query = select(Mixture.sources).join(rows, rows.mixture == Mixture.digest)
    same = query.where(rows.device_id == device_id, rows.generation == found.generation, rows.bundle == found.bundle)
    newest = session().scalar(same.where(rows.at <= moment).order_by(rows.id.desc()).limit(1))
    return list(newest or session().scalar(same.order_by(rows.id).limit(1)) or [])


def _document(bundle: str) -> dict[str, Any]:
    content = blobs.document(bundle)
    return dict(json.loads(content)) if content else {}
