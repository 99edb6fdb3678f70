"""`up/hello` (§5): what a device says once after each connect."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from mqtt.contract.limits import INTEGER_MAX
from mqtt.contract.model import Count, DeviceSigned, Digest, Generation, Label, Message, Name, Uuid, WireTime
from mqtt.contract.reported import ReportedBody


class HelloBody(Message):
    """State of a device at one connect; `generation` and `bundle` are what is in force."""

    connection: Uuid
    boot_id: Label
    agent_version: Name
    capabilities: Annotated[list[Label], Field(max_length=200)]
    generation: Generation = 0
    highest_generation: Generation = 0
    bundle: Digest | None = None
    reported: ReportedBody | None = None
    contacts_version: Generation = 0
    next_seq: Annotated[int, Field(ge=1, le=INTEGER_MAX)] = 1
    oldest_seq: Annotated[int, Field(ge=1, le=INTEGER_MAX)] = 1
    archived_through: Count = 0
    clock: WireTime
    notice_version: Name | None = None


class Hello(DeviceSigned, HelloBody):
    """Payload of the JWS `shouji-hello+jws`."""
