"""Device messages of this room."""

from __future__ import annotations

from collections.abc import Sequence

from fleet.commands import results
from mqtt.contract.names import Up
from mqtt.routes import DeviceRoutes, Inbound, Refusal

routes = DeviceRoutes()


@routes.on(Up.RESULT)
def take_results(batch: Sequence[Inbound]) -> list[Refusal]:
    """`up/result`."""
    return results.record(batch)
