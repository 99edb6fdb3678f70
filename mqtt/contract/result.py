"""`up/result` (§8): what became of a command."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from mqtt.contract.model import DeviceSigned, LongText, Message, Uuid, WireTime
from mqtt.contract.names import ResultStatus


class ResultBody(Message):
    """One step of a command."""

    command: Uuid
    status: Annotated[ResultStatus, Field(strict=False)]
    detail: LongText | None = None
    output: dict[str, Any] | None = None
    at: WireTime


class Result(DeviceSigned, ResultBody):
    """Payload of the JWS `shouji-result+jws`."""
