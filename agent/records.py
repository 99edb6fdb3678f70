"""The members that every record has (§9); `seq` and `salt` come when it is chained."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from mqtt.contract.times import to_wire


def blank_record(
    channel: str, kind: str, direction: str, conversation: str, peer: dict[str, Any], at: datetime
) -> dict[str, Any]:
    """A record with nothing said yet."""
    return {
        "id": None,
        "at": to_wire(at),
        "source": "live",
        "channel": channel,
        "kind": kind,
        "direction": direction,
        "conversation": conversation,
        "group": False,
        "account": None,
        "sender": None,
        "peer": peer,
        "refers": None,
        "text": "",
        "outcome": None,
        "duration_s": 0,
        "recorded": None,
        "amount_fen": None,
        "ticket": None,
        "media": None,
        "case": None,
        "hits": [],
        "blocked": False,
    }
