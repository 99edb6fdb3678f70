"""`collect_logs`: the phone uploads its logs; the output is the media id."""

from __future__ import annotations

from datetime import timedelta

from core.text import Text
from fleet.commands.registry import Kind, register
from mqtt.contract.names import CommandType

KIND = register(
    Kind(
        CommandType.COLLECT_LOGS,
        Text("收集日志", "Collect logs"),
        lifetime=timedelta(days=1),
    )
)
