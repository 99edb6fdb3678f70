"""`up/event` (§10): the fast copy of an event; the durable one is its record."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from mqtt.contract.limits import EXCERPT_MAX
from mqtt.contract.model import DeviceSigned, Message, Name, Uuid, WireTime
from mqtt.contract.names import EventType, Severity
from mqtt.contract.records import AddressPeer, PointPeer


class EventBody(Message):
    """What happened on the phone; this JSON is also the `text` of the event's record."""

    id: Uuid
    at: WireTime
    type: Annotated[EventType, Field(strict=False)]
    severity: Annotated[Severity, Field(strict=False)]
    rule: Name | None = None
    peer: PointPeer | AddressPeer | None = None
    excerpt: Annotated[str, Field(max_length=EXCERPT_MAX)] | None = None
    blocked: bool = False
    detail: dict[str, Any] = Field(default_factory=dict)


class Event(DeviceSigned, EventBody):
    """Payload of the JWS `shouji-event+jws`."""
