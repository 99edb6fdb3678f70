"""Messages of phones that this room takes."""

from __future__ import annotations

from collections.abc import Sequence

from mqtt.contract.names import Up
from mqtt.routes import DeviceRoutes, Inbound, Refusal
from policies import reported

routes = DeviceRoutes()


@routes.on(Up.REPORTED, reads_first=True)
def take_reported(batch: Sequence[Inbound]) -> list[Refusal]:
    """What phones made of their desired state."""
    return reported.record(batch)
