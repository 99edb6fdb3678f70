"""The Mosquitto that we run ourselves, seen from any process: through its files and its pid."""

from __future__ import annotations

from pathlib import Path

from config.settings import Settings
from core.crypto.x509 import CertificateAuthority
from core.files import holds, replace_file
from mqtt.broker.acl import for_managed_broker
from mqtt.broker.admin import Admin
from mqtt.broker.canaries import Doors
from mqtt.broker.certificates import broker_hosts, ensure_broker_certificate, local_host
from mqtt.broker.crl import CrlKeeper
from mqtt.broker.endpoint import service_endpoint
from mqtt.broker.errors import BrokerAway
from mqtt.broker.files import BrokerFiles
from mqtt.broker.passwords import password_file, service_passwords
from mqtt.broker.process import running
from mqtt.broker.rendering import mosquitto_conf
from mqtt.broker.types import CrlSource


class ManagedControl:
    """Files in the data folder, SIGHUP to reload, SIGTERM to halt (the broker role starts it again when it is safe)."""

    def __init__(self, settings: Settings, files: BrokerFiles, ca: CertificateAuthority) -> None:
        self._settings = settings
        self._files = files
        self._ca = ca
        self._contents: dict[Path, bytes] = {
            files.config: mosquitto_conf(settings, files).encode(),
            files.acl: for_managed_broker().encode(),
            files.passwords: password_file(service_passwords(files)).encode(),
            files.ca: ca.pem.encode(),
        }
        self.admin_endpoint = service_endpoint(settings, "admin")
        self.doors = Doors(local_host(settings), settings.mqtt_port, self.admin_endpoint, files)

    def repair_files(self) -> list[str]:
        """See Control."""
        wrong = [path for path, content in self._contents.items() if not holds(path, content)]
        for path in wrong:
            replace_file(path, self._contents[path])
        issued = ensure_broker_certificate(self._files, self._ca, broker_hosts(self._settings))
        return [path.name for path in wrong] + ([self._files.certificate.name] if issued else [])

    def reload(self) -> None:
        """See Control."""
        process = running(self._files)
        if process is None or not process.reload():
            raise BrokerAway("it is not running")

    def halt(self) -> None:
        """See Control."""
        process = running(self._files)
        if process is not None:
            process.stop()


def managed_admin(settings: Settings, ca: CertificateAuthority, source: CrlSource) -> Admin:
    """The admin of the broker in this installation's data folder."""
    files = BrokerFiles.in_data_dir(settings.data_dir)
    return Admin(files, ca, CrlKeeper(files, ca, source, files.crl), ManagedControl(settings, files, ca))
