"""`lock`: the work side is locked. To many phones at once it stops a business, so then it counts as destructive."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from core.text import Text
from fleet.commands.registry import Kind, register
from mqtt.contract.names import CommandType


def _fill(args: dict[str, Any], _reason: str) -> dict[str, Any]:
    return {"message": "", **args}


KIND = register(
    Kind(
        CommandType.LOCK,
        Text("锁定", "Lock"),
        lifetime=timedelta(days=30),
        bulk_destructive=True,
        fill=_fill,
    )
)
