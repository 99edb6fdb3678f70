"""What this room tells higher rooms. Each signal carries a whole batch and is sent inside the sender's unit of work;
a receiver writes rows and outbox rows, nothing else. The sender argument is always None.

- `message_archived(messages: list[ArchivedMessage])`: records that were just appended, in chain order of each phone.
- `events_seen(events: list[SeenEvent])`: events seen for the first time, whether by their fast or durable copy.
- `integrity_settled(device_ids: list[str])`: phones of which somebody acknowledged an alert.
- `integrity_alerted(alerts: list[Alerted])`: refused batches, gaps and stored chains that do not verify.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from blinker import Namespace

from mqtt.contract.event import EventBody
from mqtt.contract.records import Record

_signals = Namespace()

message_archived = _signals.signal("message-archived")
events_seen = _signals.signal("events-seen")
integrity_settled = _signals.signal("integrity-settled")
integrity_alerted = _signals.signal("integrity-alerted")


@dataclass(frozen=True, slots=True)
class ArchivedMessage:
    """A record that was appended; `record` is None when it is opaque, `late` when the phone was closed already."""

    device_id: str
    branch: int
    seq: int
    received_at: datetime
    late: bool
    contested: bool
    record: Record | None


@dataclass(frozen=True, slots=True)
class SeenEvent:
    """An event of a phone; `told` when it came by the fast way."""

    device_id: str
    event: EventBody
    seen_at: datetime
    told: bool


@dataclass(frozen=True, slots=True)
class Alerted:
    """An integrity alert; `detail` holds figures and codes only."""

    id: str
    device_id: str
    code: str
    ref: str | None
    at: datetime
    detail: Mapping[str, Any]
