"""Rollouts: how a change reaches phones. Until rings are given there is one, "everyone", and it runs at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, func, select, update

from core import clock
from core.actor import Actor
from core.bulk import insert_each, texts
from core.db import insert_rows, session, upsert
from core.errors import NotFound
from core.ids import new_id
from core.permissions import Permission
from core.text import Text
from policies.models import (
    EVERYWHERE,
    DocumentVersion,
    PolicyDocument,
    Rollout,
    RolloutDevice,
    RolloutItem,
    RolloutRing,
    VersionInForce,
)
from policies.views import RingView, RolloutView

Kind = Literal["publish", "assignment", "org_unit"]
RUNNING, FINISHED = "running", "finished"
TARGETED, SENT, APPLIED = "targeted", "sent", "applied"
EVERYONE = "everyone"


def start(actor: Actor, kind: Kind, items: Sequence[tuple[str, int]], *, reason: str = "") -> str:
    """Begin a rollout of versions (document id, version) to everyone; they are in force at once. Returns its id."""
    now = clock.now()
    rollout_id = new_id()
    session().add(
        Rollout(
            id=rollout_id,
            kind=kind,
            state=RUNNING,
            emergency=False,
            reason=reason,
            created_at=now,
            created_by=actor.name,
            started_at=now,
        )
    )
    session().flush()
    _add_ring(rollout_id, now)
    carried = [{"rollout_id": rollout_id, "document_id": item, "version": version} for item, version in items]
    insert_rows(session(), RolloutItem.__table__, carried)
    put_in_force(rollout_id, items, EVERYWHERE)
    return rollout_id


def put_in_force(rollout_id: str, items: Sequence[tuple[str, int]], scope: str) -> None:
    """Move versions into force for a device scope: from here on they are what is merged."""
    now = clock.now()
    rows = [
        {"document_id": item, "scope": scope, "version": version, "rollout_id": rollout_id, "since": now}
        for item, version in items
    ]
    upsert(session(), VersionInForce.__table__, rows, ["document_id", "scope"])


def target(rollout_id: str, device_ids: Sequence[str], generation: int) -> None:
    """Note which phones a rollout gave a new desired state."""
    same = {
        "rollout_id": rollout_id,
        "ring": 0,
        "generation": generation,
        "state": TARGETED,
        "targeted_at": clock.now(),
    }
    insert_each(session(), RolloutDevice.__table__, "device_id", device_ids, same)


def sent(device_ids: Collection[str]) -> None:
    """Note that the newest desired state reached the sessions of these phones."""
    if device_ids:
        _move(device_ids, [RolloutDevice.state == TARGETED], {"state": SENT})


def settled(outcomes: Sequence[tuple[str, int, str]]) -> None:
    """Note what phones reported: (device id, generation, outcome). One statement for each generation and outcome."""
    groups: dict[tuple[int, str], list[str]] = {}
    for device_id, generation, outcome in outcomes:
        groups.setdefault((generation, outcome), []).append(device_id)
    for (generation, outcome), device_ids in sorted(groups.items()):
        these = [RolloutDevice.generation == generation, RolloutDevice.state != outcome]
        _move(device_ids, these, {"state": outcome, "settled_at": clock.now()})


def _move(device_ids: Collection[str], which: Sequence[ColumnElement[bool]], values: Mapping[str, Any]) -> None:
    """Change the rows of phones, locked in key order: the relay and ingest move the same phones at the same time."""
    named = RolloutDevice.device_id.in_(texts(session(), device_ids))
    locked = select(RolloutDevice.device_id).where(named, *which).order_by(RolloutDevice.device_id).with_for_update()
    query = update(RolloutDevice).where(RolloutDevice.device_id.in_(locked), *which).values(**values)
    session().execute(query, execution_options={"synchronize_session": False})


def finish_complete() -> int:
    """Finish running rollouts all of whose phones have applied; returns how many."""
    open_ones = select(RolloutDevice.rollout_id).where(RolloutDevice.state != APPLIED)
    complete = list(session().scalars(select(Rollout.id).where(Rollout.state == RUNNING, Rollout.id.not_in(open_ones))))
    if complete:
        end = {"state": FINISHED, "finished_at": clock.now()}
        quiet = {"synchronize_session": False}
        session().execute(update(Rollout).where(Rollout.id.in_(complete)).values(**end), execution_options=quiet)
        rings = update(RolloutRing).where(RolloutRing.rollout_id.in_(complete)).values(**end)
        session().execute(rings, execution_options=quiet)
    return len(complete)


def get(actor: Actor, rollout_id: str) -> RolloutView:
    """One rollout with the figures of its rings. Raises NotFound."""
    actor.require(Permission.DOCUMENT_READ)
    rollout = session().get(Rollout, rollout_id)
    if rollout is None:
        raise NotFound("no_such_rollout", Text("没有这次发布。", "There is no such rollout."))
    rings = session().scalars(
        select(RolloutRing).where(RolloutRing.rollout_id == rollout_id).order_by(RolloutRing.position)
    )
    counts = _counts(rollout_id)
    return RolloutView(
        id=rollout.id,
        kind=rollout.kind,
        state=rollout.state,
        emergency=rollout.emergency,
        reason=rollout.reason,
        created_at=rollout.created_at,
        created_by=rollout.created_by,
        documents=_items(rollout_id),
        rings=[
            RingView(position=ring.position, name=ring.name, state=ring.state, devices=counts.get(ring.position, {}))
            for ring in rings
        ],
    )


def _add_ring(rollout_id: str, now: datetime) -> None:
    session().add(
        RolloutRing(
            rollout_id=rollout_id,
            position=0,
            name=EVERYONE,
            selector={EVERYONE: True},
            gates={},
            state=RUNNING,
            started_at=now,
        )
    )
    session().flush()


def _counts(rollout_id: str) -> dict[int, dict[str, int]]:
    query = select(RolloutDevice.ring, RolloutDevice.state, func.count()).where(RolloutDevice.rollout_id == rollout_id)
    counts: dict[int, dict[str, int]] = {}
    for ring, state, count in session().execute(query.group_by(RolloutDevice.ring, RolloutDevice.state)):
        counts.setdefault(ring, {})[state] = count
    return counts


def _items(rollout_id: str) -> list[dict[str, Any]]:
    query = (
        select(PolicyDocument.kind, PolicyDocument.name, RolloutItem.version, DocumentVersion.title)
        .join(RolloutItem, RolloutItem.document_id == PolicyDocument.id)
        .join(
            DocumentVersion,
            (DocumentVersion.document_id == RolloutItem.document_id) & (DocumentVersion.version == RolloutItem.version),
        )
        .where(RolloutItem.rollout_id == rollout_id)
        .order_by(PolicyDocument.kind, PolicyDocument.name)
    )
    rows = session().execute(query)
    return [{"kind": row.kind, "name": row.name, "version": row.version, "title": row.title} for row in rows]
