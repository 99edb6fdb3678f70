"""`rotate_certificate`: the phone renews its certificate at once."""

from __future__ import annotations

from datetime import timedelta

from core.text import Text
from fleet.commands.registry import Kind, register
from mqtt.contract.names import CommandType

KIND = register(
    Kind(
        CommandType.ROTATE_CERTIFICATE,
        Text("更换证书", "Rotate certificate"),
        lifetime=timedelta(days=7),
    )
)
