"""Real parts for the broker's tests: an installation in a temporary folder, its CA, phones, and a running role."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from config.settings import Settings
from core import clock
from core.crypto.clients import make_client
from core.crypto.keyring import KeyRing
from core.crypto.x509 import CertificateAuthority
from core.ids import new_id
from mqtt.broker.files import BrokerFiles
from mqtt.broker.opening import open_admin
from mqtt.broker.probe_client import ProbeClient
from mqtt.broker.process import BrokerProcess, running
from mqtt.broker.role import run_broker_role
from mqtt.broker.types import BrokerAdmin

WAIT_SECONDS = 15.0


def free_port() -> int:
    """A TCP port that is free on loopback at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(done: Callable[[], bool], seconds: float = WAIT_SECONDS) -> bool:
    """Whether the condition came true within that time."""
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


@dataclass
class Phone:
    """A phone's identity: its id, the serial of its certificate, and the file with certificate and key."""

    device_id: str
    serial: str
    identity: Path


@dataclass
class Installation:
    """One installation: settings, CA, who is revoked, and hands on its broker."""

    settings: Settings
    ca: CertificateAuthority
    revoked: list[tuple[str, datetime]] = field(default_factory=list)
    source_broken: bool = False
    forget_extra: bool = False
    takeovers: list[tuple[str, int]] = field(default_factory=list)

    @classmethod
    def make(cls, folder: Path, **settings: object) -> Installation:
        """A fresh one in the folder, on a free port."""
        values = {"data_dir": folder / "data", "mqtt_port": free_port(), **settings}
        made = Settings(**values)  # type: ignore[arg-type]
        ring = KeyRing.open(made.data_dir.absolute() / "keys")
        return cls(made, CertificateAuthority(ring, "http://127.0.0.1:1/pki/crl.der"))

    @property
    def files(self) -> BrokerFiles:
        """The broker's files."""
        return BrokerFiles.in_data_dir(self.settings.data_dir)

    @property
    def admin(self) -> BrokerAdmin:
        """The worker's hand on the broker."""
        return open_admin(self.settings, self.ca, self.source)

    def source(self, extra: Sequence[tuple[str, datetime]]) -> bytes:
        """What the database would give."""
        if self.source_broken:
            raise RuntimeError("the database is away")
        return self.ca.crl(self.revoked if self.forget_extra else [*self.revoked, *extra])

    def phone(self) -> Phone:
        """An enrolled phone."""
        device_id = new_id()
        made = make_client(self.ca, device_id, 90)
        path = self.settings.data_dir / f"{device_id}.pem"
        path.write_bytes(made.pem)
        return Phone(device_id, made.serial, path)

    def revoke(self, phone: Phone) -> None:
        """Put the phone on the list and carry it out."""
        self.revoked.append((phone.serial, clock.now()))
        self.admin.revoke([phone.device_id])

    def client(self, phone: Phone) -> ProbeClient:
        """The phone's connection, not yet connected."""
        return ProbeClient.phone("127.0.0.1", self.settings.mqtt_port, self.files.ca, phone.identity)

    def process(self) -> BrokerProcess | None:
        """The running Mosquitto."""
        return running(self.files)

    @contextmanager
    def role(self) -> Iterator[Installation]:
        """Run the broker role in a thread until the block ends; its error, if any, is raised here."""
        stop, ready = threading.Event(), threading.Event()
        errors: list[BaseException] = []

        def run() -> None:
            try:
                run_broker_role(self.settings, self.ca, self.source, stop, self._taken_over, ready)
            except BaseException as error:
                errors.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        try:
            assert until(lambda: bool(errors) or ready.is_set())
            if errors:
                raise errors[0]
            yield self
        finally:
            stop.set()
            thread.join(30)
        assert not thread.is_alive(), "the role did not stop"
        if errors:
            raise errors[0]

    def _taken_over(self, device_id: str, count: int) -> None:
        self.takeovers.append((device_id, count))

    def ready(self) -> bool:
        """Whether the broker runs and a canary got an answer."""
        try:
            return self.process() is not None and self.admin.probe().safe
        except Exception:
            return False
