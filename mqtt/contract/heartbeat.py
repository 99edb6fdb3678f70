"""`up/heartbeat` (§6): state of the phone, unsigned and therefore a hint."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from mqtt.contract.model import Count, Digest, Generation, Label, Message, Name, WireTime, absent


class Queue(Message):
    """Records that are not archived yet."""

    records: Count
    oldest: WireTime | None = None


class Posture(Message):
    """What the phone says of its own safety; a value that is missing is unknown, never fine."""

    encrypted: bool | None = None
    passcode: bool | None = None
    rooted: bool | None = None
    developer_mode: bool | None = None
    agent_admin: bool | None = None
    permissions: Annotated[dict[Label, bool], Field(max_length=64)] = Field(default_factory=dict)
    sim: Annotated[list[Digest], Field(max_length=8)] = Field(default_factory=list)
    security_patch: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$")] | None = None


class Location(Message):
    """One position in WGS 84 degrees; `accuracy_m` in metres."""

    lat: Annotated[float, Field(ge=-90, le=90)]
    lon: Annotated[float, Field(ge=-180, le=180)]
    accuracy_m: Annotated[float, Field(ge=0)]
    at: WireTime


class Heartbeat(Message):
    """One heartbeat, at most 8 KiB."""

    at: WireTime
    battery: Annotated[float, Field(ge=0, le=1)] | None
    charging: bool | None
    network: Literal["wifi", "cellular", "none"]
    storage_free: Count
    uptime_s: Count
    queue: Queue
    generation: Generation = 0
    bundle: Digest | None = None
    posture: Posture
    location: Location | None = absent()
    agent_version: Name | None = absent()
