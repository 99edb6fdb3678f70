"""`reset_passcode`: the holder must choose a new passcode; no secret travels."""

from __future__ import annotations

from datetime import timedelta

from core.text import Text
from fleet.commands.registry import Kind, register
from mqtt.contract.names import CommandType

KIND = register(
    Kind(
        CommandType.RESET_PASSCODE,
        Text("重置锁屏密码", "Reset passcode"),
        lifetime=timedelta(days=7),
        destructive=True,
    )
)
