"""Packets by hand, against paho's own reading and writing of them."""

from __future__ import annotations

import pytest
from paho.mqtt import _packet
from paho.mqtt.enums import MQTTProtocolVersion

from mqtt import packets
from mqtt.packets import Answer, Malformed, Outgoing, Received

V5 = MQTTProtocolVersion.MQTTv5


@pytest.mark.parametrize("size", [0, 1, 100, 127, 128, 16_383, 16_384, 199_999])
@pytest.mark.parametrize("expiry", [None, 0, 600])
def test_what_we_publish_is_what_paho_reads(size: int, expiry: int | None) -> None:
    raw = packets.publishes([(77, Outgoing("shouji/v1/d/阿/down/command", b"x" * size, True, expiry))])
    found = packets.cut(raw, 0)
    assert found is not None
    first, start, end = found
    assert end == len(raw)
    read = _packet.decode_publish(first, bytearray(raw[start:end]), V5)
    assert (read.topic.decode(), read.payload, read.retain, read.qos, read.mid) == (
        "shouji/v1/d/阿/down/command",
        b"x" * size,
        True,
        1,
        77,
    )
    assert getattr(read.properties, "MessageExpiryInterval", None) == (None if expiry is None else max(1, expiry))


@pytest.mark.parametrize("size", [0, 5, 200, 70_000])
def test_what_was_published_is_read_back(size: int) -> None:
    raw = packets.publishes([(n, Outgoing("a/b", b"y" * size, expiry_s=60)) for n in (1, 65_535)])
    at, seen = 0, []
    while found := packets.cut(raw, at):
        first, start, at = found
        seen.append(packets.received(first, raw, start, at))
    assert seen == [Received("a/b", b"y" * size, False, 1), Received("a/b", b"y" * size, False, 65_535)]


def test_a_message_of_qos_0_has_no_id_and_long_properties_are_passed_by() -> None:
    user_property = b"\x26" + b"\x00\x01k" + b"\x00\xc8" + b"v" * 200
    body = b"\x00\x01t" + bytes((0x80 | len(user_property) % 128, len(user_property) // 128)) + user_property + b"body"
    raw = b"\x31" + bytes((0x80 | len(body) % 128, len(body) // 128)) + body
    found = packets.cut(raw, 0)
    assert found is not None
    assert packets.received(found[0], raw, found[1], found[2]) == Received("t", b"body", True, 0)


def test_a_packet_that_is_not_whole_waits() -> None:
    raw = packets.publishes([(1, Outgoing("a/b", b"y" * 300))])
    assert all(packets.cut(raw[:length], 0) is None for length in range(len(raw)))


@pytest.mark.parametrize(
    "raw",
    [b"\x30\xff\xff\xff\xff\x01", b"\x32\x05\x00\x01\xff\x00\x01\x00", b"\x32\x05\x00\x01a\x00\x01\x09"],
    ids=["length", "topic", "properties"],
)
def test_bytes_that_are_no_mqtt_are_refused(raw: bytes) -> None:
    with pytest.raises((Malformed, IndexError)):
        found = packets.cut(raw, 0)
        assert found is not None
        packets.received(found[0], raw, found[1], found[2])


def test_acknowledgements_are_written_and_read() -> None:
    raw = packets.pubacks([1, 500, 65_535])
    assert raw == b"\x40\x02\x00\x01" + b"\x40\x02\x01\xf4" + b"\x40\x02\xff\xff"
    assert packets.answer(raw, 2, 4) == Answer(1, 0)
    refused = b"\x40\x03\x00\x07\x10"
    assert packets.answer(refused, 2, 5) == Answer(7, 0x10)
