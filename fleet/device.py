"""What phones say over MQTT to this room, and what the broker tells of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core import outbox
from fleet import findings, heartbeats, hello, locks, presence
from fleet.hello import CLONED
from fleet.presence import KICK_EFFECT
from mqtt.contract.names import Up
from mqtt.events import flooded, taken_over
from mqtt.routes import DeviceRoutes, Inbound, Refusal

FLOOD = "flood"
routes = DeviceRoutes()
routes.first(locks.hold_senders)


@routes.on(Up.HELLO)
def on_hello(batch: Sequence[Inbound]) -> list[Refusal]:
    """A phone connected."""
    return hello.record(batch)


@routes.on(Up.PRESENCE)
def on_presence(batch: Sequence[Inbound]) -> list[Refusal]:
    """A phone came or went."""
    return presence.record(batch)


@routes.on(Up.HEARTBEAT)
def on_heartbeat(batch: Sequence[Inbound]) -> list[Refusal]:
    """A phone is alive."""
    return heartbeats.record(batch)


@flooded.connect
def on_flood(_sender: Any, devices: Sequence[str]) -> None:
    """Phones sent more than the protocol allows: their sessions are cut again and again while that lasts."""
    outbox.enqueue(KICK_EFFECT, devices)
    findings.observe_known([findings.Observation(device_id, FLOOD, True) for device_id in devices])


@taken_over.connect
def on_takeover(_sender: Any, devices: Sequence[str]) -> None:
    """Sessions were taken over again and again: two phones share one identity."""
    findings.observe_known([findings.Observation(device_id, CLONED, True, {"by": "takeover"}) for device_id in devices])
