"""paho's client with whole bursts instead of single packets: the same protocol code over a buffered socket."""

from __future__ import annotations

import contextlib
import ssl
import struct
from collections.abc import Sequence

import paho.mqtt.client as paho
from paho.mqtt.enums import MQTTErrorCode

from mqtt.client_socket import BufferedSocket

READ_TURN = 500
"""Packets handled before anything is written."""
PUBACK = 0x40
PUBACK_BYTES = 2
_LATER = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class BurstClient(paho.Client):
    """Reads and writes what there is in one system call each, and is woken once for many packets.

    Relies on how paho 2 asks a TLS or websocket connection: through an object with `recv`, `send` and `pending`.
    """

    _buffer: BufferedSocket | None = None
    _woken = False

    def _create_socket(self) -> BufferedSocket:
        self._woken = False
        self._buffer = BufferedSocket(super()._create_socket())  # type: ignore[arg-type]
        return self._buffer

    def loop_read(self, max_packets: int = READ_TURN) -> MQTTErrorCode:
        """Handle what was read from the kernel, up to a bound: answers have to go out too."""
        for _ in range(max(max_packets, READ_TURN)):
            result = super().loop_read()
            if result or self._sock is None or self._buffer is None or not self._buffer.pending():
                return result
        return MQTTErrorCode.MQTT_ERR_SUCCESS

    def loop_write(self) -> MQTTErrorCode:
        """Write all waiting packets together."""
        self._woken = False
        result = super().loop_write()
        return result or self._flush()

    def want_write(self) -> bool:
        """Whether anything waits to be written."""
        return super().want_write() or (self._buffer is not None and self._buffer.unsent)

    def ack_all(self, mids: Sequence[int]) -> None:
        """Acknowledge received messages of QoS 1 in one write."""
        if mids:
            fields = [field for mid in mids for field in (PUBACK, PUBACK_BYTES, mid)]
            self._packet_queue(PUBACK, struct.pack("!" + "BBH" * len(mids), *fields), 0, 1)

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
