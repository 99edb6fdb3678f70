"""`POST enroll`, `POST device/certificate` and the device JWT (§3)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from mqtt.contract.jwks import Jwk, JwkSet
from mqtt.contract.model import Label, LongText, Message, Name, Seconds, Uuid, WireTime, absent
from mqtt.contract.notice import NoticeAcceptance


class DeviceFacts(Message):
    """What the phone says of itself; all of it a claim."""

    serial: Label
    imei: Annotated[list[Label], Field(max_length=4)] = Field(default_factory=list)
    manufacturer: Name = ""
    model: Name = ""
    os: Label
    os_version: Name = ""
    agent: Name = ""
    agent_version: Name = ""
    enrollment_specific_id: Name | None = absent()


class EnrollmentRequest(Message):
    """Body of `POST enroll`."""

    token: Label
    csr: LongText
    encryption_key: Jwk
    device: DeviceFacts
    employee_no: Label | None = None
    notice: NoticeAcceptance | None = None
    attestation: Annotated[list[LongText], Field(max_length=16)] | None = absent()


class Broker(Message):
    """Where the broker listens for devices."""

    host: Label
    port: Annotated[int, Field(ge=1, le=65_535)]


class EnrollmentAnswer(Message):
    """`201` of `POST enroll`."""

    device_id: Uuid
    certificate: LongText
    ca: Annotated[list[LongText], Field(min_length=1)]
    certificate_expires_at: WireTime
    broker: Broker
    api: Label
    jwks: JwkSet
    holder: Literal["confirmed", "unconfirmed"]


class CertificateRequest(Message):
    """Body of `POST device/certificate`."""

    csr: LongText


class CertificateAnswer(Message):
    """Answer of `POST device/certificate`."""

    certificate: LongText
    ca: Annotated[list[LongText], Field(min_length=1)]
    certificate_expires_at: WireTime


class DeviceClaims(Message):
    """Claims of a device JWT; `exp` at most 300 s after `iat`, `jti` used once."""

    iss: Uuid
    sub: Uuid
    aud: Literal["shouji-device"]
    iat: Seconds
    exp: Seconds
    jti: Label
