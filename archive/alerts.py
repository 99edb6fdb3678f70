"""Integrity alerts: once for each thing that puts a phone's records in doubt, told to those who settle them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table, select

from archive.models import IntegrityAlert
from archive.scope import visible_devices
from archive.signals import Alerted, integrity_alerted, integrity_settled
from archive.views import AlertView
from core import audit, clock, live
from core.actor import Actor
from core.db import insert_rows, session
from core.errors import NotFound
from core.ids import new_id
from core.paging import Page, keyset
from core.permissions import Permission
from core.text import Text
from fleet import queries as fleet
from fleet import timeline
from identity import queries as people
from notify import notices
from notify.topics import Severity, register

LIVE_TOPIC = "alerts"
KIND = register("integrity", Severity.CRITICAL, Text("设备通信记录完整性存疑", "A phone's records are in doubt"))
GAP, REFUSED, BROKEN = "records_gap", "batch_refused", "chain_broken"
_ALERTS: Table = IntegrityAlert.__table__
_TEXTS = {
    GAP: Text(
        "设备通信记录出现缺口：有记录手机与服务器均未保存。",
        "A phone's records have a gap: neither phone nor server holds them.",
    ),
    REFUSED: Text(
        "设备上报的通信记录未通过完整性校验，请核查。",
        "Records that a phone sent do not fit its chain. Look into it.",
    ),
    BROKEN: Text(
        "服务器存储的通信记录未通过完整性校验，请立即核查。",
        "Stored records do not verify any more. Look into it at once.",
    ),
}


@dataclass(frozen=True, slots=True)
class Cause:
    """What to alert of; `detail` holds figures and codes only."""

    device_id: str
    code: str
    ref: str | None
    detail: Mapping[str, Any]


def raise_all(causes: Sequence[Cause]) -> None:
    """Store alerts and tell of them: timeline, pages, higher rooms; people once while a phone has unseen ones."""
    if not causes:
        return
    now = clock.now()
    unseen = _with_unseen({cause.device_id for cause in causes})
    alerted = [Alerted(new_id(), cause.device_id, cause.code, cause.ref, now, dict(cause.detail)) for cause in causes]
    insert_rows(session(), _ALERTS, [_row(one) for one in alerted])
    timeline.add(
        [timeline.Line(one.device_id, KIND, one.code, ref=one.ref or one.id, detail=one.detail) for one in alerted]
    )
    live.announce(LIVE_TOPIC, [one.id for one in alerted])
    _notify([one for one in alerted if one.device_id not in unseen])
    integrity_alerted.send(None, alerts=alerted)


def _with_unseen(device_ids: set[str]) -> set[str]:
    query = select(IntegrityAlert.device_id).where(
        IntegrityAlert.device_id.in_(device_ids), IntegrityAlert.acknowledged_at.is_(None)
    )
    return set(session().scalars(query.distinct()))


def _row(one: Alerted) -> dict[str, Any]:
    return {
        "id": one.id,
        "device_id": one.device_id,
        "code": one.code,
        "ref": one.ref,
        "at": one.at,
        "detail": one.detail,
        "acknowledged_at": None,
        "acknowledged_by": None,
    }


def _notify(alerted: Sequence[Alerted]) -> None:
    first: dict[str, Alerted] = {}
    for one in alerted:
        first.setdefault(one.device_id, one)
    if not first:
        return
    units = {ref.id: ref.org_unit_id for ref in fleet.refs(list(first)).values()}
    officers = {unit: people.holders_of([Permission.ARCHIVE_CONTEST], unit) for unit in set(units.values())}
    for one in first.values():
        unit_id = units.get(one.device_id)
        notices.send(officers.get(unit_id or "", ()), KIND, _TEXTS[one.code], ("device", one.device_id), unit_id)


def find(actor: Actor, *, unseen: bool, cursor: str | None, limit: int) -> Page[AlertView]:
    """Alerts about phones in the actor's scope, newest first."""
    actor.require(Permission.ARCHIVE_READ)
    query = select(IntegrityAlert).where(IntegrityAlert.device_id.in_(visible_devices(actor)))
    if unseen:
        query = query.where(IntegrityAlert.acknowledged_at.is_(None))
    columns = [IntegrityAlert.at, IntegrityAlert.id]
    return keyset(session(), query, columns, cursor, limit, descending=True).map(_view)


def acknowledge(actor: Actor, alert_id: str) -> AlertView:
    """Somebody has seen to it. Raises NotFound."""
    actor.require(Permission.ARCHIVE_CONTEST)
    alert = session().get(IntegrityAlert, alert_id, with_for_update=True)
    if alert is None or not fleet.in_scope_of(actor, [alert.device_id]):
        raise NotFound("no_such_alert", Text("没有这条告警。", "There is no such alert."))
    if alert.acknowledged_at is None:
        alert.acknowledged_at, alert.acknowledged_by = clock.now(), actor.id
        detail = {"device": alert.device_id, "code": alert.code}
        audit.record(actor, "integrity.acknowledge", ("alert", alert.id), detail)
        live.announce(LIVE_TOPIC, [alert.id])
        session().flush()
        integrity_settled.send(None, device_ids=[alert.device_id])
    return _view(alert)


def _view(alert: IntegrityAlert) -> AlertView:
    return AlertView.model_validate(alert, from_attributes=True)
