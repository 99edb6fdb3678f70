"""paho's client, with the packets of which there are very many handled in bursts; all others are left to paho.

A burst is read, handed over, acknowledged and written with one system call each. Relies on how paho 2 asks a TLS or
websocket connection: through an object with `recv`, `send` and `pending`.
"""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Callable, Sequence
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import MQTTErrorCode

from core import clock
from mqtt import packets
from mqtt.client_socket import BufferedSocket
from mqtt.packets import Answer, Outgoing, Received

LAST_MID = 65_535
_LATER = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)

OnMessages = Callable[[list[Received]], None]
OnAnswers = Callable[[list[Answer]], None]


class BurstClient(paho.Client):
    """Hands over messages and answers in the order in which they came; neither callback may raise."""

    def __init__(self, *arguments: Any, on_messages: OnMessages, on_answers: OnAnswers, **more: Any) -> None:
        self._buffer: BufferedSocket | None = None
        self._woken = False
        self._open: set[int] = set()
        self._next_mid = 0
        self._on_messages, self._on_answers = on_messages, on_answers
        super().__init__(*arguments, **more)

    def ack_all(self, mids: Sequence[int]) -> None:
        """Acknowledge received messages of QoS 1."""
        if mids:
            self._packet_queue(packets.PUBACK, packets.pubacks(mids), 0, 1)

    def publish_all(self, messages: Sequence[Outgoing]) -> list[int]:
        """Publish with QoS 1; the message ids, or none of them while there is no connection.

        What was not answered when a connection ends is not sent again: whoever published knows, and decides.
        """
        if not self.is_connected():
            return []
        mids = [self._take_mid() for _ in messages]
        self._packet_queue(packets.PUBLISH, packets.publishes(zip(mids, messages, strict=True)), 0, 1)
        return mids

    def _take_mid(self) -> int:
        # Passes by what is still on its way; paho's own numbers do not meet these, for who publishes reads nothing.
        while True:
            self._next_mid = self._next_mid % LAST_MID + 1
            if self._next_mid not in self._open:
                self._open.add(self._next_mid)
                return self._next_mid

    def _create_socket(self) -> BufferedSocket:
        self._woken = False
        self._open.clear()
        self._buffer = BufferedSocket(super()._create_socket())  # type: ignore[arg-type]
        return self._buffer

    def loop_read(self, max_packets: int = 1) -> MQTTErrorCode:
        """Take one burst from the kernel and handle every packet in it that is whole."""
        buffer = self._buffer
        if self._sock is None or buffer is None:
            return MQTTErrorCode.MQTT_ERR_NO_CONN
        try:
            open_still = buffer.fill()
        except _LATER:
            return MQTTErrorCode.MQTT_ERR_SUCCESS
        except OSError:
            open_still = False
        if not open_still:
            return self._loop_rc_handle(MQTTErrorCode.MQTT_ERR_CONN_LOST)
        with self._msgtime_mutex:
            self._last_bytes_received = clock.monotonic()
        try:
            return self._handle_burst(buffer, max_packets)
        except (packets.Malformed, IndexError):
            return self._loop_rc_handle(MQTTErrorCode.MQTT_ERR_PROTOCOL)

    def _handle_burst(self, buffer: BufferedSocket, max_packets: int) -> MQTTErrorCode:
        messages: list[Received] = []
        answers: list[Answer] = []
        result = MQTTErrorCode.MQTT_ERR_SUCCESS
        while not result and self._sock is not None and (found := packets.cut(buffer.data, buffer.at)):
            first, start, end = found
            kind = packets.kind(first)
            if kind == packets.PUBLISH:
                messages.append(packets.received(first, buffer.data, start, end))
                buffer.at = end
            elif kind == packets.PUBACK:
                answers.append(packets.answer(buffer.data, start, end))
                buffer.at = end
            else:
                result = super().loop_read(max_packets)
        if messages:
            self._on_messages(messages)
        if answers:
            self._open.difference_update([answer.mid for answer in answers])
            self._on_answers(answers)
        return result

    def loop_write(self) -> MQTTErrorCode:
        """Write all waiting packets together."""
        self._woken = False
        result = super().loop_write()
        return result or self._flush()

    def want_write(self) -> bool:
        """Whether anything waits to be written."""
        return super().want_write() or (self._buffer is not None and self._buffer.unsent)

    def _packet_queue(
        self, command: int, packet: bytes | bytearray, mid: int, qos: int, info: paho.MQTTMessageInfo | None = None
    ) -> MQTTErrorCode:
        """Queue a packet; the network thread is woken by the first one and finds the others."""
        if self._thread is None:
            return super()._packet_queue(command, packet, mid, qos, info)
        queued = {"command": command, "mid": mid, "qos": qos, "pos": 0, "to_process": len(packet)}
        self._out_packet.append({**queued, "packet": packet, "info": info})  # type: ignore[typeddict-item]
        self._wake()
        return MQTTErrorCode.MQTT_ERR_SUCCESS

    def _wake(self) -> None:
        # Looked at after the packet is queued: the network thread takes the mark down before it looks for packets.
        if not self._woken and self._sockpairW is not None:
            self._woken = True
            with contextlib.suppress(BlockingIOError):
                self._sockpairW.send(b"0")

    def _flush(self) -> MQTTErrorCode:
        if self._buffer is None or self._sock is None:
            return MQTTErrorCode.MQTT_ERR_SUCCESS
        try:
            self._buffer.flush()
        except _LATER:
            return MQTTErrorCode.MQTT_ERR_SUCCESS
        except OSError:
            return self._loop_rc_handle(MQTTErrorCode.MQTT_ERR_CONN_LOST)
        return MQTTErrorCode.MQTT_ERR_SUCCESS
