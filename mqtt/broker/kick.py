"""Cutting live sessions: a revocation list alone never does that.

The server takes the device's session over from its own listener, with a clean start, and leaves again. A device that is
in the middle of its handshake at that moment slips past, so it is done twice.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from core.clock import monotonic
from mqtt.broker.errors import BrokerAway
from mqtt.broker.probe_client import ProbeClient, Refused
from mqtt.broker.types import ServiceEndpoint

PAUSE_SECONDS = 0.05


def kick(admin: ServiceEndpoint, device_ids: Iterable[str]) -> None:
    """Cut the session of each device, and again after 50 ms. Raises BrokerAway."""
    devices = list(dict.fromkeys(device_ids))
    if not devices:
        return
    first = monotonic()
    for device_id in devices:
        _take_over(admin, device_id)
    time.sleep(max(0.0, first + PAUSE_SECONDS - monotonic()))
    for device_id in devices:
        _take_over(admin, device_id)


def _take_over(admin: ServiceEndpoint, device_id: str) -> None:
    try:
        with ProbeClient.service(admin, device_id) as client:
            client.connect()
    except Refused as error:
        raise BrokerAway(f"the server's own client was refused: {error}") from error
