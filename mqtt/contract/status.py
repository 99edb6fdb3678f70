"""`GET device/status` (§3): what a device whose TLS is refused should do."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from mqtt.contract.model import LongText, Seconds, ServerSigned, absent
from mqtt.contract.names import DeviceState, StatusAction


class Status(ServerSigned):
    """Payload of the JWS `shouji-status+jws`; `command` is a wipe's JWS."""

    state: Annotated[DeviceState, Field(strict=False)]
    action: Annotated[StatusAction, Field(strict=False)]
    retry_after: Seconds | None = absent()
    command: LongText | None = absent()
