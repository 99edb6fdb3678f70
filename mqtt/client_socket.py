"""A socket for paho that asks the kernel for much at once: paho reads a packet byte by byte and writes each alone.

Each system call lets another thread take the interpreter, so on a busy server the calls cost more than the work.
"""

from __future__ import annotations

import contextlib
import socket

READ_BYTES = 256 * 1024
WRITE_BYTES = 256 * 1024


class BufferedSocket:
    """What paho needs of a socket. `pending` tells it what `select` cannot see, as a TLS socket does."""

    def __init__(self, inner: socket.socket) -> None:
        self._inner = inner
        self.data = b""
        self.at = 0
        self._unsent = bytearray()

    def fill(self) -> bool:
        """Read more; False at the end. Raises BlockingIOError, or TLS's own, when there is nothing."""
        more = self._inner.recv(READ_BYTES)
        self.data, self.at = self.data[self.at :] + more, 0
        return bool(more)

    def recv(self, size: int) -> bytes:
        """At most `size` bytes; empty at the end. Raises BlockingIOError, or TLS's own, when there is nothing."""
        if self.at == len(self.data):
            self.fill()
        start, self.at = self.at, min(self.at + size, len(self.data))
        return self.data[start : self.at]

    def send(self, data: bytes | bytearray) -> int:
        """Take bytes for the next flush; all of them, as long as not too many wait."""
        if len(self._unsent) >= WRITE_BYTES:
            self.flush()
        self._unsent += data
        return len(data)

    def flush(self) -> None:
        """Hand over what waits. Raises BlockingIOError, or TLS's own, when the kernel does not take all of it."""
        while self._unsent:
            sent = self._inner.send(self._unsent)
            del self._unsent[:sent]

    @property
    def unsent(self) -> bool:
        """Whether bytes wait for a flush."""
        return bool(self._unsent)

    def pending(self) -> int:
        """Bytes that wait in the TLS layer, of which `select` knows nothing. Ours are at most a part of a packet."""
        return int(self._inner.pending()) if hasattr(self._inner, "pending") else 0

    def fileno(self) -> int:
        """The descriptor."""
        return self._inner.fileno()

    def setblocking(self, flag: bool) -> None:
        """See socket."""
        self._inner.setblocking(flag)

    def close(self) -> None:
        """Hand over what the kernel takes at once (a DISCONNECT), then close."""
        try:
            with contextlib.suppress(OSError):
                self.flush()
        finally:
            self._inner.close()
