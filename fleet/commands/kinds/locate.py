"""`locate`: one position. Where somebody is, is content: sealed, and every reading is audited."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from core.text import Text
from fleet.commands.registry import Kind, register
from mqtt.contract.names import CommandType


def _fill(args: dict[str, Any], reason: str) -> dict[str, Any]:
    return {"reason": reason, **args}


KIND = register(
    Kind(
        CommandType.LOCATE,
        Text("定位", "Locate"),
        lifetime=timedelta(hours=1),
        content=True,
        fill=_fill,
    )
)
