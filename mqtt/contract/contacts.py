"""`down/contacts` and dial tickets (§11)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from mqtt.contract.model import (
    Count,
    Digest,
    Generation,
    Label,
    LongText,
    Message,
    Name,
    Seconds,
    ServerSigned,
    WireTime,
    absent,
)


class Lease(Message):
    """Talks that a phone without network may spend."""

    talks: Count
    until: WireTime


class Point(Message):
    """One number or account; `address` is there only with `delivery: book`."""

    id: Label
    channel: Literal["phone", "wechat", "qq"]
    masked: Name
    address: Name | None = absent()


class Contact(Message):
    """One person whom the holder may see."""

    id: Label
    name: Name
    relation: Literal["customer", "guarantor", "emergency", "third_party"]
    cases: list[Name] = Field(default_factory=list)
    may_call: bool
    alias: Name
    points: list[Point] = Field(default_factory=list)
    lease: Lease | None = None


class Contacts(ServerSigned):
    """Payload of the JWS `shouji-contacts+jws`."""

    version: Generation
    exp: Seconds
    contacts: list[Contact]


class ContactsPointer(ServerSigned):
    """Payload of the JWS `shouji-contacts-pointer+jws`, for a book that does not fit a topic."""

    version: Generation
    digest: Digest
    size: Count


class TicketRequest(Message):
    """Body of `POST device/dial-tickets`."""

    point: Label
    channel: Literal["phone", "wechat", "qq"]


class Because(Message):
    """One rule that spoke, and its words."""

    rule: Label
    text: dict[Label, LongText]


class Ticket(Message):
    """Answer of `POST device/dial-tickets`; `address` is a JWE to the device."""

    ticket: Label
    verdict: Annotated[str, Field(pattern=r"^(allow|warn|approval|delay|block)$")]
    because: list[Because] = Field(default_factory=list)
    address: LongText | None = None
    expires_at: WireTime
