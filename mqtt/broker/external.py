"""A Mosquitto that others run: we write its revocation list, have it reloaded by their command, and try its doors."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path

from config.settings import Settings
from core.crypto.x509 import CertificateAuthority
from core.files import holds, replace_file
from core.log import get_logger
from core.text import Text
from mqtt.broker.admin import Admin
from mqtt.broker.canaries import Doors
from mqtt.broker.crl import CrlKeeper
from mqtt.broker.endpoint import outside_endpoint
from mqtt.broker.errors import BrokerAway, BrokerUnusable
from mqtt.broker.files import BrokerFiles
from mqtt.broker.types import CrlSource

RELOAD_SECONDS = 30
PUBLIC_MODE = 0o644
"""The outside broker runs as another user; revocation lists and certificates are public."""

log = get_logger(__name__)


class ExternalControl:
    """The list goes to SHOUJI_BROKER_CRL_PATH, SHOUJI_BROKER_RELOAD_COMMAND has it read; stopping is not ours to do."""

    def __init__(self, settings: Settings, files: BrokerFiles, ca: CertificateAuthority) -> None:
        self._command = shlex.split(settings.broker_reload_command or "")
        if not self._command:
            raise BrokerUnusable(
                Text(
                    "使用外部消息服务器时必须设置 SHOUJI_BROKER_RELOAD_COMMAND。",
                    "An outside broker needs SHOUJI_BROKER_RELOAD_COMMAND.",
                )
            )
        self._files = files
        self._ca = ca
        self.admin_endpoint = outside_endpoint(settings)
        self.doors = Doors(settings.broker_host_for_phones, settings.broker_port_for_phones, self.admin_endpoint, files)

    def repair_files(self) -> list[str]:
        """See Control: only the canaries' CA file is ours here."""
        if holds(self._files.ca, self._ca.pem.encode()):
            return []
        replace_file(self._files.ca, self._ca.pem.encode())
        return [self._files.ca.name]

    def reload(self) -> None:
        """See Control."""
        try:
            subprocess.run(
                self._command,
                check=True,
                timeout=RELOAD_SECONDS,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise BrokerAway(f"SHOUJI_BROKER_RELOAD_COMMAND failed: {error}") from error

    def halt(self) -> None:
        """See Control."""
        log.critical("broker_unsafe_but_not_ours_to_stop")


def issue_certificate(ca: CertificateAuthority, hosts: Sequence[str], folder: Path) -> None:
    """Write `broker.pem`, `broker.key` and `ca.pem` for an outside broker; phones trust the fleet CA alone."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    certificate, key = ca.issue_broker(hosts)
    replace_file(folder / "broker.pem", certificate.encode(), PUBLIC_MODE)
    replace_file(folder / "broker.key", key.encode())
    replace_file(folder / "ca.pem", ca.pem.encode(), PUBLIC_MODE)


def external_admin(settings: Settings, ca: CertificateAuthority, source: CrlSource) -> Admin:
    """The admin of the broker at SHOUJI_BROKER_URL. Raises BrokerUnusable when the settings do not suffice."""
    if settings.broker_crl_path is None:
        raise BrokerUnusable(
            Text(
                "使用外部消息服务器时必须设置 SHOUJI_BROKER_CRL_PATH。",
                "An outside broker needs SHOUJI_BROKER_CRL_PATH.",
            )
        )
    files = BrokerFiles.in_data_dir(settings.data_dir)
    keeper = CrlKeeper(files, ca, source, settings.broker_crl_path, PUBLIC_MODE)
    return Admin(files, ca, keeper, ExternalControl(settings, files, ca))
