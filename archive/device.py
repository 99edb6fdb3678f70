"""Messages of phones: records and events."""

from __future__ import annotations

from collections.abc import Sequence

from archive import events, gaps, intake
from mqtt.contract.names import Up
from mqtt.routes import DeviceRoutes, Inbound, Refusal

routes = DeviceRoutes()
on_hello = gaps.heard


@routes.on(Up.RECORDS)
def records(batch: Sequence[Inbound]) -> list[Refusal]:
    """Batches of records."""
    return intake.take(batch)


@routes.on(Up.EVENT)
def event(batch: Sequence[Inbound]) -> list[Refusal]:
    """Fast copies of events."""
    return events.take(batch)
