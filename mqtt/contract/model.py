"""Base classes and field types of every message."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    WithJsonSchema,
)

from mqtt.contract import codec
from mqtt.contract.codec import BadPayload, Reason
from mqtt.contract.limits import INTEGER_MAX, NAME_MAX, PAYLOAD_MAX, TEXT_MAX
from mqtt.contract.times import from_wire, to_wire


class Message(BaseModel):
    """A JSON object of the protocol: right types without coercion, unknown members ignored."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True, validate_by_name=True)

    @classmethod
    def read(cls, raw: bytes, *, limit: int = PAYLOAD_MAX) -> Self:
        """Read and check bytes. Raises BadPayload, whose detail names the member and never its content."""
        return cls.take(codec.decode_object(raw, limit=limit))

    @classmethod
    def take(cls, value: Any) -> Self:
        """Check a decoded JSON value. Raises BadPayload."""
        try:
            return cls.model_validate(value)
        except ValidationError as error:
            raise BadPayload(Reason.FORM, _places(error)) from None

    def wire(self) -> dict[str, Any]:
        """The members as they go on the wire."""
        return self.model_dump(mode="json", by_alias=True)

    def encode(self) -> bytes:
        """The JSON bytes as they go on the wire."""
        return codec.encode(self.wire())


class Strict(Message):
    """An object in which an unknown member is an error (command args)."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


def _places(error: ValidationError) -> str:
    shown = [
        f"{'.'.join(str(part) for part in item['loc'])[:80]} ({item['type']})"
        for item in error.errors(include_url=False, include_context=False, include_input=False)[:5]
    ]
    return ", ".join(shown)


def _no_nul(text: str) -> str:
    if "\x00" in text:
        raise ValueError("contains U+0000")
    return text


def _is_none(value: object) -> bool:
    return value is None


def absent() -> Any:
    """Default of a member that is left out, rather than sent as null, when it has no value."""
    return Field(default=None, exclude_if=_is_none)


def _generation(value: object) -> object:
    return 0 if value is None else value


Name = Annotated[str, Field(max_length=NAME_MAX), AfterValidator(_no_nul)]
"""A short string."""
Label = Annotated[str, Field(min_length=1, max_length=NAME_MAX), AfterValidator(_no_nul)]
"""A short string that is not empty."""
LongText = Annotated[str, Field(max_length=TEXT_MAX), AfterValidator(_no_nul)]
Uuid = Annotated[str, Field(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]
"""A lower-case UUID."""
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
"""SHA-256 in lower-case hex."""
B64u = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]*$", max_length=TEXT_MAX)]
"""base64url without padding."""
Count = Annotated[int, Field(ge=0, le=INTEGER_MAX)]
Seconds = Annotated[int, Field(ge=0, le=INTEGER_MAX)]
"""Integer seconds since 1970 (`iat`, `exp`) or a length of time."""
Generation = Annotated[int, Field(ge=0, le=INTEGER_MAX), BeforeValidator(_generation)]
"""A generation or version; 0 (and null) mean that there is none yet."""
WireTime = Annotated[
    datetime,
    BeforeValidator(lambda value: from_wire(value) if isinstance(value, str) else value),
    PlainSerializer(to_wire, return_type=str, when_used="json"),
    WithJsonSchema(
        {
            "type": "string",
            "format": "date-time",
            "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$",
            "examples": ["2026-11-23T06:50:00.123Z"],
        }
    ),
]
"""An aware datetime, RFC 3339 on the wire."""


class ServerSigned(Message):
    """Claims of every JWS that the server signs for one device (§3, §7-§11)."""

    sub: Uuid
    iat: Seconds


class DeviceSigned(Message):
    """Claims that every JWS of a device has beside its members (§4)."""

    sub: Uuid
    jti: Label
    iat: Seconds
