"""`reboot`: the phone starts anew."""

from __future__ import annotations

from datetime import timedelta

from core.text import Text
from fleet.commands.registry import Kind, register
from mqtt.contract.names import CommandType

KIND = register(
    Kind(
        CommandType.REBOOT,
        Text("重启", "Reboot"),
        lifetime=timedelta(hours=1),
    )
)
