"""`ring`: the phone rings, so that somebody near finds it."""

from __future__ import annotations

from datetime import timedelta

from core.text import Text
from fleet.commands.registry import Kind, register
from mqtt.contract.names import CommandType

KIND = register(
    Kind(
        CommandType.RING,
        Text("响铃", "Ring"),
        lifetime=timedelta(minutes=10),
    )
)
