"""`unlock`: the work side opens again."""

from __future__ import annotations

from datetime import timedelta

from core.text import Text
from fleet.commands.registry import Kind, register
from mqtt.contract.names import CommandType

KIND = register(
    Kind(
        CommandType.UNLOCK,
        Text("解锁", "Unlock"),
        lifetime=timedelta(days=30),
    )
)
