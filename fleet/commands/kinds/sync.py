"""`sync`: the phone sends hello, heartbeat and its queue."""

from __future__ import annotations

from datetime import timedelta

from core.text import Text
from fleet.commands.registry import Kind, register
from mqtt.contract.names import CommandType

KIND = register(
    Kind(
        CommandType.SYNC,
        Text("同步", "Sync"),
        lifetime=timedelta(hours=1),
    )
)
