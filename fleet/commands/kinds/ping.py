"""`ping`: the phone answers."""

from __future__ import annotations

from datetime import timedelta

from core.text import Text
from fleet.commands.registry import Kind, register
from mqtt.contract.names import CommandType

KIND = register(
    Kind(
        CommandType.PING,
        Text("探测", "Ping"),
        lifetime=timedelta(hours=1),
    )
)
