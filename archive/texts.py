"""Reading one record's text: what cannot be read is archived all the same, as opaque with a reason."""

from __future__ import annotations

import zlib

from mqtt.contract import codec
from mqtt.contract.codec import BadPayload, Reason
from mqtt.contract.event import EventBody
from mqtt.contract.limits import RECORD_MAX
from mqtt.contract.records import Record

WRONG_SEQ = "seq"
PLAIN, COMPRESSED = b"\x00", b"\x01"
COMPRESS_ABOVE, COMPRESS_LEVEL = 1024, 1


def read(seq: int, raw: bytes) -> tuple[Record | None, str | None]:
    """The record in the bytes, or None and why it is opaque."""
    if len(raw) > RECORD_MAX:
        return None, Reason.TOO_LARGE.value
    try:
        record = Record.read(raw, limit=RECORD_MAX)
    except BadPayload as error:
        return None, error.reason
    return (record, None) if record.seq == seq else (None, WRONG_SEQ)


def pack(raw: bytes) -> bytes:
    """A text as it is sealed: long ones compressed, or a phone could fill the disk with a thousandth of the traffic."""
    if len(raw) > COMPRESS_ABOVE:
        packed = zlib.compress(raw, COMPRESS_LEVEL)
        if len(packed) < len(raw):
            return COMPRESSED + packed
    return PLAIN + raw


def unpack(stored: bytes) -> bytes:
    """Undo :func:`pack`. Raises ValueError for what it never made."""
    form, body = stored[:1], stored[1:]
    if form == PLAIN:
        return body
    if form != COMPRESSED:
        raise ValueError("unknown form of a stored text")
    return zlib.decompress(body)


def event_of(record: Record) -> EventBody | None:
    """The event whose durable copy the record is, if it is one."""
    if record.channel != "device" or record.kind != "event":
        return None
    try:
        return EventBody.read(record.text.encode())
    except BadPayload:
        return None


def shown(raw: bytes) -> str:
    """A text as people see it: what is no Unicode scalar value, and NUL, as U+FFFD."""
    return codec.clean_text(raw.decode("utf-8", "replace"))
