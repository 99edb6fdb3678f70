"""The three MQTT 5 packets of which there are very many: PUBLISH in both directions, PUBACK in both directions."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import NamedTuple

PUBLISH, PUBACK = 0x30, 0x40
RETAIN, QOS, QOS_1 = 0x01, 0x06, 0x02
_KIND = 0xF0
_MESSAGE_EXPIRY = 0x02
_LENGTH_BYTES = 4
_PUBACK_BYTES = 2


class Malformed(ValueError):
    """Bytes that are no MQTT."""


class Received(NamedTuple):
    """A message that came; `mid` is 0 for one of QoS 0, which nobody acknowledges."""

    topic: str
    payload: bytes
    retained: bool
    mid: int


class Answer(NamedTuple):
    """The broker's word on a message that we published."""

    mid: int
    reason: int


class Outgoing(NamedTuple):
    """A message to publish with QoS 1; `expiry_s` is its Message Expiry."""

    topic: str
    payload: bytes
    retain: bool = False
    expiry_s: int | None = None


def cut(data: bytes, at: int) -> tuple[int, int, int] | None:
    """The packet that begins at a place: (first byte, start of its body, its end); None while it is not whole.

    Raises Malformed.
    """
    length, start, have = 0, at + 1, len(data)
    for place in range(_LENGTH_BYTES):
        if start >= have:
            return None
        digit = data[start]
        start += 1
        length |= (digit & 0x7F) << (7 * place)
        if not digit & 0x80:
            end = start + length
            return (data[at], start, end) if end <= have else None
    raise Malformed("a length of more than four bytes")


def received(first: int, data: bytes, start: int, end: int) -> Received:
    """Read the body of a PUBLISH. Raises Malformed."""
    topic_end = start + 2 + (data[start] << 8 | data[start + 1])
    at, mid = topic_end, 0
    if first & QOS:
        mid = data[at] << 8 | data[at + 1]
        at += 2
    properties = data[at]
    at += 1
    if properties & 0x80:
        at, properties = _long(data, at, properties)
    at += properties
    if at > end:
        raise Malformed("a PUBLISH that is longer than its packet")
    try:
        return Received(data[start + 2 : topic_end].decode(), data[at:end], bool(first & RETAIN), mid)
    except UnicodeDecodeError as error:
        raise Malformed("a topic that is not UTF-8") from error


def answer(data: bytes, start: int, end: int) -> Answer:
    """Read the body of a PUBACK; without a reason it is a success."""
    return Answer(data[start] << 8 | data[start + 1], data[start + 2] if end - start > _PUBACK_BYTES else 0)


def kind(first: int) -> int:
    """The kind of a packet by its first byte."""
    return first & _KIND


def pubacks(mids: Sequence[int]) -> bytes:
    """Acknowledge messages of QoS 1 with success."""
    fields = [field for mid in mids for field in (PUBACK, _PUBACK_BYTES, mid)]
    return struct.pack("!" + "BBH" * len(mids), *fields)


def publishes(messages: Iterable[tuple[int, Outgoing]]) -> bytes:
    """PUBLISH packets with QoS 1, each with its message id."""
    return b"".join([_publish(mid, message) for mid, message in messages])


def _publish(mid: int, message: Outgoing) -> bytes:
    topic = message.topic.encode()
    properties = b"\x00"
    if message.expiry_s is not None:
        properties = struct.pack("!BBI", 5, _MESSAGE_EXPIRY, max(1, message.expiry_s))
    size = len(topic) + 4 + len(properties) + len(message.payload)
    head = struct.pack("!H", len(topic))
    first = PUBLISH | QOS_1 | (RETAIN if message.retain else 0)
    return b"".join((bytes((first,)), _length(size), head, topic, struct.pack("!H", mid), properties, message.payload))


def _length(number: int) -> bytes:
    out = bytearray()
    while True:
        number, digit = divmod(number, 128)
        out.append(digit | 0x80 if number else digit)
        if not number:
            return bytes(out)


def _long(data: bytes, at: int, low: int) -> tuple[int, int]:
    """The rest of a variable byte integer whose first byte is known: (where it ends, its value)."""
    number, place = low & 0x7F, 7
    while True:
        digit = data[at]
        at += 1
        number |= (digit & 0x7F) << place
        if not digit & 0x80:
            return at, number
        place += 7
        if place > 7 * (_LENGTH_BYTES - 1):
            raise Malformed("a length of more than four bytes")
