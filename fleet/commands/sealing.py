"""What of a command is private lies sealed, bound to its command: args (texts for people) and result (a position)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from core.runtime import runtime


def seal_args(command_id: str, args: Mapping[str, Any]) -> bytes:
    """Args as they are stored."""
    return _seal(args, f"command:{command_id}:args")


def open_args(command_id: str, sealed: bytes) -> dict[str, Any]:
    """Args as they go on the wire."""
    return _open(sealed, f"command:{command_id}:args")


def seal_result(command_id: str, result: Mapping[str, Any]) -> bytes:
    """A result as it is stored."""
    return _seal(result, f"command:{command_id}:result")


def open_result(command_id: str, sealed: bytes) -> dict[str, Any]:
    """A result as it is shown."""
    return _open(sealed, f"command:{command_id}:result")


def _seal(value: Mapping[str, Any], place: str) -> bytes:
    return runtime().envelope.seal(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(), place)


def _open(sealed: bytes, place: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(runtime().envelope.open(sealed, place))
    return value
