"""Rollouts as they are shown: how far each ring came, and which phones are behind each figure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select

from core.actor import Actor
from core.db import session
from core.errors import Invalid
from core.paging import DEFAULT_LIMIT, Page, keyset
from core.permissions import Permission
from core.text import Text
from fleet import queries as fleet
from fleet.queries import DeviceRef, Seen
from identity import queries as org
from identity import scope
from policies import reported, rollout_figures, rollouts
from policies.models import DocumentVersion, PolicyDocument, Rollout, RolloutDevice, RolloutItem, RolloutRing
from policies.rollout_figures import CLASSES, GONE, PENDING_ANSWER, SILENT
from policies.rollouts import FAILED, REJECTED, TARGETED, UNANSWERED, WITHDRAWN
from policies.views import RingView, RolloutDeviceView, RolloutSummary, RolloutView

UNANSWERED_CLASSES = (SILENT, PENDING_ANSWER, GONE)


def find(
    actor: Actor, state: str | None = None, cursor: str | None = None, limit: int = DEFAULT_LIMIT
) -> Page[RolloutSummary]:
    """Rollouts, newest first; of one state if given."""
    actor.require(Permission.DOCUMENT_READ)
    query = select(Rollout).where(*_in_state(state))
    page = keyset(session(), query, [Rollout.created_at, Rollout.id], cursor, limit, descending=True)
    items = _items([row.id for row in page.items])
    return page.map(lambda row: RolloutSummary(**_summary(row, items.get(row.id, []))))


def count(actor: Actor, state: str | None = None) -> int:
    """How many `find` lists in all."""
    actor.require(Permission.DOCUMENT_READ)
    return session().scalar(select(func.count()).select_from(Rollout).where(*_in_state(state))) or 0


def get(actor: Actor, rollout_id: str) -> RolloutView:
    """One rollout with the figures of its rings. Raises NotFound."""
    actor.require(Permission.DOCUMENT_READ)
    rollout = _one(rollout_id)
    rings = rollouts.rings_of(rollout_id)
    figures, times = rollout_figures.figures(rollout_id, rings), rollout_figures.answer_times(rollout_id)
    return RolloutView(
        **_summary(rollout, _items([rollout_id]).get(rollout_id, [])),
        approval=rollout.approval_id if rollout.state == rollouts.PENDING else None,
        rings=[_ring(ring, figures[ring.position], times.get(ring.position, {})) for ring in rings],
    )


def devices(
    actor: Actor,
    rollout_id: str,
    *,
    ring: int | None = None,
    state: str | None = None,
    cursor: str | None = None,
    limit: int = DEFAULT_LIMIT,
) -> Page[RolloutDeviceView]:
    """Phones of a rollout in the actor's part of the tree: of a ring, of a class. Raises NotFound, Invalid."""
    rings, query = _phones(actor, rollout_id, ring, state)
    page = keyset(session(), query, [RolloutDevice.device_id], cursor, limit)
    return Page(_shown(page.items, rings), page.next_cursor)


def count_devices(actor: Actor, rollout_id: str, *, ring: int | None = None, state: str | None = None) -> int:
    """How many `devices` lists in all. Raises NotFound, Invalid."""
    _, query = _phones(actor, rollout_id, ring, state)
    return session().scalar(select(func.count()).select_from(query.subquery())) or 0


def _phones(
    actor: Actor, rollout_id: str, ring: int | None, state: str | None
) -> tuple[list[RolloutRing], Select[Any]]:
    actor.require(Permission.DOCUMENT_READ)
    _one(rollout_id)
    if state is not None and state not in CLASSES:
        text = Text(f"状态只能是：{'、'.join(CLASSES)}。", f"A state is one of {', '.join(CLASSES)}.")
        raise Invalid("unknown_state", text, path="state")
    rings, living = rollouts.rings_of(rollout_id), fleet.living_ids().subquery()
    known = rollout_figures.conditions(rings, living)
    query = _seen_by(actor, select(RolloutDevice)).outerjoin(living, living.c.id == RolloutDevice.device_id)
    query = query.where(RolloutDevice.rollout_id == rollout_id, known[state or TARGETED])
    return rings, query if ring is None else query.where(RolloutDevice.ring == ring)


def _in_state(state: str | None) -> list[ColumnElement[bool]]:
    return [Rollout.state == state] if state else []


def _one(rollout_id: str) -> Rollout:
    row = session().get(Rollout, rollout_id)
    if row is None:
        raise rollouts.no_such_rollout()
    return row


def _seen_by(actor: Actor, query: Select[Any]) -> Select[Any]:
    if scope.sees_everything(actor):
        return query
    phones = fleet.devices().subquery()
    query = query.join(phones, phones.c.id == RolloutDevice.device_id)
    return query.where(phones.c.org_unit_id.in_(scope.visible_units(actor)))


def _summary(row: Rollout, documents: list[dict[str, Any]]) -> dict[str, Any]:
    names = RolloutSummary.model_fields.keys() - {"documents"}
    return {**{name: getattr(row, name) for name in names}, "documents": documents}


def _ring(ring: RolloutRing, figures: dict[str, int], times: dict[str, float]) -> RingView:
    return RingView(
        position=ring.position,
        name=ring.name,
        state=ring.state,
        selector=ring.selector,
        gates=ring.gates,
        started_at=ring.started_at,
        finished_at=ring.finished_at,
        waited=ring.elapsed_ms // 1000,
        devices=figures,
        seconds=times,
    )


def _items(rollout_ids: Collection[str]) -> dict[str, list[dict[str, Any]]]:
    query = (
        select(RolloutItem.rollout_id, PolicyDocument.kind, PolicyDocument.name, RolloutItem, DocumentVersion.title)
        .join(RolloutItem, RolloutItem.document_id == PolicyDocument.id)
        .join(
            DocumentVersion,
            (DocumentVersion.document_id == RolloutItem.document_id) & (DocumentVersion.version == RolloutItem.version),
        )
        .where(RolloutItem.rollout_id.in_(rollout_ids))
        .order_by(PolicyDocument.kind, PolicyDocument.name)
    )
    found: dict[str, list[dict[str, Any]]] = {}
    for rollout_id, kind, name, item, title in session().execute(query):
        shown = {"kind": kind, "name": name, "version": item.version, "previous": item.previous, "title": title}
        found.setdefault(rollout_id, []).append(shown)
    return found


def _shown(rows: Sequence[RolloutDevice], rings: Sequence[RolloutRing]) -> list[RolloutDeviceView]:
    ids = [row.device_id for row in rows]
    refs, seen, said = fleet.refs(ids), fleet.seen(ids), reported.of_devices(ids)
    units = org.unit_refs({ref.org_unit_id for ref in refs.values()})
    classes = _classes(rows, rings)
    return [
        RolloutDeviceView(
            device_id=row.device_id,
            serial=refs[row.device_id].serial if row.device_id in refs else "",
            model=refs[row.device_id].model if row.device_id in refs else "",
            org_unit=_unit(refs.get(row.device_id), units),
            ring=row.ring,
            state=classes[row.device_id],
            targeted_at=row.targeted_at,
            settled_at=row.settled_at,
            **_reason(row, classes[row.device_id], seen.get(row.device_id), said.get(row.device_id)),
        )
        for row in rows
    ]


def _unit(ref: DeviceRef | None, units: Mapping[str, org.UnitRef]) -> str:
    return units[ref.org_unit_id].name_path if ref and ref.org_unit_id in units else ""


def _classes(rows: Sequence[RolloutDevice], rings: Sequence[RolloutRing]) -> dict[str, str]:
    """The class of each phone; of those that have not answered by the same conditions that count them."""
    classes = {row.device_id: row.state for row in rows}
    open_ids = [row.device_id for row in rows if row.state in UNANSWERED]
    if not open_ids:
        return classes
    living = fleet.living_ids().subquery()
    known = rollout_figures.conditions(rings, living)
    query = select(RolloutDevice.device_id, *(known[name].label(name) for name in UNANSWERED_CLASSES))
    query = query.outerjoin(living, living.c.id == RolloutDevice.device_id)
    query = query.where(RolloutDevice.rollout_id == rows[0].rollout_id, RolloutDevice.device_id.in_(open_ids))
    for row in session().execute(query).mappings():
        classes[row["device_id"]] = next(name for name in UNANSWERED_CLASSES if row[name])
    return classes


def _reason(row: RolloutDevice, counted: str, seen: Seen | None, said: Mapping[str, Any] | None) -> dict[str, Any]:
    """Why a phone has not applied it."""
    last = seen.last_seen_at if seen else None
    why, since = _why(row, counted, seen)
    detail = said["detail"] if said and counted in (REJECTED, FAILED) else None
    return {"why": why, "detail": detail, "since": since, "last_seen_at": last}


def _why(row: RolloutDevice, counted: str, seen: Seen | None) -> tuple[str | None, datetime | None]:
    if counted in (REJECTED, FAILED):
        return counted, row.settled_at
    if counted == WITHDRAWN:
        return "replaced", None
    if counted == GONE:
        return "left_fleet", None
    if counted not in (SILENT, PENDING_ANSWER):
        return None, None
    if seen is None or seen.last_seen_at is None:
        return "never_seen", None
    if not seen.online:
        return "offline", seen.since or seen.last_seen_at
    return ("not_sent" if row.state == TARGETED else "no_answer"), row.targeted_at
