"""How old the broker's certificate and the revocation list in force are, for the health page and /metrics."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from config.settings import Settings
from core.crypto.crl import RevocationList, read_crl
from core.crypto.x509 import CertificateAuthority, certificate_end
from mqtt.broker.files import BrokerFiles


@dataclass(frozen=True, slots=True)
class BrokerAges:
    """When the broker's certificate ends (None: it has none that we made), and the list in force (None: not to be
    read)."""

    certificate_ends_at: datetime | None
    revocations: RevocationList | None


def ages(settings: Settings, ca: CertificateAuthority) -> BrokerAges:
    """Read both from the installation's files."""
    files = BrokerFiles(settings.data_dir.absolute() / "broker")
    try:
        ends = certificate_end(files.certificate)
    except (OSError, ValueError):
        ends = None
    try:
        found = read_crl((settings.broker_crl_path or files.crl).read_bytes(), ca)
    except (OSError, ValueError):
        found = None
    return BrokerAges(ends, found)
