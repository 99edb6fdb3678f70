"""MQTT 5 packets by hand: light phones and the fast publisher speak them, so that no client library is the limit."""

from __future__ import annotations

import struct
from collections.abc import Iterator

CONNACK, PUBLISH, PUBACK, SUBACK, PINGRESP = 0x20, 0x30, 0x40, 0x90, 0xD0
PING = b"\xc0\x00"
DISCONNECT = b"\xe0\x00"
_PACKET = 0xF0
_LONGEST_LENGTH = 4
KEEP_ALIVE_SECONDS = 300


def length(number: int) -> bytes:
    """A variable byte integer."""
    out = bytearray()
    while True:
        number, digit = divmod(number, 128)
        out.append(digit | 0x80 if number else digit)
        if not number:
            return bytes(out)


def _text(text: str) -> bytes:
    raw = text.encode()
    return struct.pack("!H", len(raw)) + raw


def _packet(first: int, body: bytes) -> bytes:
    return bytes((first,)) + length(len(body)) + body


def connect(client_id: str, *, clean: bool, expiry_s: int, account: tuple[str, str] | None = None) -> bytes:
    """CONNECT; `account` is user name and password."""
    properties = b"\x11" + struct.pack("!I", expiry_s)
    flags = (0x02 if clean else 0x00) | (0xC0 if account else 0x00)
    head = _text("MQTT") + bytes((5, flags)) + struct.pack("!H", KEEP_ALIVE_SECONDS)
    names = b"".join(_text(name) for name in (client_id, *(account or ())))
    return _packet(0x10, head + length(len(properties)) + properties + names)


def subscribe(topic_filter: str, mid: int = 1) -> bytes:
    """SUBSCRIBE with QoS 1."""
    return _packet(0x82, struct.pack("!H", mid) + b"\x00" + _text(topic_filter) + b"\x01")


def publish(topic: str, payload: bytes, mid: int) -> bytes:
    """PUBLISH with QoS 1."""
    return _packet(0x32, _text(topic) + struct.pack("!H", mid) + b"\x00" + payload)


def puback(mid: bytes) -> bytes:
    """PUBACK with success; `mid` as it came, two bytes."""
    return b"\x40\x02" + mid


def delivery(body: bytes) -> tuple[bytes, bytes, bytes]:
    """Topic, message id (two bytes) and payload of a received PUBLISH with QoS 1."""
    start = 2 + int.from_bytes(body[:2], "big")
    properties, used = _read_length(body, start + 2)
    return body[2:start], body[start : start + 2], body[start + 2 + used + properties :]


def _read_length(buffer: bytes | bytearray, at: int) -> tuple[int, int]:
    """A variable byte integer and how many bytes it takes; (0, 0) when it is not there whole."""
    number = 0
    for used in range(_LONGEST_LENGTH):
        if at + used >= len(buffer):
            return 0, 0
        digit = buffer[at + used]
        number |= (digit & 0x7F) << (7 * used)
        if not digit & 0x80:
            return number, used + 1
    raise ValueError("not a variable byte integer")


class Packets:
    """Cuts a stream of bytes into packets."""

    __slots__ = ("_buffer",)

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Take bytes; yields (kind, body) of every packet that is whole."""
        buffer = self._buffer + data if self._buffer else data
        at = 0
        while at < len(buffer):
            size, used = _read_length(buffer, at + 1)
            end = at + 1 + used + size
            if not used or end > len(buffer):
                break
            yield buffer[at] & _PACKET, buffer[at + 1 + used : end]
            at = end
        self._buffer = buffer[at:]
