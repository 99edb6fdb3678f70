"""The managed Mosquitto with one more account: the same program, files and settings, and a user who may do all.

A phone may publish on its own topics alone, so nobody but this user can speak for 100,000 phones at once; and the
baseline's one client both publishes to phones and reads their replies, which no user of ours may.
"""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

from config.settings import Settings
from core import clock
from core.crypto.x509 import CertificateAuthority
from core.process import with_parent_death_signal
from mqtt.broker.files import BrokerFiles
from mqtt.broker.managed import managed_admin
from mqtt.broker.passwords import hash_password
from mqtt.broker.process import find_mosquitto
from mqtt.broker.types import CrlSource
from mqtt.contract.topics import PREFIX

REPLIES = f"{PREFIX}/d/+/bench"
READY_SECONDS = 20.0
USER = PASSWORD = "bench"  # noqa: S105 -- of a broker that lives as long as the measurement


def reply_topic(device_id: str) -> str:
    """Where a light phone answers the baseline: beside the topics that the server reads."""
    return f"{PREFIX}/d/{device_id}/bench"


class BenchBroker:
    """Started and stopped by us instead of by the broker role, whose watch would undo the extra account."""

    def __init__(self, settings: Settings, ca: CertificateAuthority, source: CrlSource) -> None:
        self._settings = settings
        self._files = BrokerFiles.in_data_dir(settings.data_dir)
        self._admin = managed_admin(settings, ca, source)
        self._child: subprocess.Popen[bytes] | None = None
        self.socket = self._files.socket

    @property
    def pid(self) -> int:
        """The process."""
        return self._child.pid if self._child else 0

    def start(self) -> BenchBroker:
        """Write the files as the broker role does, and start. Raises TimeoutError with the end of its log."""
        self._admin.prepare()
        folder = self._files.folder
        config = self._files.config.read_text()
        for original, more in (
            (self._files.acl, f"pattern write {PREFIX}/d/%u/bench\n\nuser {USER}\ntopic readwrite {PREFIX}/#\n"),
            (self._files.passwords, f"{USER}:{hash_password(USER, PASSWORD)}\n"),
        ):
            copy = original.with_name(f"bench-{original.name}")
            copy.write_text(original.read_text() + more)
            config = config.replace(f" {original}\n", f" {copy}\n")
        path = folder / "bench.conf"
        path.write_text(config)
        with (folder / "bench.log").open("wb") as log:
            self._child = subprocess.Popen(
                [str(find_mosquitto(self._settings)), "-c", str(path)],
                stdout=log,
                stderr=log,
                preexec_fn=with_parent_death_signal,  # noqa: PLW1509
            )
        self._wait_for(self.socket)
        return self

    def stop(self) -> None:
        """End it."""
        if self._child:
            self._child.terminate()
            self._child.wait()
            self._child = None

    def _wait_for(self, path: Path) -> None:
        end = clock.monotonic() + READY_SECONDS
        while not path.exists():
            if clock.monotonic() > end or (self._child and self._child.poll() is not None):
                raise TimeoutError((self._files.folder / "bench.log").read_text()[-2000:])
            time.sleep(0.05)
        time.sleep(0.2)
