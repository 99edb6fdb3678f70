"""`up/records` (§9): the batch that carries the chain, and the record inside it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from mqtt.contract.limits import BATCH_RECORDS_MAX
from mqtt.contract.model import B64u, Count, Digest, Label, LongText, Message, Name, WireTime

Channel = Literal["call", "sms", "wechat", "qq", "wecom", "device"]
RecordKind = Literal[
    "text",
    "voice",
    "image",
    "video",
    "file",
    "card",
    "call",
    "red_packet",
    "transfer",
    "recall",
    "event",
    "system",
]
CallOutcome = Literal["connected", "no_answer", "busy", "rejected", "invalid", "failed"]
ChainSignature = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{86}$")]
"""64 bytes, R || S, in base64url."""


class Batch(Message):
    """1 to 200 records in chain order; the texts travel as strings so that their bytes stay exact."""

    first: Annotated[int, Field(ge=1, le=2**53 - 1)]
    prev: Digest
    records: Annotated[list[str], Field(min_length=1, max_length=BATCH_RECORDS_MAX)]
    head: Digest
    sig: ChainSignature


class PointPeer(Message):
    """A peer known by its contact point."""

    point: Label


class AddressPeer(Message):
    """A peer known by number or account; `address` is null where the channel shows none."""

    address: Name | None
    name: Name = ""


class Sender(Message):
    """Who spoke, in a group."""

    address: Name | None = None
    name: Name = ""


class MediaRef(Message):
    """A file that went ahead over tus."""

    sha256: Digest
    size: Count
    type: Label


class Record(Message):
    """One communication or event."""

    seq: Annotated[int, Field(ge=1, le=2**53 - 1)]
    salt: B64u
    id: Name | None = None
    at: WireTime
    source: Literal["live", "backfill"] = "live"
    channel: Channel
    kind: RecordKind
    direction: Literal["in", "out"]
    conversation: Label
    group: bool = False
    account: Name | None = None
    sender: Sender | None = None
    peer: PointPeer | AddressPeer
    refers: Name | None = None
    text: LongText = ""
    outcome: CallOutcome | None = None
    duration_s: Count = 0
    recorded: bool | None = None
    amount_fen: Count | None = None
    ticket: Name | None = None
    media: MediaRef | None = None
    case: Name | None = None
    hits: list[Name] = Field(default_factory=list)
    blocked: bool = False


def read_record(text: str) -> Record:
    """Read one record's text. Raises BadPayload; such a record is archived as opaque."""
    return Record.read(text.encode("utf-8"), limit=len(text) * 4)
