"""Where the broker's files lie, and the locks under which they change."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path

from core.files import socket_path
from core.text import Text
from mqtt.broker.errors import BrokerUnusable


@dataclass(frozen=True, slots=True)
class BrokerFiles:
    """Every path of one installation's broker; all lie in a folder that nobody else can read."""

    folder: Path

    @classmethod
    def in_data_dir(cls, data_dir: Path) -> BrokerFiles:
        """The files of the installation with that data folder; makes the folder (0700)."""
        folder = data_dir.absolute() / "broker"
        for path in (folder, folder / "services", folder / "store"):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.chmod(0o700)
        return cls(folder)

    @property
    def config(self) -> Path:
        """mosquitto.conf."""
        return self.folder / "mosquitto.conf"

    @property
    def acl(self) -> Path:
        """Who may do what."""
        return self.folder / "acl"

    @property
    def passwords(self) -> Path:
        """Hashes of the service passwords."""
        return self.folder / "passwords"

    @property
    def ca(self) -> Path:
        """The fleet CA's certificate."""
        return self.folder / "ca.pem"

    @property
    def crl(self) -> Path:
        """The revocation list in force."""
        return self.folder / "crl.pem"

    @property
    def crl_copy(self) -> Path:
        """A second copy of the list, for the day the first one is broken and the database is away."""
        return self.folder / "crl-copy.pem"

    @property
    def certificate(self) -> Path:
        """The broker's certificate and key."""
        return self.folder / "broker.pem"

    @property
    def certificate_facts(self) -> Path:
        """What the certificate was issued for."""
        return self.folder / "broker-certificate.json"

    @property
    def canary(self) -> Path:
        """Certificate and key of the canary that must get in."""
        return self.folder / "canary.pem"

    @property
    def revoked_canary(self) -> Path:
        """Certificate and key of the canary that the list in force revokes."""
        return self.folder / "canary-revoked.pem"

    @property
    def store(self) -> Path:
        """Mosquitto's own store."""
        return self.folder / "store"

    @property
    def pid(self) -> Path:
        """Which process the broker is."""
        return self.folder / "mosquitto.pid.json"

    def forget_store(self) -> None:
        """Drop every session, queued and retained message. Raises BrokerUnusable while a broker runs here."""
        with self.sole_runner():
            for path in self.store.iterdir():
                path.unlink()

    def forget_store_of_before(self, moment: datetime) -> bool:
        """Do so where the newest of it was stored before a moment; returns whether. Raises as `forget_store` does."""
        stored = [path.stat().st_mtime for path in self.store.iterdir()]
        if not stored or max(stored) >= moment.timestamp():
            return False
        self.forget_store()
        return True

    def service_password(self, user: str) -> Path:
        """The plain password of a service user (0600)."""
        return self.folder / "services" / user

    @property
    def socket(self) -> Path:
        """The socket of the server's own clients. Raises BrokerUnusable when its short folder is somebody else's."""
        try:
            return socket_path(self.folder, "broker.sock")
        except PermissionError as error:
            raise BrokerUnusable(
                Text(
                    f"{error.filename} 不是本用户的私有目录，请删除它，或缩短 SHOUJI_DATA_DIR 的路径。",
                    f"{error.filename} is not a private folder of this user: remove it, or choose a shorter "
                    "SHOUJI_DATA_DIR.",
                )
            ) from error

    @contextmanager
    def change(self) -> Iterator[None]:
        """Hold the lock under which files change and canaries fly, across processes."""
        with _locked(self.folder / "change.lock", LOCK_EX):
            yield

    @contextmanager
    def sole_runner(self) -> Iterator[None]:
        """Be the one process that runs this broker. Raises BrokerUnusable when another one is."""
        try:
            with _locked(self.folder / "runner.lock", LOCK_EX | LOCK_NB):
                yield
        except BlockingIOError:
            raise BrokerUnusable(
                Text(
                    f"另一个进程已在运行此数据目录的消息服务器：{self.folder}。",
                    f"Another process already runs the broker of this data folder: {self.folder}.",
                )
            ) from None


@contextmanager
def _locked(path: Path, kind: int) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        flock(descriptor, kind)
        yield
    finally:
        os.close(descriptor)
