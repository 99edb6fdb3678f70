"""`up/presence` (§4): a hint, also the Will."""

from __future__ import annotations

from mqtt.contract.model import Message, Uuid


class Presence(Message):
    """Whether a device is there; offline counts for its own `connection` only."""

    online: bool
    connection: Uuid
