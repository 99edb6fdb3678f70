"""Records over HTTP: a phone that left the fleet may deliver what it still holds for thirty days (PROTOCOL 3)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from archive import chains, intake
from archive.batches import CHAIN, CONTRADICTION, HEAD, SIGNATURE
from archive.models import Chain
from core import clock
from core.actor import Actor
from core.db import session
from core.errors import Conflict, Forbidden, Invalid
from core.text import Text
from fleet.device_auth import require_state
from fleet.events import Closed, devices_closed
from fleet.states import CLOSED, LIVING
from mqtt import dead_letters
from mqtt.contract.limits import LATE_RECORDS_DAYS
from mqtt.contract.names import Up
from mqtt.routes import Inbound

SPAN = timedelta(days=LATE_RECORDS_DAYS)
_ANSWERED = frozenset({CHAIN, CONTRADICTION, HEAD, SIGNATURE})


@devices_closed.connect
def closed(_sender: Any, devices: Sequence[Closed]) -> None:
    """Note when phones left the fleet: the thirty days run from there."""
    chains.note_closed([device.device_id for device in devices])


def deliver(actor: Actor, payload: bytes) -> bool:
    """Store one batch (its JWE) of the phone that asks; True when its receipt has to name a refusal.

    Raises Forbidden for anyone else, Conflict when the thirty days are over, Invalid for what is no batch.
    """
    if actor.kind != "device":
        raise Forbidden("device_only", Text("只有设备可以上报记录。", "Only a phone delivers records."))
    require_state(actor, (*LIVING, *CLOSED))
    _require_in_time(actor)
    refusals = intake.take_over_http(Inbound(actor.id, Up.RECORDS, payload, clock.now()))
    unreadable = [refusal for refusal in refusals if refusal.reason not in _ANSWERED]
    if unreadable:
        raise Invalid(
            "not_a_batch",
            Text("请求体不是有效的记录批次（JWE）。", "The body is not a batch of records (a compact JWE)."),
            reason=unreadable[0].reason,
        )
    dead_letters.keep(refusals)
    return bool(refusals)


def _require_in_time(actor: Actor) -> None:
    closed_at = session().scalar(select(Chain.closed_at).where(Chain.device_id == actor.id))
    if closed_at is not None and clock.now() > closed_at + SPAN:
        raise Conflict(
            "too_late",
            Text(
                "设备停用已超过 30 天，不再接收记录。",
                "The phone left more than 30 days ago. Records are not taken any more.",
            ),
        )
