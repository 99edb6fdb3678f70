"""What the rest of the server knows of a broker, whoever runs it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol

CrlSource = Callable[[Sequence[tuple[str, datetime]]], bytes]
"""Gives the PEM list of every revoked certificate plus the given (hex serial, time) pairs.

Called under a lock that all processes share, so it must read committed state when it is called, not before.
"""

UNIX_PORT = 1
"""paho wants a port above 0 even where there is none."""
NO_SUBSCRIBERS = 0x10
"""Reason code of a PUBACK: the broker took the message and nobody's session got it."""

ServiceUser = Literal["ingest", "relay", "admin"]
SERVICE_USERS: tuple[ServiceUser, ...] = ("ingest", "relay", "admin")


@dataclass(frozen=True, slots=True)
class ServiceEndpoint:
    """Where and as whom one of the server's own clients connects. For `unix`, `host` is the socket's path."""

    transport: Literal["tcp", "unix"]
    host: str
    port: int
    username: str
    password: str
    tls: bool = False
    ca_file: Path | None = None

    def __repr__(self) -> str:
        return f"ServiceEndpoint({self.username}@{self.host}:{self.port})"


@dataclass(frozen=True, slots=True)
class Check:
    """One canary: its name, whether it found what it must, and what it saw."""

    name: str
    passed: bool
    seen: str


@dataclass(frozen=True, slots=True)
class ProbeReport:
    """All canaries of one probe, how long they took, and the broker's own count of dropped messages (if told)."""

    checks: tuple[Check, ...]
    duration_ms: float
    dropped_messages: int | None = None

    @property
    def safe(self) -> bool:
        """Whether every canary passed."""
        return all(check.passed for check in self.checks)

    @property
    def failures(self) -> list[str]:
        """What failed, as `name (seen)`."""
        return [f"{check.name} ({check.seen})" for check in self.checks if not check.passed]


class BrokerAdmin(Protocol):
    """The server's hand on a broker: the same for ours, an outside Mosquitto and later kinds."""

    def apply(self) -> ProbeReport:
        """Write everything that the broker obeys, reload and probe. Raises BrokerUnsafe (stopped), BrokerAway."""

    def revoke(self, device_ids: Sequence[str]) -> ProbeReport:
        """Put the newest revocation list in force, cut the devices' sessions, probe.

        The revocation must be committed before. Raises BrokerUnsafe (stopped), BrokerAway (list written all the same).
        """

    def kick(self, device_ids: Sequence[str]) -> None:
        """Cut the devices' sessions; a device that is still allowed comes back. Raises BrokerAway."""

    def probe(self) -> ProbeReport:
        """Try the doors with canaries; changes nothing. Raises BrokerAway."""
