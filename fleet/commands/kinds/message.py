"""`message`: a note that the holder reads on the phone."""

from __future__ import annotations

from datetime import timedelta

from core.text import Text
from fleet.commands.registry import Kind, register
from mqtt.contract.names import CommandType

KIND = register(
    Kind(
        CommandType.MESSAGE,
        Text("发送消息", "Message"),
        lifetime=timedelta(days=7),
    )
)
