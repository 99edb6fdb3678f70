"""A fast publisher on a raw socket: fills the broker's queues so that reading is the only thing that is measured."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from pathlib import Path

from bench import wire
from bench.broker import PASSWORD, USER

WINDOW = 500
TIMEOUT_SECONDS = 60.0


class Publisher:
    """One connection that publishes with QoS 1, a window at a time."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(TIMEOUT_SECONDS)
        self._socket.connect(str(path))
        self._packets = wire.Packets()
        self._socket.sendall(wire.connect("bench-publisher", clean=True, expiry_s=0, account=(USER, PASSWORD)))
        self._await(wire.CONNACK, 1)

    def publish(self, messages: Sequence[tuple[str, bytes]]) -> None:
        """Publish all, and return when the broker has acknowledged every one."""
        for start in range(0, len(messages), WINDOW):
            window = messages[start : start + WINDOW]
            packets = (wire.publish(topic, payload, mid) for mid, (topic, payload) in enumerate(window, 1))
            self._socket.sendall(b"".join(packets))
            self._await(wire.PUBACK, len(window))

    def close(self) -> None:
        """Leave."""
        self._socket.sendall(wire.DISCONNECT)
        self._socket.close()

    def _await(self, kind: int, count: int) -> None:
        while count > 0:
            data = self._socket.recv(65_536)
            if not data:
                raise ConnectionError("the broker closed the connection")
            count -= sum(1 for got, _ in self._packets.feed(data) if got == kind)
